import type { Clock, Timer } from '../../src/core/clock.ts';

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly fire: () => void;
}

/** A clock that stands still until a test moves it. Timers fire in order of time, then of asking. */
export class ManualClock implements Clock {
  #now: number;
  readonly #epoch: number;
  #order = 0;
  readonly #timers = new Set<Entry>();

  constructor(startMs = 1000, epochMs = 1_700_000_000_000) {
    this.#now = startMs;
    this.#epoch = epochMs - startMs;
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#epoch + this.#now;
  }

  timer(ms: number, fire: () => void): Timer {
    this.#order += 1;
    const entry: Entry = { at: this.#now + Math.max(0, ms), order: this.#order, fire };
    this.#timers.add(entry);
    return { cancel: () => void this.#timers.delete(entry) };
  }

  /** Timers that have neither fired nor been cancelled. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves time on by `ms` and fires, one after the other, every timer that falls due on the way. */
  advance(ms: number): void {
    const target = this.#now + ms;
    for (let next = this.#next(target); next !== undefined; next = this.#next(target)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.fire();
    }
    this.#now = target;
  }

  /** Moves time on by `ms` as for a thread that is busy: what falls due on the way fires when time is moved on after it. */
  stall(ms: number): void {
    this.#now += ms;
  }

  #next(until: number): Entry | undefined {
    let first: Entry | undefined;
    for (const entry of this.#timers) {
      if (entry.at > until) continue;
      if (first === undefined || entry.at < first.at || (entry.at === first.at && entry.order < first.order))
        first = entry;
    }
    return first;
  }
}
