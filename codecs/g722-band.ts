/**
 * One sub-band of G.722 (ITU-T G.722 section 3): the quantizer, the adaptive step size and the pole-zero predictor
 * that the encoder and the decoder run alike. Block names in capitals are those of the recommendation's section 6.2.
 * All arithmetic is 16 bit with saturation, so that both ends stay in step bit for bit.
 *
 * Written for speed in two ways. A band takes a whole piece of sound at once, with its state in local variables: to
 * fetch it from fields for every sample costs more than the arithmetic. And both bands have their tables in common,
 * because a constant of this file is one to the compiler too: the higher band's entries follow the lower band's 64.
 */

import * as tables from './g722-tables.ts';

/** What is added to the higher band's codes in here; the lower band's are 0 to 63. */
export const FIRST_HIGHER = 64;

/** INVQBL, INVQAH: by code, what is heard of it in 1/32768 of the step. */
const OUTPUTS = Int32Array.of(...tables.LOWER_OUTPUTS, ...tables.HIGHER_LEVELS);

/** INVQAL, INVQAH: by code, what the predictor learns of it. */
const LEVELS = Int32Array.of(...byUpperBits(tables.LOWER_LEVELS), ...tables.HIGHER_LEVELS);

/** LOGSCL, LOGSCH: by code, what it adds to the logarithm of the step. */
const LOGS = Int32Array.of(...byUpperBits(tables.LOWER_LOGS), ...tables.HIGHER_LOGS);

/** SCALEL, SCALEH: the step by its logarithm in 1/32 octaves. The lower band begins two octaves after the higher one. */
const STEPS = Int32Array.from({ length: 12 * 32 }, (_, i) => {
  const mantissa = tables.OCTAVE[i & 31]!;
  const shift = 10 - (i >> 5);
  return (shift < 0 ? mantissa << -shift : mantissa >> shift) << 2;
});

/** The largest of all decision levels: how far beyond it a difference is makes no difference. */
const LAST = tables.LOWER_DECISIONS.at(-1)!;

/** QUANTL, QUANTH: by magnitude in 1/4096 of the step, the code of a positive and of a negative difference. */
const CODES = Uint8Array.of(...bySize(lowerCode), ...bySize(higherCode));

/** What distinguishes the two bands: where `STEPS` and `CODES` begin for them, and how large the logarithm gets. */
export interface BandKind {
  readonly firstStep: number;
  readonly firstSize: number;
  readonly logCeiling: number;
}

export const LOWER: BandKind = { firstStep: 2 * 32, firstSize: 0, logCeiling: 18_432 };
export const HIGHER: BandKind = { firstStep: 0, firstSize: 2 * (LAST + 1), logCeiling: 22_528 };

/** The state of one sub-band. Nothing is allocated once it is made. */
export class Band {
  readonly #kind: BandKind;
  readonly #state = new Int32Array(21);

  constructor(kind: BandKind) {
    this.#kind = kind;
  }

  /** The state that both ends begin with: zeros, and with them the smallest step of the band. */
  reset(): void {
    this.#state.fill(0);
  }

