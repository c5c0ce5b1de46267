/**
 * One sub-band of G.722 (ITU-T G.722 section 3): the adaptive step size and the pole-zero predictor that the
 * encoder and the decoder run alike. Block names in capitals are those of the recommendation's section 6.2.
 * All arithmetic is 16 bit with saturation, so that both ends stay in step bit for bit.
 */

/** INVQAL: the lower band's inverse quantizer of 4 bits, by code (QM4). */
const LOWER_LEVELS = Int32Array.from([
  0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0,
]);

/** LOGSCL: what each 4-bit code adds to the logarithm of the lower band's step (WL through RL42). */
const LOWER_STEPS = Int32Array.from([
  -60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60,
]);

/** INVQAH: the higher band's inverse quantizer of 2 bits (QM2). */
const HIGHER_LEVELS = Int32Array.from([-7408, -1616, 7408, 1616]);

/** LOGSCH: what each 2-bit code adds to the logarithm of the higher band's step (WH through RH2). */
const HIGHER_STEPS = Int32Array.from([798, -214, 798, -214]);

/** SCALEL, SCALEH: one octave of the step size in 32 parts (ILB). */
const OCTAVE = Int32Array.from([
  2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834, 2896, 2960,
  3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
]);

/** What distinguishes the two bands. */
export interface BandKind {
  readonly levels: Int32Array;
  readonly steps: Int32Array;
  readonly logCeiling: number;
  readonly octaves: number;
  readonly firstStep: number;
}

export const LOWER: BandKind = {
  levels: LOWER_LEVELS,
  steps: LOWER_STEPS,
  logCeiling: 18_432,
  octaves: 8,
  firstStep: 32,
};

export const HIGHER: BandKind = {
  levels: HIGHER_LEVELS,
  steps: HIGHER_STEPS,
  logCeiling: 22_528,
  octaves: 10,
  firstStep: 8,
};

/** The state of one sub-band. The fields are plain integers: nothing is allocated once it is made. */
export class Band {
  readonly #kind: BandKind;
  readonly #levels: Int32Array;
  readonly #steps: Int32Array;
  readonly #logCeiling: number;
  readonly #octaves: number;

  /** The prediction of the next sub-band sample (the recommendation's SL and SH). */
  predicted = 0;
  /** The step size that the next code is measured in (DETL, DETH). */
  step = 0;

  #logStep = 0;
  #zeroPart = 0;
  // The two last reconstructed samples (doubled, as FILTEP wants them), the signs of the two last partial reconstructions, the pole coefficients.
  #r1 = 0;
  #r2 = 0;
  #p1 = 0;
  #p2 = 0;
  #a1 = 0;
  #a2 = 0;
  // The six last quantized differences (doubled, as FILTEZ wants them) and the zero coefficients that weigh them.
  #d1 = 0;
  #d2 = 0;
  #d3 = 0;
  #d4 = 0;
  #d5 = 0;
  #d6 = 0;
  #b1 = 0;
  #b2 = 0;
  #b3 = 0;
  #b4 = 0;
  #b5 = 0;
  #b6 = 0;

  constructor(kind: BandKind) {
    this.#kind = kind;
    this.#levels = kind.levels;
    this.#steps = kind.steps;
    this.#logCeiling = kind.logCeiling;
    this.#octaves = kind.octaves;
    this.reset();
  }

  /** The state that both ends begin with: zeros, and the smallest step of the band. */
  reset(): void {
    this.predicted = this.#logStep = this.#zeroPart = 0;
    this.step = this.#kind.firstStep;
    this.#r1 = this.#r2 = this.#p1 = this.#p2 = this.#a1 = this.#a2 = 0;
    this.#d1 = this.#d2 = this.#d3 = this.#d4 = this.#d5 = this.#d6 = 0;
    this.#b1 = this.#b2 = this.#b3 = this.#b4 = this.#b5 = this.#b6 = 0;
  }

