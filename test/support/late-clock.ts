import type { Clock, Timer } from '../../src/core/clock.ts';

/** A clock whose timers can be late, as they are on a thread that has too much to do. */
export class LateClock implements Clock {
  #now = 1000;
  readonly #timers = new Set<{ at: number; fire: () => void }>();

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#now;
  }

  timer(ms: number, fire: () => void): Timer {
    const entry = { at: this.#now + ms, fire };
    this.#timers.add(entry);
    return { cancel: () => void this.#timers.delete(entry) };
  }

  get pending(): number {
    return this.#timers.size;
  }

  /** Works for `ms`; only then fires what has become due meanwhile. */
  work(ms: number): void {
    this.#now += ms;
    for (const entry of [...this.#timers]) {
      if (entry.at > this.#now) continue;
      this.#timers.delete(entry);
      entry.fire();
    }
  }

  /** Has nothing to do for `ms`. */
  rest(ms: number): void {
    for (const end = this.#now + ms; this.#now < end; ) this.work(Math.min(1, end - this.#now));
  }

  /** Time passes in the middle of something: nothing fires. */
  hang(ms: number): void {
    this.#now += ms;
  }
}
