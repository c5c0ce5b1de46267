/**
 * G.722 at 64 kbit/s (mode 1): 16 kHz samples, one byte for two of them. The RTP clock of this codec says 8000
 * (RFC 3551 section 4.5.2); that is the payload format's affair, not this file's.
 *
 * Each byte holds two bits of the band from 4 to 8 kHz above six bits of the band below 4 kHz.
 */

import { Band, FIRST_HIGHER, HIGHER, LOWER } from './g722-band.ts';
import { MirrorFilter } from './g722-mirror.ts';

/** Pairs of samples that are worked on at a time: 20 ms. Longer sound is taken in pieces of this size. */
const PIECE = 160;

/** The two bands of the piece in hand; nothing is in them between two calls. */
const low = new Int32Array(PIECE);
const high = new Int32Array(PIECE);

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
    for (let done = 0; done < count; done += PIECE) {
      const pairs = Math.min(PIECE, count - done);
      for (let i = 0; i < pairs; i++) {
        const code = src[from + done + i]!;
        low[i] = code & 0x3f;
        high[i] = FIRST_HIGHER + (code >> 6);
      }
      this.#lower.decode(low, pairs);
      this.#higher.decode(high, pairs);
      this.#mirror.join(low, high, dst, at + 2 * done, pairs);
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
    const bytes = count >> 1;
    for (let done = 0; done < bytes; done += PIECE) {
      const pairs = Math.min(PIECE, bytes - done);
      this.#mirror.split(src, from + 2 * done, low, high, pairs);
      this.#lower.encode(low, pairs);
      this.#higher.encode(high, pairs);
      for (let i = 0; i < pairs; i++) dst[at + done + i] = ((high[i]! - FIRST_HIGHER) << 6) | low[i]!;
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
