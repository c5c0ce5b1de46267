import type { RecordingGap } from '../core/recorded.ts';
import { recordingLimits as limits } from './limits.ts';

/** The two sides of a call: the channels of its recording, left and right. */
export const sides = { caller: 0, agent: 1 } as const;
export type Side = (typeof sides)[keyof typeof sides];

/**
 * Both sides of a call in step: a ring of stereo frames that are addressed by time, so that neither channel can drift,
 * whatever comes late, twice or never. What nobody fills is silence. `take` gives what is old enough to be final.
 */
export class Timeline {
  /** Samples a second, Hz. */
  readonly rate: number;
  readonly #startMs: number;
  readonly #perMs: number;
  readonly #ring: Int16Array;
  readonly #frames: number;
  /** Frames since the start, for each side: where its sound ends. */
  readonly #ends = new Int32Array(2);
  /** Frames that were taken, or given up. */
  #taken = 0;
  /** Of them those that were given up and are still to be taken as silence. */
  #owed = 0;
  /** Sound before this frame is not let in. */
  #quietUntil = 0;
  #quiet = false;
  readonly #gaps: { from: number; to: number; cause: RecordingGap['cause'] }[] = [];
  #lost = 0;

  /** `startMs` is when its first frame was; whole ms, of the clock that sound is dated by. */
  constructor(rate: number, startMs: number, ringMs: number = limits.ringMs) {
    this.rate = rate;
    this.#startMs = Math.floor(startMs);
    this.#perMs = rate / 1000;
    this.#frames = ringMs * this.#perMs;
    this.#ring = new Int16Array(2 * this.#frames);
  }

  /** Frames so far. */
  get length(): number {
    return Math.max(this.#ends[0]!, this.#ends[1]!);
  }

  /** Sound that was given up because nobody took it, ms. */
  get lostMs(): number {
    return this.#lost / this.#perMs;
  }

  /** The stretches that are silent for a reason; one that is not over yet ends where the sound does. */
  get gaps(): readonly RecordingGap[] {
    return this.#gaps
      .map(({ from, to, cause }) => ({
        fromMs: Math.round(from / this.#perMs),
        toMs: Math.round(Math.min(to, this.length) / this.#perMs),
        cause,
      }))
      .filter(({ fromMs, toMs }) => toMs > fromMs);
  }

  /** Puts `count` samples of one side where they were heard: `atMs` is when the first of them was. */
  put(side: Side, atMs: number, samples: Int16Array, count: number): void {
    let at = this.#frameOf(atMs);
    if (at + count - this.#taken > this.#frames) this.#giveUp(at + count);
    let from = 0;
    const end = Math.max(this.#ends[side]!, this.#taken);
    const off = at - end;
    if (Math.abs(off) <= limits.slackMs * this.#perMs) at = end;
    else if (off < 0) {
      // Sound does not overlap itself: a re-offer with another packet time may begin inside of the last packet.
      from = -off;
      if (from >= count) return;
      at = end;
    }
    this.#ends[side] = at + count - from;
    if (at < this.#quietUntil) return;
    let place = 2 * (at % this.#frames) + side;
    for (let i = from; i < count; i++) {
      this.#ring[place] = samples[i]!;
      place += 2;
      if (place >= this.#ring.length) place = side;
    }
  }

  /** From now on, and from a little before, both sides are silent. */
  pause(nowMs: number): void {
    if (this.#quiet) return;
    this.#quiet = true;
    this.#quietUntil = Number.POSITIVE_INFINITY;
    const from = Math.max(this.#frameOf(nowMs - limits.gapLeadMs), this.#taken, 0);
    for (let at = from; at < this.length; at++) this.#clear(at);
    const last = this.#gaps.at(-1);
    if (last?.cause === 'code' && last.to >= from) last.to = Number.POSITIVE_INFINITY;
    else this.#note(from, Number.POSITIVE_INFINITY, 'code');
  }

  /** What comes a little later than now is let in again. */
  resume(nowMs: number): void {
    if (!this.#quiet) return;
    this.#quiet = false;
    this.#quietUntil = this.#frameOf(nowMs + limits.gapTailMs);
    const open = this.#gaps.find(({ to }) => to === Number.POSITIVE_INFINITY);
    if (open !== undefined) open.to = this.#quietUntil;
  }

  /** What a side was given from `fromMs` on is not heard: it was thrown away before its time. */
  withdraw(side: Side, fromMs: number): void {
    const from = Math.max(this.#frameOf(fromMs), this.#taken);
    for (let at = from; at < this.#ends[side]!; at++) this.#ring[2 * (at % this.#frames) + side] = 0;
    this.#ends[side] = Math.min(this.#ends[side]!, from);
  }

  /**
   * Frames that `take` would give. A side may be put ahead of its time, so what is settled goes by the clock as well: `nowMs` is
   * left out once no more sound will come, and then it is all there are.
   */
  ready(nowMs?: number): number {
    const settled =
      nowMs === undefined
        ? this.length
        : Math.min(this.length, this.#frameOf(nowMs)) - limits.settleMs * this.#perMs;
    return this.#owed + Math.max(0, settled - this.#taken);
  }

  /** Moves up to `most` frames that are final to the start of `dst`, and tells how many it were; `nowMs` as for `ready`. */
  take(dst: Int16Array, most: number, nowMs?: number): number {
    const count = Math.min(most, this.ready(nowMs));
    const owed = Math.min(count, this.#owed);
    dst.fill(0, 0, 2 * owed);
    this.#owed -= owed;
    let place = 2 * (this.#taken % this.#frames);
    for (let i = 2 * owed; i < 2 * count; i++) {
      dst[i] = this.#ring[place]!;
      this.#ring[place] = 0;
      place = place + 1 === this.#ring.length ? 0 : place + 1;
    }
    this.#taken += count - owed;
    return count;
  }

  /** The ring is full: all that is in it is silence in the recording, but keeps its time. One hole is heard less than many. */
  #giveUp(next: number): void {
    const upTo = Math.max(this.length, next - this.#frames);
    this.#ring.fill(0);
    this.#note(this.#taken, upTo, 'lost');
    this.#owed += upTo - this.#taken;
    this.#lost += upTo - this.#taken;
    this.#taken = upTo;
  }

  #note(from: number, to: number, cause: RecordingGap['cause']): void {
    const last = this.#gaps.at(-1);
    if (last?.cause === cause && last.to === from) last.to = to;
    else if (this.#gaps.length < limits.gaps) this.#gaps.push({ from, to, cause });
  }

  #frameOf(ms: number): number {
    return Math.round((ms - this.#startMs) * this.#perMs);
  }

  #clear(at: number): void {
    const place = 2 * (at % this.#frames);
    this.#ring[place] = 0;
    this.#ring[place + 1] = 0;
  }
}
