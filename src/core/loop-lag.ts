import type { Clock, Timer } from './clock.ts';
import { LagWindow } from './lag-window.ts';

/** Looks at rest that have to go by without anybody asking before looks become seldom: a second as things are set. */
const restsBefore = 10;

/**
 * How far behind a thread is with its work: a timer looks every `everyMs` how late it was called, and what stood for half of
 * the last `windowMs` counts (`LagWindow`). Each look wakes the thread: while nobody has asked for long it looks less often.
 */
export class LoopLag {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #restMs: number;
  readonly #window: LagWindow;
  #hurriedAt = Number.NEGATIVE_INFINITY;
  #due = 0;
  #timer: Timer;

  /** `restMs` is how often it looks while `hurry` was not called for `restsBefore` times as long; as often as else unless given. */
  constructor(clock: Clock, everyMs: number, windowMs: number, restMs = everyMs) {
    this.#clock = clock;
    this.#window = new LagWindow(windowMs, clock.now());
    this.#everyMs = Math.max(everyMs, this.#window.leastMs);
    this.#restMs = Math.max(restMs, this.#everyMs);
    this.#timer = this.#arm();
  }

  stop(): void {
    this.#timer.cancel();
  }

  /** The lag is of interest from now on: looks become frequent again. */
  hurry(): void {
    const now = this.#clock.now();
    const rested = this.#resting(now);
    this.#hurriedAt = now;
    // A look that is overdue is not put off: it is what tells of the lag.
    if (!rested || this.#due - now <= this.#everyMs) return;
    this.#timer.cancel();
    this.#timer = this.#arm();
  }

  /** The lag that stood for half of the window, ms. */
  standing(): number {
    return this.#window.standing(this.#due, this.#clock.now());
  }

  #resting(now: number): boolean {
    return now - this.#hurriedAt > restsBefore * this.#restMs;
  }

  #arm(): Timer {
    const begun = this.#clock.now();
    const waitMs = this.#resting(begun) ? this.#restMs : this.#everyMs;
    this.#due = begun + waitMs;
    return this.#clock.timer(waitMs, () => {
      this.#window.look(this.#due, this.#clock.now());
      this.#timer = this.#arm();
    });
  }
}
