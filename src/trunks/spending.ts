import type { Clock, Timer } from '../core/clock.ts';
import { type Ending, ending } from '../core/ending.ts';
import { fail, ok, type Result } from '../core/errors.ts';
import type { CounterAnswer, Counters } from '../store/store.ts';
import { Recent, TokenBucket } from './limits.ts';

/** What a trunk may be used for by us where `outbound_trunk_config.limits` says nothing else. */
export const spendingLimits = {
  /** Calls in any 24 hours, answered or not. */
  callsPerDay: 1_000,
  /** Begun minutes of answered calls in any 24 hours. */
  minutesPerDay: 5_000,
  /** Calls begun a second; twice as many may come at once. */
  callsPerSecond: 10,
} as const;

export type SpendingLimits = { readonly [Name in keyof typeof spendingLimits]: number };

/** Whose money it is. */
export interface Spender {
  readonly name: string;
  readonly spending: SpendingLimits;
}

const dayMs = 86_400_000;
const minuteMs = 60_000;
/** Trunks whose rate is remembered: more than anybody configures. */
const rates = 1_000;

const settings = {
  'outbound-calls-day': 'calls_per_day',
  'outbound-minutes-day': 'minutes_per_day',
} as const;

/** Nobody is called meanwhile; a call that is up goes on. */
const unknown = ending('outbound-limit', 'the store is down, so nobody knows what was used');

/** What one call of ours costs, for as long as it lasts. */
export interface Expense {
  /**
   * The call is answered: from now on each begun minute is taken, until none is left. What cannot be taken, because the
   * counters cannot be reached, is taken later.
   */
  answered(spent: (end: Ending) => void): void;
  /** The call is over, or came to nothing. */
  over(): void;
}

/**
 * Bounds what calls of ours can cost (toll fraud): how many a second, how many and how long a day, by trunk. The counters
 * outlive a restart and are shared by nodes; while they cannot be reached, nobody is called, and calls that are up go on.
 */
export class Spending {
  readonly #counters: Pick<Counters, 'take' | 'giveBack'>;
  readonly #clock: Clock;
  readonly #rates = new Recent<TokenBucket>(rates);

  constructor(counters: Pick<Counters, 'take' | 'giveBack'>, clock: Clock) {
    this.#counters = counters;
    this.#clock = clock;
  }

  /** Takes what a call needs to be placed: its place in the day, and its first minute. */
  async begin(trunk: Spender): Promise<Result<Expense, Ending>> {
    const { callsPerSecond } = trunk.spending;
    const bucket = () => new TokenBucket(this.#clock, callsPerSecond, 2 * callsPerSecond);
    const rate = this.#rates.touch(trunk.name, bucket);
    rate.tune(callsPerSecond, 2 * callsPerSecond);
    if (!rate.take()) return fail(reached(trunk, 'calls_per_second', callsPerSecond));
    const call = await this.#take(trunk, 'outbound-calls-day');
    if (!call.ok) return call;
    const minute = await this.#take(trunk, 'outbound-minutes-day');
    if (minute.ok) return ok(this.#expense(trunk, minute.value));
    this.#giveBack(call.value);
    return minute;
  }

  #expense(trunk: Spender, firstMinute: string): Expense {
    let timer: Timer | undefined;
    let state: 'unanswered' | 'answered' | 'over' = 'unanswered';
    /** Minutes that have begun and are not counted. */
    let owed = 0;
    const nextMinute = (spent: (end: Ending) => void) => {
      timer = this.#clock.timer(minuteMs, async () => {
        owed += 1;
        while (owed > 0) {
          const minute = await this.#take(trunk, 'outbound-minutes-day');
          if (state === 'over') return;
          if (!minute.ok && minute.failure !== unknown) return spent(minute.failure);
          if (!minute.ok) break;
          owed -= 1;
        }
        nextMinute(spent);
      });
    };
    return {
      answered(spent) {
        if (state !== 'unanswered') return;
        state = 'answered';
        nextMinute(spent);
      },
      over: () => {
        timer?.cancel();
        if (state === 'unanswered') this.#giveBack(firstMinute);
        state = 'over';
      },
    };
  }

  async #take(trunk: Spender, name: keyof typeof settings): Promise<Result<string, Ending>> {
    const { callsPerDay, minutesPerDay } = trunk.spending;
    const limit = name === 'outbound-calls-day' ? callsPerDay : minutesPerDay;
    let answer: CounterAnswer;
    try {
      answer = await this.#counters.take([{ name, subject: trunk.name, limit, windowMs: dayMs }]);
    } catch {
      return fail(unknown);
    }
    return answer.taken ? ok(answer.receipt) : fail(reached(trunk, settings[name], limit));
  }

  #giveBack(receipt: string): void {
    // One that is not given back costs a minute of the day, and nothing else.
    this.#counters.giveBack(receipt).catch(() => undefined);
  }
}

function reached({ name }: Spender, setting: string, limit: number): Ending {
  return ending('outbound-limit', `outbound_trunk_config.limits.${setting} of trunk ${name} is ${limit}`);
}
