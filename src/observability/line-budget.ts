import type { Clock } from '../core/clock.ts';

/** A token bucket for log lines that a stranger can cause at will. */
export class LineBudget {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;
  #unsaid = 0;

  constructor(clock: Clock, limits: { readonly perSecond: number; readonly burst: number }) {
    this.#clock = clock;
    this.#perSecond = limits.perSecond;
    this.#burst = limits.burst;
    this.#tokens = limits.burst;
    this.#at = clock.now();
  }

  /** Undefined when the line must not be written; else how many were not written since the last one. */
  take(): number | undefined {
    const now = this.#clock.now();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) / 1000) * this.#perSecond);
    this.#at = now;
    if (this.#tokens < 1) {
      this.#unsaid++;
      return undefined;
    }
    this.#tokens--;
    const unsaid = this.#unsaid;
    this.#unsaid = 0;
    return unsaid;
  }
}
