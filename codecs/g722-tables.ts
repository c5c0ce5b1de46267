/** The tables of ITU-T G.722. Names in capitals are those of the blocks of its section 6.2 that use them. */

/** QUANTL: decision levels of the lower band's 6-bit quantizer in 1/4096 of the step (Q6). */
export const LOWER_DECISIONS: readonly number[] = [
  35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219,
  1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
];

/** QUANTH: the one decision level of the higher band's quantizer (Q2). */
export const HIGHER_DECISION = 564;

/** INVQBL: output levels of the 6-bit quantizer in 1/32768 of the step, by code (QM6). */
export const LOWER_OUTPUTS: readonly number[] = [
  -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360,
  -8576, -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688,
  -1360, -1040, -728, 24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192,
  6576, 6000, 5456, 4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432,
  -136,
];

/** INVQAL: the lower band's inverse quantizer of 4 bits, by code (QM4). */
export const LOWER_LEVELS: readonly number[] = [
  0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0,
];

/** LOGSCL: what each 4-bit code adds to the logarithm of the lower band's step (WL through RL42). */
export const LOWER_LOGS: readonly number[] = [
  -60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60,
];

/** INVQAH: the higher band's inverse quantizer of 2 bits (QM2). */
export const HIGHER_LEVELS: readonly number[] = [-7408, -1616, 7408, 1616];

/** LOGSCH: what each 2-bit code adds to the logarithm of the higher band's step (WH through RH2). */
export const HIGHER_LOGS: readonly number[] = [798, -214, 798, -214];

/** SCALEL, SCALEH: one octave of the step size in 32 parts (ILB). */
export const OCTAVE: readonly number[] = [
  2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834, 2896, 2960,
  3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];

/** The quadrature mirror filters: the taps for the older value of each pair, the oldest pair first. */
export const MIRROR_TAPS: readonly number[] = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11];