  /** Takes one code of the embedded quantizer (4 bits below, 2 bits above) and predicts the next sample. */
  adapt(code: number): void {
    const difference = Math.imul(this.step, this.#levels[code]!) >> 15;
    this.#scale(code);
    const reconstructed = saturate(this.predicted + difference);
    const partial = saturate(this.#zeroPart + difference) >> 31;
    this.#adaptPoles(partial);
    this.#adaptZeros(difference);
    this.#p2 = this.#p1;
    this.#p1 = partial;
    this.#r2 = this.#r1;
    this.#r1 = doubled(reconstructed);
    this.#predict();
  }

  /** LOGSCL/LOGSCH and SCALEL/SCALEH: the logarithm leaks, moves by the code and is turned into a step again. */
  #scale(code: number): void {
    let log = (Math.imul(this.#logStep, 127) >> 7) + this.#steps[code]!;
    if (log < 0) log = 0;
    else if (log > this.#logCeiling) log = this.#logCeiling;
    this.#logStep = log;
    const mantissa = OCTAVE[(log >> 6) & 31]!;
    const shift = this.#octaves - (log >> 11);
    this.step = (shift < 0 ? mantissa << -shift : mantissa >> shift) << 2;
  }

  /** UPPOL2 and UPPOL1; a partial reconstruction counts only by its sign, 0 or -1. */
  #adaptPoles(p0: number): void {
    const turned1 = p0 ^ this.#p1;
    const turned2 = p0 ^ this.#p2;
    const quadrupled = saturate(this.#a1 << 2);
    // UPPOL2 keeps -(-32768) within 16 bits; shifted by seven, that is 255 and not 256.
    let correction = ((~turned1 ^ quadrupled) - ~turned1) >> 7;
    if (correction > 255) correction = 255;
    let a2 = correction + ((128 ^ turned2) - turned2) + (Math.imul(this.#a2, 32512) >> 15);
    if (a2 > 12288) a2 = 12288;
    else if (a2 < -12288) a2 = -12288;
    let a1 = (192 ^ turned1) - turned1 + (Math.imul(this.#a1, 32640) >> 15);
    const bound = 15360 - a2;
    if (a1 > bound) a1 = bound;
    else if (a1 < -bound) a1 = -bound;
    this.#a1 = a1;
    this.#a2 = a2;
  }

  /** UPZERO and DELAYA. A difference of zero moves no coefficient, it only lets them leak. */
  #adaptZeros(d0: number): void {
    const push = d0 === 0 ? 0 : 128;
    this.#b1 = leak(this.#b1, push, (d0 ^ this.#d1) >> 31);
    this.#b2 = leak(this.#b2, push, (d0 ^ this.#d2) >> 31);
    this.#b3 = leak(this.#b3, push, (d0 ^ this.#d3) >> 31);
    this.#b4 = leak(this.#b4, push, (d0 ^ this.#d4) >> 31);
    this.#b5 = leak(this.#b5, push, (d0 ^ this.#d5) >> 31);
    this.#b6 = leak(this.#b6, push, (d0 ^ this.#d6) >> 31);
    this.#d6 = this.#d5;
    this.#d5 = this.#d4;
    this.#d4 = this.#d3;
    this.#d3 = this.#d2;
    this.#d2 = this.#d1;
    this.#d1 = doubled(d0);
  }

  /** FILTEP, FILTEZ and PREDIC. */
  #predict(): void {
    const poles = saturate(weigh(this.#a1, this.#r1) + weigh(this.#a2, this.#r2));
    this.#zeroPart = saturate(
      weigh(this.#b6, this.#d6) +
        weigh(this.#b5, this.#d5) +
        weigh(this.#b4, this.#d4) +
        weigh(this.#b3, this.#d3) +
        weigh(this.#b2, this.#d2) +
        weigh(this.#b1, this.#d1),
    );
    this.predicted = saturate(poles + this.#zeroPart);
  }
}

/** Keeps a value in 16 bits. */
export function saturate(value: number): number {
  return Math.max(-32768, Math.min(32767, value));
}

/** The filters take every sample twice, with saturation; it is done once, when the sample enters the memory. */
function doubled(sample: number): number {
  return saturate(sample << 1);
}

/** A coefficient of Q14 times a doubled sample. */
function weigh(coefficient: number, sample: number): number {
  return Math.imul(coefficient, sample) >> 15;
}

/**
 * A coefficient leaks and is pushed up, or down where `sign` is -1. The recommendation saturates the sum; what has
 * leaked by 1/256 leaves room for the push of 128 in 16 bits, so there is nothing to saturate. Signs are masks, not
 * branches: they follow the sound's noise, which no branch predictor guesses.
 */
function leak(coefficient: number, push: number, sign: number): number {
  return (Math.imul(coefficient, 32640) >> 15) + ((push ^ sign) - sign);
}
