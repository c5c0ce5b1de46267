import { setMaxListeners } from 'node:events';
import type { Clock, Timer } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { EventSink } from '../core/events.ts';
import type { Logger } from '../core/logger.ts';
import type { Outbox, OutboxEntry } from '../store/store.ts';
import { eventId } from './announcement.ts';
import type { WebhookAnswer, WebhookClient } from './client.ts';
import { webhookLimits } from './limits.ts';
import type { PostCallSettings, RequestHeaders } from './settings.ts';
import { sign, signatureHeader } from './signature.ts';

/** Where events go, and how they are signed. */
export interface DeliverySettings extends PostCallSettings {
  readonly headers: RequestHeaders;
  readonly secret: string;
}

export interface DeliveryParts {
  readonly outbox: Outbox;
  readonly client: Pick<WebhookClient, 'post'>;
  /** What is configured now; undefined: there is nowhere to send to. */
  readonly settings: () => DeliverySettings | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventSink;
  /** 0 up to 1, for the jitter. */
  readonly random?: () => number;
}

/** How an attempt went: undefined when the receiver has it. */
interface Trouble {
  readonly cause: string;
  readonly detail: string;
  /** What the receiver asked for, ms. */
  readonly retryMs?: number;
}

/**
 * Sends what is in the durable queue until the receiver has it: at least once, one event of a call at a time and in order.
 * It holds nothing that matters: killed at any moment, its leases run out and the next one goes on.
 */
export class Deliveries {
  readonly #parts: DeliveryParts;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #poll: Timer | undefined;
  #claiming: Promise<void> | undefined;
  #again = false;
  #down = false;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    // Each delivery under way listens to it; from eleven on that would be taken for a leak, and said on standard error.
    setMaxListeners(webhookLimits.deliveries, this.#stopping.signal);
  }

  start(): void {
    this.#parts.outbox.onQueued(() => this.#wake());
    this.#wake();
  }

  /** Goes on with what is due for at most `ms`, then breaks off: what was broken off is due at once at the next start. */
  async stop(ms: number): Promise<void> {
    const { clock } = this.#parts;
    let late = false;
    let expire: () => void = () => undefined;
    const expired = new Promise<void>(resolve => {
      expire = resolve;
    });
    const timer = clock.timer(ms, () => {
      late = true;
      expire();
    });
    this.#wake();
    while (!late && this.#busy.length > 0) await Promise.race([expired, ...this.#busy]);
    timer.cancel();
    this.#stopping.abort();
    this.#poll?.cancel();
    await Promise.all(this.#busy);
  }

  get #busy(): Promise<void>[] {
    return this.#claiming === undefined ? [...this.#running] : [this.#claiming, ...this.#running];
  }

  #wake(): void {
    if (this.#stopping.signal.aborted) return;
    if (this.#claiming !== undefined) {
      this.#again = true;
      return;
    }
    this.#claiming = this.#claim().finally(() => {
      this.#claiming = undefined;
      if (this.#again) {
        this.#again = false;
        this.#wake();
      }
    });
  }

  async #claim(): Promise<void> {
    const { outbox, clock, log, settings } = this.#parts;
    this.#poll?.cancel();
    const free = webhookLimits.deliveries - this.#running.size;
    try {
      const now = settings();
      // Without a receiver what is queued waits for one.
      const entries =
        free > 0 && now !== undefined ? await outbox.claim(free, now.timeoutMs + webhookLimits.leaseMs) : [];
      for (const entry of entries) this.#take(entry);
      this.#down = false;
    } catch (error) {
      if (!this.#down) log.warn('webhooks wait: the queue cannot be read', { error: messageOf(error) });
      this.#down = true;
    }
    if (!this.#stopping.signal.aborted) {
      this.#poll = clock.timer(webhookLimits.pollMs, () => this.#wake());
    }
  }

  #take(entry: OutboxEntry): void {
    const running = this.#deliver(entry)
      .catch(error => this.#parts.log.warn('a webhook could not be written off', { error: messageOf(error) }))
      .finally(() => {
        this.#running.delete(running);
        // The next event of the same call was waiting for this one.
        this.#wake();
      });
    this.#running.add(running);
  }

  async #deliver(entry: OutboxEntry): Promise<void> {
    const { outbox, clock, events } = this.#parts;
    const begun = clock.now();
    const trouble = await this.#attempt(entry);
    const tell = (outcome: 'delivered' | 'later' | 'dead') =>
      events.emit({
        type: 'webhook',
        call: entry.call,
        event: entry.kind,
        outcome,
        cause: trouble?.cause ?? 'ok',
        detail: trouble?.detail ?? '',
        attempt: entry.attempt,
        ms: clock.now() - begun,
        ageMs: Math.max(0, clock.wall() - entry.at),
      });
    if (trouble === undefined) {
      await outbox.done(entry);
      return tell('delivered');
    }
    const retryMs = this.#stopping.signal.aborted ? 0 : this.#pause(entry.attempt, trouble.retryMs);
    const state = await outbox.failed(entry, `${trouble.cause}: ${trouble.detail}`, retryMs);
    tell(state === 'dead' ? 'dead' : 'later');
  }

  async #attempt(entry: OutboxEntry): Promise<Trouble | undefined> {
    const now = this.#parts.settings();
    if (now === undefined)
      return { cause: 'webhook-not-configured', detail: 'webhooks.post_call.url is not set any more' };
    const { body = '{}' } = entry;
    const answer = await this.#parts.client.post({
      url: now.url,
      headers: {
        ...now.headers,
        [signatureHeader]: sign(now.secret, body, this.#parts.clock.wall()),
        'Idempotency-Key': eventId(entry.call, entry.kind),
        'X-Trunkbridge-Attempt': String(entry.attempt),
      },
      body,
      timing: {
        connectMs: Math.min(webhookLimits.connectMs, now.timeoutMs),
        firstByteMs: Math.min(webhookLimits.firstByteMs, now.timeoutMs),
        totalMs: now.timeoutMs,
      },
      answerBytes: webhookLimits.eventAnswerBytes,
      cutAnswer: true,
      signal: this.#stopping.signal,
    });
    if (!answer.ok) return { cause: answer.failure.code, detail: answer.failure.message };
    return troubleIn(answer.value, this.#parts.clock.wall());
  }

  /** Doubles with every attempt up to a limit, and half of it is left to chance: receivers that come back are not run over. */
  #pause(attempt: number, askedMs = 0): number {
    const { firstRetryMs, longestRetryMs } = webhookLimits;
    const whole = Math.min(firstRetryMs * 2 ** (attempt - 1), longestRetryMs);
    const random = this.#parts.random ?? Math.random;
    return Math.max(whole / 2 + (whole / 2) * random(), Math.min(askedMs, longestRetryMs));
  }
}

function troubleIn({ status, retryAfter }: WebhookAnswer, wallMs: number): Trouble | undefined {
  if (status >= 200 && status < 300) return undefined;
  const retryMs = retryAfter === undefined ? undefined : retryAfterMs(retryAfter, wallMs);
  return {
    cause: status >= 300 && status < 400 ? 'webhook-redirected' : 'webhook-status',
    detail: `it answered with HTTP ${status}`,
    ...(retryMs === undefined ? {} : { retryMs }),
  };
}

/** RFC 9110 section 10.2.3: seconds, or a date. */
function retryAfterMs(text: string, wallMs: number): number | undefined {
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - wallMs);
}
