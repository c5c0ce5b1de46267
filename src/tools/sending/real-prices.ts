import { z } from 'zod';
import type { Clock, Timer } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { Money } from '../../core/tool-facts.ts';
import type { Executions, Pending } from '../../store/sends.ts';
import type { Counters } from '../../store/store.ts';
import { fetchCall } from '../../twilio/calls.ts';
import type { TwilioCaller } from '../../twilio/client.ts';
import type { TwilioConnection } from '../../twilio/connection.ts';
import { fetchMessage } from '../../twilio/messages.ts';

export const priceLimits = {
  /**
   * How long after it was sent Twilio is asked what something has cost, ms: each time once. A message is mostly priced within
   * seconds, a call some time after its end; the last is what a call of many hours needs.
   */
  looksMs: [10_000, 120_000, 1_200_000, 14_400_000, 82_800_000],
  /** Things whose price is waited for; above it the oldest keeps its estimate. */
  kept: 5_000,
  /** How many Twilio is asked about before there is a pause, and how long that is at least, ms. */
  aRound: 20,
  pauseMs: 5_000,
} as const;

/** Something that was sent for money. */
export interface Bought {
  readonly what: 'message' | 'call';
  /** SM…, MM… or CA…. */
  readonly sid: string;
  /** What was taken of the budgets for it, and under which names of counters money was. */
  readonly receipt: string;
  readonly counters: readonly string[];
  readonly estimate: Money;
  /** Twilio's id of the request (RQ…): the run in the log of executions is found by it. */
  readonly requestId?: string | undefined;
}

export interface RealPriceParts {
  readonly twilio: Pick<TwilioConnection, 'client'>;
  readonly counters: Pick<Counters, 'correct'>;
  readonly executions: Pick<Executions, 'priced'>;
  readonly pending: Pick<Pending, 'put' | 'remove' | 'own'>;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Waiting extends Bought {
  /** When it was bought, by the monotonic clock and by the wall clock. */
  readonly since: number;
  readonly at: number;
  looks: number;
}

/** What the store has of something whose price is waited for. */
const kept = z.object({
  what: z.enum(['message', 'call']),
  sid: z.string(),
  receipt: z.string(),
  counters: z.array(z.string()),
  estimate: z.object({ micros: z.number(), currency: z.string() }),
  requestId: z.string().optional(),
  at: z.number(),
});

/**
 * What things have really cost. Twilio tells it some time after it has sent them, so each is looked up a few times, slowly, until
 * there is a price; budgets and the log of executions have an estimate before, and ever after where Twilio never tells. What is
 * waited for is in the store as well, for the time after a restart. Asks nothing while nothing was bought.
 */
export class RealPrices {
  readonly #parts: RealPriceParts;
  /** By sid, oldest first. */
  readonly #waiting = new Map<string, Waiting>();
  #timer: Timer | undefined;
  /** When the timer fires, by the monotonic clock. */
  #due = 0;
  #round: Promise<void> | undefined;
  #closed = false;

  constructor(parts: RealPriceParts) {
    this.#parts = parts;
  }

  /** How many prices are waited for. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Goes on with what was waited for before a restart. Never rejects. */
  async resume(): Promise<void> {
    const { pending, clock, log } = this.#parts;
    let bodies: readonly string[];
    try {
      bodies = await pending.own('price', priceLimits.kept);
    } catch (error) {
      log.warn('prices that were waited for cannot be read, estimates stay', { error: messageOf(error) });
      return;
    }
    for (const body of bodies) {
      const read = kept.safeParse(JSON.parse(body));
      if (this.#closed || !read.success || this.#waiting.has(read.data.sid)) continue;
      const { at, requestId, ...bought } = read.data;
      const age = clock.wall() - at;
      this.#wait({ ...bought, requestId, since: clock.now() - age, at, looks: looksBy(age) });
    }
  }

  note(bought: Bought): void {
    if (this.#closed) return;
    const { clock, pending, log } = this.#parts;
    const at = clock.wall();
    this.#wait({ ...bought, since: clock.now(), at, looks: 0 });
    pending.put('price', bought.sid, JSON.stringify({ ...bought, at })).then(
      room => {
        if (!room) log.warn('a price is waited for until a restart: as many are kept as may be');
        // It was told before this was written.
        if (!this.#waiting.has(bought.sid) && !this.#closed) this.#forget(bought.sid);
      },
      error => log.warn('a price is waited for until a restart', { error: messageOf(error) }),
    );
  }

  #wait(waiting: Waiting): void {
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size >= priceLimits.kept && oldest !== undefined) this.#over(oldest);
    this.#waiting.set(waiting.sid, waiting);
    this.#arm(dueAt(waiting));
  }

  /** Nobody waits for this one any more. */
  #over(sid: string): void {
    this.#waiting.delete(sid);
    this.#forget(sid);
  }

