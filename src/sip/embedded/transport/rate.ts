import type { Clock } from '../../../core/clock.ts';

/** Counts events in windows of fixed length: `take` tells whether one more still fits into the current window. */
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