  /** Replaces `count` samples of the sub-band by their codes. */
  encode(samples: Int32Array, count: number): void {
    run(this.#kind, this.#state, true, samples, count);
  }

  /** Replaces `count` codes by the samples of the sub-band. */
  decode(codes: Int32Array, count: number): void {
    run(this.#kind, this.#state, false, codes, count);
  }
}

// Functions of a line or two are constants, not declarations: V8 then need not look whether they still are what they were.

/** Keeps a value in 16 bits. */
export const saturate = (value: number): number =>
  (value << 16) >> 16 === value ? value : (value >> 31) ^ 32767;

/** LIMIT: a reconstructed sub-band sample has 15 bits. */
const limit15 = (value: number): number => ((value << 17) >> 17 === value ? value : (value >> 31) ^ 16383);

/**
 * QUANTL, QUANTH: where `CODES` has a difference. The recommendation asks whether a magnitude is below
 * (level * step) >> 12; it is if and only if this quotient is below the level.
 */
const sizeOf = (difference: number, step: number): number => {
  const sign = difference >> 31;
  const quotient = (((((difference ^ sign) + 1) << 12) - 1) / step) | 0;
  return 2 * (quotient < LAST ? quotient : LAST) - sign;
};

/** UPPOL2. A sign that turned is -1, one that did not is 0. */
const secondPole = (a1: number, a2: number, turned1: number, turned2: number): number => {
  // 4 * a1 in 16 bits, shifted by seven. There -(-32768) is 32767: hence 255 and not 256.
  let correction = ((~turned1 ^ a1) - ~turned1) >> 5;
  if (correction > 255) correction = 255;
  else if (correction < -256) correction = -256;
  const pole = correction + ((128 ^ turned2) - turned2) + (Math.imul(a2, 32512) >> 15);
  return pole > 12288 ? 12288 : pole < -12288 ? -12288 : pole;
};

/** UPPOL1. */
const firstPole = (a1: number, a2: number, turned1: number): number => {
  const pole = (192 ^ turned1) - turned1 + (Math.imul(a1, 32640) >> 15);
  const bound = 15360 - a2;
  return pole > bound ? bound : pole < -bound ? -bound : pole;
};

/**
 * UPZERO: a zero leaks and is pushed up, or down where the signs differ. The recommendation saturates the sum; what
 * has leaked by 1/256 leaves room for the push of 128 in 16 bits, so there is nothing to saturate. Signs are masks,
 * not branches: they follow the sound's noise, which no branch predictor guesses.
 */
const zero = (coefficient: number, push: number, signs: number): number =>
  (Math.imul(coefficient, 255) >> 8) + push - ((signs >> 31) & (push << 1));

/** A coefficient of Q14 times a doubled sample. */
const weigh = (coefficient: number, sample: number): number => Math.imul(coefficient, sample) >> 15;

/**
 * Encodes or decodes in place. Longer than a function should be, for the sake of what stays in its variables: `predicted`
 * is the prediction of the next sample (SL, SH) and `zeroPart` the zeros' part of it; `r` are the last reconstructed
 * samples, doubled as FILTEP wants them, `p` the signs of the last partial reconstructions and `a` the poles; `d` are the
 * last quantized differences, doubled as FILTEZ wants them, and `b` the zeros. Where the recommendation saturates and this
 * does not, the value cannot leave its 16 bits, or only its sign or its being beyond the last decision level counts.
 */
function run(kind: BandKind, state: Int32Array, encodes: boolean, values: Int32Array, count: number): void {
  const { firstStep, firstSize, logCeiling } = kind;
  // biome-ignore format: a line for what belongs together
  let log = state[0]!, predicted = state[1]!, zeroPart = state[2]!,
    r1 = state[3]!, r2 = state[4]!, p1 = state[5]!, p2 = state[6]!, a1 = state[7]!, a2 = state[8]!,
    d1 = state[9]!, d2 = state[10]!, d3 = state[11]!, d4 = state[12]!, d5 = state[13]!, d6 = state[14]!,
    b1 = state[15]!, b2 = state[16]!, b3 = state[17]!, b4 = state[18]!, b5 = state[19]!, b6 = state[20]!;
  for (let i = 0; i < count; i++) {
    const step = STEPS[firstStep + (log >> 6)]!;
    let code = values[i]!;
    if (encodes === true) {
      code = CODES[firstSize + sizeOf(code - predicted, step)]!;
      values[i] = code;
    } else {
      values[i] = limit15(predicted + (Math.imul(step, OUTPUTS[code]!) >> 15));
    }
    const d0 = Math.imul(step, LEVELS[code]!) >> 15;
    // LOGSCL, LOGSCH: the logarithm leaks and moves by the code.
    log = (Math.imul(log, 127) >> 7) + LOGS[code]!;
    if (log < 0) log = 0;
    else if (log > logCeiling) log = logCeiling;
    const p0 = (zeroPart + d0) >> 31;
    a2 = secondPole(a1, a2, p0 ^ p1, p0 ^ p2);
    a1 = firstPole(a1, a2, p0 ^ p1);
    p2 = p1;
    p1 = p0;
    r2 = r1;
    r1 = saturate((predicted + d0) << 1);
    // UPZERO and DELAYA. A difference of zero pushes no zero, it only lets them leak.
    const push = d0 === 0 ? 0 : 128;
    b1 = zero(b1, push, d0 ^ d1);
    b2 = zero(b2, push, d0 ^ d2);
    b3 = zero(b3, push, d0 ^ d3);
    b4 = zero(b4, push, d0 ^ d4);
    b5 = zero(b5, push, d0 ^ d5);
    b6 = zero(b6, push, d0 ^ d6);
    d6 = d5;
    d5 = d4;
    d4 = d3;
    d3 = d2;
    d2 = d1;
    d1 = d0 << 1;
    // FILTEZ, FILTEP and PREDIC.
    zeroPart = saturate(
      weigh(b6, d6) + weigh(b5, d5) + weigh(b4, d4) + weigh(b3, d3) + weigh(b2, d2) + weigh(b1, d1),
    );
    predicted = saturate(saturate(weigh(a1, r1) + weigh(a2, r2)) + zeroPart);
  }
  state[0] = log;
  state[1] = predicted;
  state[2] = zeroPart;
  state[3] = r1;
  state[4] = r2;
  state[5] = p1;
  state[6] = p2;
  state[7] = a1;
  state[8] = a2;
  state[9] = d1;
  state[10] = d2;
  state[11] = d3;
  state[12] = d4;
  state[13] = d5;
  state[14] = d6;
  state[15] = b1;
  state[16] = b2;
  state[17] = b3;
  state[18] = b4;
  state[19] = b5;
  state[20] = b6;
}

/**
 * By all six bits of the lower band what the table has by the four upper ones: only those adapt, so that a line that
 * steals the others stays in step.
 */
function byUpperBits(table: readonly number[]): number[] {
  return Array.from({ length: FIRST_HIGHER }, (_, six) => table[six >> 2]!);
}

function bySize(codeOf: (size: number, negative: boolean) => number): number[] {
  return Array.from({ length: 2 * (LAST + 1) }, (_, i) => codeOf(i >> 1, i % 2 === 1));
}

/** The two smallest negative ranks sit at the top of the code range, because all-zero codes are forbidden. */
function lowerCode(size: number, negative: boolean): number {
  const rank = tables.LOWER_DECISIONS.filter(level => level <= size).length;
  if (negative) return rank < 2 ? 63 - rank : 33 - rank;
  return 61 - rank;
}

function higherCode(size: number, negative: boolean): number {
  const outer = size >= tables.HIGHER_DECISION;
  return FIRST_HIGHER + (negative ? (outer ? 0 : 1) : outer ? 2 : 3);
}
