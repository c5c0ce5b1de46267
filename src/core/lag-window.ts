/** Most looks that are remembered: a window holds far fewer. */
const mostLooks = 64;

/**
 * How late a thread was at the looks of a window. What counts is the lag that stood for half of it, by time: one pause, as a
 * collection of garbage makes it, is no overload, and a thread that is never through with its work is found within that time.
 * Times in ms of one clock.
 */
export class LagWindow {
  /** Looks are to be at least so far apart. */
  readonly leastMs: number;
  readonly #windowMs: number;
  /** A ring of looks: when each was, when the one before it was, and how late it came. */
  readonly #at: Float64Array = new Float64Array(mostLooks).fill(Number.NEGATIVE_INFINITY);
  readonly #since: Float64Array = new Float64Array(mostLooks);
  readonly #late: Float64Array = new Float64Array(mostLooks);
  #next = 0;
  #last: number;

  constructor(windowMs: number, nowMs: number) {
    this.#windowMs = windowMs;
    this.leastMs = (2 * windowMs) / mostLooks;
    this.#last = nowMs;
  }

  /** A look that was due at `dueMs`. Of those that a pause held up, and that come at one time, the first tells how long it was. */
  look(dueMs: number, nowMs: number): void {
    if (nowMs === this.#last) return;
    this.#at[this.#next] = nowMs;
    this.#since[this.#next] = this.#last;
    this.#late[this.#next] = nowMs - dueMs;
    this.#next = (this.#next + 1) % mostLooks;
    this.#last = nowMs;
  }

  /** The lag that stood for half of the window, ms; `dueMs` is when the next look is due. */
  standing(dueMs: number, nowMs: number): number {
    const from = nowMs - this.#windowMs;
    // A look that is overdue is a lag too, of which the end is not known yet.
    const looks = [{ late: Math.max(0, nowMs - dueMs), share: nowMs - Math.max(this.#last, from) }];
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
}
