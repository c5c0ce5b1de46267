import type { Clock, Timer } from './clock.ts';

/** Most looks that are remembered: a window holds far fewer. */
const mostLooks = 64;
/** Looks at rest that have to go by without anybody asking before looks become seldom: a second as things are set. */
const restsBefore = 10;

/**
 * How far behind a thread is with its work: a timer looks every `everyMs` how late it was called. What counts is the lag
 * that stood for half of the last `windowMs`, by time: one pause, as a collection of garbage makes it, is no overload, and
 * a thread that is never through with its work is found within that time. Each look wakes the thread: while nobody has asked for
 * long it looks less often.
 */
export class LoopLag {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #windowMs: number;
  readonly #restMs: number;
  #hurriedAt = Number.NEGATIVE_INFINITY;
  /** A ring of looks: when each was, when the one before it was, and how late it came. */
  readonly #at: Float64Array = new Float64Array(mostLooks).fill(Number.NEGATIVE_INFINITY);
  readonly #since: Float64Array = new Float64Array(mostLooks);
  readonly #late: Float64Array = new Float64Array(mostLooks);
  #next = 0;
  #last: number;
  #due = 0;
  #timer: Timer;

  /** `restMs` is how often it looks while `hurry` was not called for `restsBefore` times as long; as often as else unless given. */
  constructor(clock: Clock, everyMs: number, windowMs: number, restMs = everyMs) {
    this.#clock = clock;
    this.#everyMs = Math.max(everyMs, (2 * windowMs) / mostLooks);
    this.#windowMs = windowMs;
    this.#restMs = Math.max(restMs, this.#everyMs);
    this.#last = clock.now();
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
    const now = this.#clock.now();
    const from = now - this.#windowMs;
    // A look that is overdue is a lag too, of which the end is not known yet.
    const looks = [{ late: Math.max(0, now - this.#due), share: now - Math.max(this.#last, from) }];
    for (let i = 0; i < mostLooks; i++) {
      const share = this.#at[i]! - Math.max(this.#since[i]!, from);
      if (share > 0) looks.push({ late: this.#late[i]!, share });
    }
    looks.sort((a, b) => b.late - a.late);
    let left = this.#windowMs / 2;
    for (const { late, share } of looks) {
      left -= share;
      if (left <= 0) return late;
    }
    return 0;
  }

  #resting(now: number): boolean {
    return now - this.#hurriedAt > restsBefore * this.#restMs;
  }

  #arm(): Timer {
    const begun = this.#clock.now();
    const waitMs = this.#resting(begun) ? this.#restMs : this.#everyMs;
    this.#due = begun + waitMs;
    return this.#clock.timer(waitMs, () => {
      const now = this.#clock.now();
      this.#at[this.#next] = now;
      this.#since[this.#next] = this.#last;
      this.#late[this.#next] = now - this.#due;
      this.#next = (this.#next + 1) % mostLooks;
      this.#last = now;
      this.#timer = this.#arm();
    });
  }
}
