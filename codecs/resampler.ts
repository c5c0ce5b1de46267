/**
 * Sample rate conversion by a polyphase windowed-sinc filter. The filter is described in periods of the lower of the
 * two rates: flat up to 0.425 of it (3.4 kHz beside 8 kHz, 6.8 kHz beside 16 kHz), and everything from its half
 * upward is suppressed, which removes images on the way up and aliases on the way down.
 */

import { type FilterBank, filterBank } from './resampler-bank.ts';

/** Samples that are converted to floating point at a time. Longer input is taken in pieces of this size. */
const BLOCK = 1024;

/**
 * Converts a stream from one rate to another. The output depends on the samples alone, never on how they were cut
 * into calls. Coefficients are shared by all instances of a pair; an instance owns its memory and allocates no more.
 */
export class Resampler {
  readonly fromHz: number;
  readonly toHz: number;
  /** How late a sound comes out, in samples of the output rate; not always whole. */
  readonly delaySamples: number;

  readonly #bank: FilterBank;
  readonly #window: Float64Array;
  /** The phase of the next output, and the first sample of the window that it weighs. */
  #phase = 0;
  #next = 0;

  /** @throws RangeError when a rate is not a positive whole number, or the pair would need too large a filter. */
  constructor(fromHz: number, toHz: number) {
    this.fromHz = fromHz;
    this.toHz = toHz;
    this.#bank = filterBank(fromHz, toHz);
    this.delaySamples = (this.#bank.delay * toHz) / fromHz;
    this.#window = new Float64Array(this.#bank.taps - 1 + BLOCK);
  }

  /** The most samples that `process` may write for `inputCount` samples. */
  maxOutput(inputCount: number): number {
    return Math.ceil((inputCount * this.#bank.phases) / this.#bank.advance);
  }

  /**
   * Takes `count` samples of `src`, beginning at `from`, and writes what they complete into `dst` at `at`.
   * @returns the number of samples written.
   */
  process(src: Int16Array, from: number, count: number, dst: Int16Array, at: number): number {
    let written = 0;
    for (let done = 0; done < count; done += BLOCK) {
      written += this.#block(src, from + done, Math.min(BLOCK, count - done), dst, at + written);
    }
    return written;
  }

  /** Forgets the stream: the next sample is treated as the first. */
  reset(): void {
    this.#window.fill(0);
    this.#phase = 0;
    this.#next = 0;
  }

  #block(src: Int16Array, from: number, count: number, dst: Int16Array, at: number): number {
    const { coefficients, taps, phases, wholeStep, phaseStep } = this.#bank;
    const window = this.#window;
    for (let i = 0; i < count; i++) window[taps - 1 + i] = src[from + i]!;
    let phase = this.#phase;
    let next = this.#next;
    let out = at;
    while (next < count) {
      dst[out++] = weigh(window, next, coefficients, phase * taps, taps);
      next += wholeStep;
      phase += phaseStep;
      if (phase >= phases) {
        phase -= phases;
        next++;
      }
    }
    window.copyWithin(0, count, count + taps - 1);
    this.#phase = phase;
    this.#next = next - count;
    return out - at;
  }
}

/** One output sample. Four sums run side by side, because one alone would wait for itself at every addition. */
function weigh(x: Float64Array, i: number, c: Float64Array, k: number, taps: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  const whole = taps & ~3;
  for (let j = 0; j < whole; j += 4) {
    s0 += x[i + j]! * c[k + j]!;
    s1 += x[i + j + 1]! * c[k + j + 1]!;
    s2 += x[i + j + 2]! * c[k + j + 2]!;
    s3 += x[i + j + 3]! * c[k + j + 3]!;
  }
  for (let j = whole; j < taps; j++) s0 += x[i + j]! * c[k + j]!;
  const sum = s0 + s1 + (s2 + s3);
  if (sum >= 32767) return 32767;
  if (sum <= -32768) return -32768;
  return sum < 0 ? (sum - 0.5) | 0 : (sum + 0.5) | 0;
}
