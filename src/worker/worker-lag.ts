import type { Clock } from '../core/clock.ts';
import type { OverloadLimits } from '../core/overload.ts';

/** How late a worker is, as far as the main thread knows: what it told last, or for how long it has told nothing. */
export class WorkerLag {
  readonly #clock: Clock;
  readonly #everyMs: number;
  #told = 0;
  #at: number;

  constructor(clock: Clock, { lagTellMs }: OverloadLimits) {
    this.#clock = clock;
    this.#everyMs = lagTellMs;
    this.#at = clock.now();
  }

  hear(ms: number): void {
    this.#told = ms;
    this.#at = this.#clock.now();
  }

  get ms(): number {
    // A report that has only just become due says nothing yet: this thread may be the one that is late.
    return Math.max(this.#told, this.#clock.now() - this.#at - 2 * this.#everyMs);
  }
}
