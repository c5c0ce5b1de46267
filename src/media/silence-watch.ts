/** Notices that the peer has sent nothing for too long. No timer: `tick` brings the time. */
export class SilenceWatch {
  readonly #timeoutMs: number;
  /** Since when RTP is expected, ms; NaN while it is not. */
  #sinceMs = Number.NaN;
  #told = false;

  /** Zero switches it off. */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Whether RTP is expected from now on. Expecting it anew counts from now. */
  expect(expected: boolean, nowMs: number): void {
    if (!expected || this.#timeoutMs <= 0) this.#sinceMs = Number.NaN;
    else if (Number.isNaN(this.#sinceMs)) this.#sinceMs = nowMs;
  }

  /** True once per silence, when it has become too long. */
  tick(nowMs: number, lastPacketMs: number | undefined): boolean {
    const heardMs = Math.max(this.#sinceMs, lastPacketMs ?? Number.NEGATIVE_INFINITY);
    // While no RTP is expected `heardMs` is not a number, and the comparison is false.
    const silent = nowMs - heardMs >= this.#timeoutMs;
    const first = silent && !this.#told;
    this.#told = silent;
    return first;
  }
}
