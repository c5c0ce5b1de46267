/** Tones to hear and a detector to measure them: keypad pairs, test tones, and what other sounds are made of. Nothing here allocates per call. */

/** One period of a sine in 1024 steps, and one more so that interpolation needs no wrap. */
const SINE_BITS = 10;
const SINE = Float64Array.from({ length: 2 ** SINE_BITS + 1 }, (_, i) =>
  Math.sin((2 * Math.PI * i) / 2 ** SINE_BITS),
);
const FRACTION_BITS = 32 - SINE_BITS;
const FRACTION_MASK = 2 ** FRACTION_BITS - 1;

/** Full scale of a sine in 16 bits: 0 dBFS. */
const FULL_SCALE = 32767;
/** What the detector reports for silence, instead of minus infinity. */
export const FLOOR_DBFS = -120;

/** The keypad's two frequencies in Hz by key (ITU-T Q.23); telephone-event codes 0 to 15 are in this order. */
export const DTMF_KEYS = '0123456789*#ABCD';
export const DTMF_PAIRS: Readonly<Record<string, readonly [low: number, high: number]>> = {
  '0': [941, 1336],
  '1': [697, 1209],
  '2': [697, 1336],
  '3': [697, 1477],
  '4': [770, 1209],
  '5': [770, 1336],
  '6': [770, 1477],
  '7': [852, 1209],
  '8': [852, 1336],
  '9': [852, 1477],
  '*': [941, 1209],
  '#': [941, 1477],
  A: [697, 1633],
  B: [770, 1633],
  C: [852, 1633],
  D: [941, 1633],
};

export interface ToneShape {
  readonly frequenciesHz: readonly number[];
  /** The level of each frequency, not of their sum. */
  readonly levelDbfs: number;
}

/** Generates one or two frequencies without a seam from one call to the next. */
export class Tone {
  readonly #amplitude: number;
  readonly #step1: number;
  readonly #step2: number;
  readonly #voice2: number;
  #phase1 = 0;
  #phase2 = 0;

  /** @throws RangeError for other than one or two frequencies, or one that the rate cannot carry. */
  constructor(rateHz: number, shape: ToneShape) {
    const [first, second] = shape.frequenciesHz;
    if (first === undefined || shape.frequenciesHz.length > 2)
      throw new RangeError('a tone has one or two frequencies');
    if (shape.frequenciesHz.some(hz => !(hz > 0 && hz < rateHz / 2))) {
      throw new RangeError(`a frequency must lie between 0 and half of ${rateHz} Hz`);
    }
    this.#amplitude = FULL_SCALE * 10 ** (shape.levelDbfs / 20);
    this.#step1 = phaseStep(first, rateHz);
    this.#step2 = second === undefined ? 0 : phaseStep(second, rateHz);
    this.#voice2 = second === undefined ? 0 : 1;
  }

  /** Writes the next `count` samples into `dst` at `at`. */
  generate(dst: Int16Array, at: number, count: number): void {
    for (let i = 0; i < count; i++) dst[at + i] = this.#sample();
  }

  #sample(): number {
    const sum = sineAt(this.#phase1) + this.#voice2 * sineAt(this.#phase2);
    this.#phase1 = (this.#phase1 + this.#step1) | 0;
    this.#phase2 = (this.#phase2 + this.#step2) | 0;
    return Math.max(-32768, Math.min(32767, Math.round(this.#amplitude * sum)));
  }
}

/** A steady test tone. */
export function sine(rateHz: number, frequencyHz: number, levelDbfs: number): Tone {
  return new Tone(rateHz, { frequenciesHz: [frequencyHz], levelDbfs });
}

/**
 * The sound of one key.
 * @throws RangeError when there is no such key.
 */
export function dtmf(rateHz: number, key: string, levelDbfs = -10): Tone {
  const pair = Object.hasOwn(DTMF_PAIRS, key) ? DTMF_PAIRS[key] : undefined;
  if (pair === undefined) throw new RangeError('not a key of a telephone');
  return new Tone(rateHz, { frequenciesHz: pair, levelDbfs });
}

/** Measures how loud one frequency is in a block of samples (Goertzel's algorithm over a Hann window). */
export class ToneDetector {
  readonly #turn: number;

  constructor(rateHz: number, frequencyHz: number) {
    this.#turn = (2 * Math.PI * frequencyHz) / rateHz;
  }

  /**
   * The level of the frequency over `count` samples of `src`, beginning at `from`, in dBFS: 0 is a sine of full scale,
   * `FLOOR_DBFS` the least. The window tells frequencies apart that are some two cycles per block from each other.
   */
  level(src: Int16Array, from: number, count: number): number {
    const cosine = Math.cos(this.#turn);
    const edge = (2 * Math.PI) / count;
    let before = 0;
    let last = 0;
    for (let i = 0; i < count; i++) {
      const weight = 1 - Math.cos(edge * (i + 0.5));
      const now = weight * src[from + i]! + 2 * cosine * last - before;
      before = last;
      last = now;
    }
    const power = last * last + before * before - 2 * cosine * last * before;
    if (!(power > 0)) return FLOOR_DBFS;
    // The window's weights have a mean of one, so a sine of amplitude A sums up to A * count / 2.
    return Math.max(20 * Math.log10((2 * Math.sqrt(power)) / (count * FULL_SCALE)), FLOOR_DBFS);
  }
}

/** A frequency as the part of a turn that a sample advances, in 1/2^32; phases wrap for nothing that way. */
function phaseStep(frequencyHz: number, rateHz: number): number {
  return Math.round((frequencyHz / rateHz) * 2 ** 32) | 0;
}

function sineAt(phase: number): number {
  const index = phase >>> FRACTION_BITS;
  const left = SINE[index]!;
  return left + ((SINE[index + 1]! - left) * (phase & FRACTION_MASK)) / (FRACTION_MASK + 1);
}
