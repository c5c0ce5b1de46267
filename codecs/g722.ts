/**
 * G.722 at 64 kbit/s (mode 1): 16 kHz samples, one byte for two of them. The RTP clock of this codec says 8000
 * (RFC 3551 section 4.5.2); that is the payload format's affair, not this file's.
 *
 * Each byte holds two bits of the band from 4 to 8 kHz above six bits of the band below 4 kHz.
 */

import { Band, HIGHER, LOWER, saturate } from './g722-band.ts';
import { MirrorFilter } from './g722-mirror.ts';

/** QUANTL: decision levels of the lower band's 6-bit quantizer in 1/4096 of the step (Q6). */
const LOWER_DECISIONS = Int32Array.from([
  35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219,
  1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
]);

/** QUANTH: the one decision level of the higher band's quantizer (Q2). */
const HIGHER_DECISION = 564;

/** INVQBL: output levels of the 6-bit quantizer in 1/32768 of the step, by code (QM6). */
const LOWER_OUTPUTS = Int32Array.from([
  -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360,
  -8576, -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688,
  -1360, -1040, -728, 24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192,
  6576, 6000, 5456, 4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432,
  -136,
]);

/** Turns G.722 bytes into 16 kHz samples. */
export class G722Decoder {
  readonly #lower = new Band(LOWER);
  readonly #higher = new Band(HIGHER);
  readonly #mirror = new MirrorFilter();

  /**
   * Decodes `count` bytes of `src`, beginning at `from`, into `dst` at `at`.
   * @returns the number of samples written, which is twice `count`.
   */
  decode(src: Uint8Array, from: number, count: number, dst: Int16Array, at: number): number {
    const lower = this.#lower;
    const higher = this.#higher;
    const mirror = this.#mirror;
    for (let i = 0; i < count; i++) {
      const code = src[from + i]!;
      const six = code & 0x3f;
      const two = code >> 6;
      const low = limit15(lower.predicted + (Math.imul(lower.step, LOWER_OUTPUTS[six]!) >> 15));
      const high = limit15(higher.predicted + (Math.imul(higher.step, HIGHER.levels[two]!) >> 15));
      // Adaptation uses the four upper bits only, so that a line that steals the others stays in step.
      lower.adapt(six >> 2);
      higher.adapt(two);
      mirror.push(low + high, low - high);
      dst[at + 2 * i] = saturate(mirror.newer() >> 11);
      dst[at + 2 * i + 1] = saturate(mirror.older() >> 11);
    }
    return 2 * count;
  }

  /** Forgets everything that was heard. */
  reset(): void {
    this.#lower.reset();
    this.#higher.reset();
    this.#mirror.reset();
  }
}

/** Turns 16 kHz samples into G.722 bytes. */
export class G722Encoder {
  readonly #lower = new Band(LOWER);
  readonly #higher = new Band(HIGHER);
  readonly #mirror = new MirrorFilter();

  /**
   * Encodes `count` samples of `src`, beginning at `from`, into `dst` at `at`.
   * @param count must be even; a last odd sample is not read.
   * @returns the number of bytes written, which is half of `count`.
   */
  encode(src: Int16Array, from: number, count: number, dst: Uint8Array, at: number): number {
    const lower = this.#lower;
    const higher = this.#higher;
    const mirror = this.#mirror;
    const bytes = count >> 1;
    for (let i = 0; i < bytes; i++) {
      mirror.push(src[from + 2 * i]!, src[from + 2 * i + 1]!);
      const older = mirror.older();
      const newer = mirror.newer();
      // 12 bits are the filter's own gain, one the sum of its halves, one the step from 16 to 15 bits.
      const six = quantizeLower(saturate(((newer + older) >> 14) - lower.predicted), lower.step);
      const two = quantizeHigher(saturate(((newer - older) >> 14) - higher.predicted), higher.step);
      lower.adapt(six >> 2);
      higher.adapt(two);
      dst[at + i] = (two << 6) | six;
    }
    return bytes;
  }

  /** Forgets everything that was said. */
  reset(): void {
    this.#lower.reset();
    this.#higher.reset();
    this.#mirror.reset();
  }
}

/** QUANTL: the rank of the magnitude among the decision levels, found by halving, then the code of that rank. */
function quantizeLower(difference: number, step: number): number {
  const negative = difference < 0;
  const magnitude = negative ? ~difference : difference;
  let rank = 0;
  let beyond = LOWER_DECISIONS.length;
  while (rank < beyond) {
    const middle = (rank + beyond) >> 1;
    if (magnitude < Math.imul(LOWER_DECISIONS[middle]!, step) >> 12) beyond = middle;
    else rank = middle + 1;
  }
  // The two smallest negative ranks sit at the top of the code range, because all-zero codes are forbidden.
  if (negative) return rank < 2 ? 63 - rank : 33 - rank;
  return 61 - rank;
}

/** QUANTH. */
function quantizeHigher(difference: number, step: number): number {
  const negative = difference < 0;
  const magnitude = negative ? ~difference : difference;
  const outer = magnitude >= Math.imul(HIGHER_DECISION, step) >> 12;
  if (negative) return outer ? 0 : 1;
  return outer ? 2 : 3;
}

/** LIMIT: a reconstructed sub-band sample has 15 bits. */
function limit15(value: number): number {
  return Math.max(-16384, Math.min(16383, value));
}
