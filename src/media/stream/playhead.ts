import { streamMediaLimits as limits } from './limits.ts';

/**
 * How far Twilio has played what it was sent. It plays without a pause from the first message on; the marks that come back
 * say how far it really is. Times in ms of the clock, places in ms of sound since the beginning.
 */
export class Playhead {
  /** Sound that was sent. */
  #sent = 0;
  /** When all of it is through, if Twilio began at once. */
  #endsAt = 0;
  /** A place that was played for certain, and when that was known. */
  #known = 0;
  #knownAt = 0;
  /** Places of the marks that are out, by their numbers. */
  readonly #marks = new Float64Array(limits.marks);
  #marked = 0;
  #returned = 0;
  /** Marks up to this one come back because what was before them was thrown away. */
  #cleared = 0;
  #everReturned = false;

  /** Sound that Twilio has ahead, ms. */
  ahead(nowMs: number): number {
    return Math.max(0, this.#endsAt - nowMs);
  }

  get sentMs(): number {
    return this.#sent;
  }

  sent(ms: number, nowMs: number): void {
    if (this.#endsAt <= nowMs) {
      // A new beginning: everything before it was played, or the marks will say that it was not.
      if (!this.#waiting) this.#know(this.#sent, nowMs);
      this.#endsAt = nowMs;
    }
    this.#endsAt += ms;
    this.#sent += ms;
  }

  /** A mark goes out after what was sent last: its number, or -1 when too many are out already. */
  mark(): number {
    if (this.#marked - this.#settled >= limits.marks) return -1;
    this.#marked++;
    this.#marks[this.#marked % limits.marks] = this.#sent;
    return this.#marked;
  }

  /** Mark number `mark` came back. */
  returned(mark: number, nowMs: number): void {
    if (!Number.isInteger(mark) || mark <= this.#returned || mark > this.#marked) return;
    this.#everReturned = true;
    this.#returned = mark;
    if (mark > this.#cleared) this.#know(this.#marks[mark % limits.marks]!, nowMs);
  }

  /** Sound that was sent and has not been heard, ms. */
  unheard(nowMs: number): number {
    const played = this.#waiting
      ? Math.min(this.#known + Math.max(0, nowMs - this.#knownAt), this.#nextMark)
      : this.#sent - this.ahead(nowMs);
    return Math.max(0, this.#sent - Math.max(this.#known, played));
  }

  /** Whether all of it was heard. A mark that does not come back is not waited for without end. */
  through(nowMs: number): boolean {
    if (this.#endsAt > nowMs) return false;
    return !this.#waiting || nowMs - this.#endsAt > limits.markLostMs;
  }

  /** How late the oldest mark is, ms; zero while it is not, or where none ever came back. */
  lateness(nowMs: number): number {
    if (!this.#waiting || !this.#everReturned) return 0;
    const due = this.#endsAt - (this.#sent - this.#nextMark);
    return Math.max(0, nowMs - due);
  }

  /** What is ahead is thrown away. */
  clear(nowMs: number): void {
    this.#cleared = this.#marked;
    this.#endsAt = nowMs;
    this.#know(this.#sent, nowMs);
  }

  /** The last mark that says nothing any more: it came back, or what was before it was thrown away. */
  get #settled(): number {
    return Math.max(this.#returned, this.#cleared);
  }

  get #waiting(): boolean {
    return this.#marked > this.#settled;
  }

  /** The place of the oldest mark that is out: no further can it be, or that would have come back. */
  get #nextMark(): number {
    return this.#marks[(this.#settled + 1) % limits.marks]!;
  }

  #know(place: number, nowMs: number): void {
    this.#known = place;
    this.#knownAt = nowMs;
  }
}
