import type { Clock } from '../core/clock.ts';
import type { OverloadLimits } from '../core/overload.ts';
import { pulseMs } from './messages.ts';

/**
 * How late a worker is, as far as the main thread knows: what it told last, or for how long it has not done what it was asked,
 * or has told nothing at all.
 */
export class WorkerLag {
  readonly #clock: Clock;
  readonly #graceMs: number;
  /** When it was asked for what it has not done yet, oldest first. */
  readonly #asked = new Map<string, number>();
  #told = 0;
  #heardMs: number;

  constructor(clock: Clock, { lagTellMs }: OverloadLimits) {
    this.#clock = clock;
    // What has only just become due says nothing yet: the main thread may be the one that is late.
    this.#graceMs = 2 * lagTellMs;
    this.#heardMs = clock.now();
  }

  /** It has told how late it is. */
  hear(ms: number): void {
    this.#told = ms;
    this.pulse();
  }

  /** It has told something. */
  pulse(): void {
    this.#heardMs = this.#clock.now();
  }

  /** It is asked to do something without delay. */
  ask(what: string): void {
    this.#asked.set(what, this.#clock.now());
  }

  /** It has done so, or said that it cannot. */
  answered(what: string): void {
    this.#asked.delete(what);
  }

  get ms(): number {
    const now = this.#clock.now();
    const [asked = now] = this.#asked.values();
    return Math.max(this.#told, now - asked - this.#graceMs, now - this.#heardMs - 2 * pulseMs);
  }
}
