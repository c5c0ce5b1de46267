/**
 * The quadrature mirror filter of G.722 (24 taps): it splits 16 kHz into two bands of 8 kHz and joins them again.
 * The older and the newer values of the pairs that it takes are filtered each by itself, by the same twelve taps: the
 * ones forwards, the others backwards.
 */

import { saturate } from './g722-band.ts';
import { MIRROR_TAPS } from './g722-tables.ts';

const OLDER = Int32Array.from(MIRROR_TAPS);
const NEWER = OLDER.toReversed();

export class MirrorFilter {
  readonly #older = new Int32Array(11);
  readonly #newer = new Int32Array(11);

  /** Splits `pairs` pairs of samples of `src`, beginning at `from`, into the two bands. */
  split(src: Int16Array, from: number, lower: Int32Array, higher: Int32Array, pairs: number): void {
    for (let i = 0; i < pairs; i++) {
      lower[i] = src[from + 2 * i]!;
      higher[i] = src[from + 2 * i + 1]!;
    }
    filter(OLDER, this.#older, lower, pairs);
    filter(NEWER, this.#newer, higher, pairs);
    for (let i = 0; i < pairs; i++) {
      const older = lower[i]!;
      const newer = higher[i]!;
      // 12 bits are the filter's own gain, one the sum of its halves, one the step from 16 to 15 bits.
      lower[i] = (newer + older) >> 14;
      higher[i] = (newer - older) >> 14;
    }
  }

  /** Joins `pairs` samples of each band, which it spoils, and writes twice as many into `dst` at `at`. */
  join(lower: Int32Array, higher: Int32Array, dst: Int16Array, at: number, pairs: number): void {
    for (let i = 0; i < pairs; i++) {
      const low = lower[i]!;
      const high = higher[i]!;
      lower[i] = low + high;
      higher[i] = low - high;
    }
    filter(OLDER, this.#older, lower, pairs);
    filter(NEWER, this.#newer, higher, pairs);
    for (let i = 0; i < pairs; i++) {
      dst[at + 2 * i] = saturate(higher[i]! >> 11);
      dst[at + 2 * i + 1] = saturate(lower[i]! >> 11);
    }
  }

  reset(): void {
    this.#older.fill(0);
    this.#newer.fill(0);
  }
}

/**
 * Replaces each value by its sum with the eleven before it, weighed by `taps`, the oldest by the first. What is
 * remembered is not those values but the unfinished sums of the next eleven: a value is then read once, not twelve times.
 */
function filter(taps: Int32Array, sums: Int32Array, values: Int32Array, count: number): void {
  const t0 = taps[0]!;
  const t1 = taps[1]!;
  const t2 = taps[2]!;
  const t3 = taps[3]!;
  const t4 = taps[4]!;
  const t5 = taps[5]!;
  const t6 = taps[6]!;
  const t7 = taps[7]!;
  const t8 = taps[8]!;
  const t9 = taps[9]!;
  const t10 = taps[10]!;
  const t11 = taps[11]!;
  let s1 = sums[0]!;
  let s2 = sums[1]!;
  let s3 = sums[2]!;
  let s4 = sums[3]!;
  let s5 = sums[4]!;
  let s6 = sums[5]!;
  let s7 = sums[6]!;
  let s8 = sums[7]!;
  let s9 = sums[8]!;
  let s10 = sums[9]!;
  let s11 = sums[10]!;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    values[i] = s1 + Math.imul(t11, value);
    s1 = s2 + Math.imul(t10, value);
    s2 = s3 + Math.imul(t9, value);
    s3 = s4 + Math.imul(t8, value);
    s4 = s5 + Math.imul(t7, value);
    s5 = s6 + Math.imul(t6, value);
    s6 = s7 + Math.imul(t5, value);
    s7 = s8 + Math.imul(t4, value);
    s8 = s9 + Math.imul(t3, value);
    s9 = s10 + Math.imul(t2, value);
    s10 = s11 + Math.imul(t1, value);
    s11 = Math.imul(t0, value);
  }
  sums[0] = s1;
  sums[1] = s2;
  sums[2] = s3;
  sums[3] = s4;
  sums[4] = s5;
  sums[5] = s6;
  sums[6] = s7;
  sums[7] = s8;
  sums[8] = s9;
  sums[9] = s10;
  sums[10] = s11;
}