  #forget(sid: string): void {
    // What stays in the store goes after a day.
    this.#parts.pending.remove('price', sid).catch(() => undefined);
  }

  /** Asks about what is due. */
  look(): Promise<void> {
    this.#round ??= this.#lookAtSome().finally(() => {
      this.#round = undefined;
      if (this.#waiting.size > 0) this.#arm(Math.min(...[...this.#waiting.values()].map(dueAt)));
    });
    return this.#round;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#waiting.clear();
  }

  /** The next look is when something is due, and not before there was a pause. */
  #arm(wanted: number): void {
    if (this.#closed || this.#round !== undefined) return;
    const { clock } = this.#parts;
    const now = clock.now();
    const due = Math.max(now + priceLimits.pauseMs, wanted);
    if (this.#timer !== undefined && this.#due <= due) return;
    this.#timer?.cancel();
    this.#due = due;
    this.#timer = clock.timer(due - now, () => {
      this.#timer = undefined;
      void this.look();
    });
  }

  async #lookAtSome(): Promise<void> {
    const { twilio, clock, log } = this.#parts;
    const client = twilio.client();
    const now = clock.now();
    const due = [...this.#waiting.values()].filter(each => dueAt(each) <= now);
    for (const each of due.slice(0, priceLimits.aRound)) {
      each.looks += 1;
      // Its last look: whatever comes of it, there is no other.
      if (each.looks === priceLimits.looksMs.length) this.#over(each.sid);
      if (!client.ok) continue;
      const price = await this.#priceOf(each, client.value);
      if (this.#closed) return;
      if (price === 'failed') return;
      if (price === 'none') continue;
      this.#over(each.sid);
      if (price === 'gone') continue;
      await this.#correct(each, price).catch(error => {
        log.warn('a price could not be kept, the estimate stays', { error: messageOf(error) });
      });
    }
  }

  /** `none`: it is not told yet. `gone`: Twilio knows nothing of it. `failed`: nothing else should be asked now either. */
  async #priceOf({ what, sid }: Waiting, client: TwilioCaller): Promise<Money | 'none' | 'gone' | 'failed'> {
    const found = await (what === 'message' ? fetchMessage : fetchCall)(client, sid);
    if (found.ok) return moneyOf(found.value) ?? 'none';
    const { code, status, errorCode } = found.failure;
    this.#parts.log.info('a price cannot be looked up', { what, code, status, errorCode });
    return status === 404 ? 'gone' : 'failed';
  }

  async #correct({ what, receipt, counters, estimate, requestId, at }: Waiting, cost: Money): Promise<void> {
    const { log } = this.#parts;
    // Budgets have one currency, and nobody here knows rates.
    const same = cost.currency === estimate.currency;
    if (same) await this.#parts.counters.correct(receipt, counters, cost.micros);
    if (requestId !== undefined) await this.#parts.executions.priced({ requestId, at, cost });
    const { micros, currency } = cost;
    log.debug('what something has cost is known', { what, micros, currency, estimated: estimate.micros });
  }
}

const dueAt = ({ since, looks }: Waiting): number => since + (priceLimits.looksMs[looks] ?? 0);

/** How many looks are behind something of that age; one is left in any case, for nobody knows whether the last was taken. */
const looksBy = (ageMs: number): number =>
  Math.min(priceLimits.looksMs.filter(ms => ms <= ageMs).length, priceLimits.looksMs.length - 1);

/** Twilio has what it takes below zero, and the currency of messages in small letters as well. */
function moneyOf({
  price,
  priceUnit,
}: {
  readonly price: number | undefined;
  readonly priceUnit: string | undefined;
}): Money | undefined {
  const currency = priceUnit?.toUpperCase() ?? '';
  if (price === undefined || !/^[A-Z]{3}$/.test(currency)) return undefined;
  const micros = Math.round(Math.abs(price) * 1_000_000);
  return Number.isSafeInteger(micros) ? { micros, currency } : undefined;
}
