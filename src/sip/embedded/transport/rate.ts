import type { Clock } from '../../../core/clock.ts';

/** Counts events in windows of fixed length: what is too many, whoever counts knows. */
export class RateWindow {
  readonly #clock: Clock;
  readonly #ms: number;
  #start = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#ms = ms;
  }

  /** Counts one event and returns how many the current window has seen with it. */
  count(): number {
    const now = this.#clock.now();
    if (now - this.#start >= this.#ms) {
      this.#start = now;
      this.#count = 0;
    }
    this.#count++;
    return this.#count;
  }
}

/** Hands out turns, so many a second: what would begin all at once begins one after the other. */
export class Turns {
  readonly #clock: Clock;
  readonly #everyMs: number;
  #next = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#everyMs = 1_000 / perSecond;
  }

  /** Takes the next turn; how long it is until then, ms. */
  take(): number {
    const now = this.#clock.now();
    const at = Math.max(now, this.#next);
    this.#next = at + this.#everyMs;
    return at - now;
  }
}
