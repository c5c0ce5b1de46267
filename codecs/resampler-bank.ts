/**
 * The coefficients of the resampler: one Kaiser-windowed sinc, cut into as many phases as the pair of rates needs.
 *
 * The three numbers below were found by search: the shortest filter that loses less than 0.5 dB at 0.425 of the
 * lower rate and is below -50 dB from half of it upward, with a margin of some tenths of a decibel at either end.
 */

/** Half the length of the impulse response, in periods of the lower rate. It is also the delay. */
const HALF_LENGTH = 18;
/** The -6 dB point, as a fraction of the lower rate. */
const CUT_OFF = 0.4575;
/** The shape of the Kaiser window: the larger, the deeper the stop band and the wider the transition. */
const KAISER_BETA = 4.7;

/** No pair of telephone rates needs more; it bounds the memory that a wrong rate could ask for. */
const MAX_COEFFICIENTS = 200_000;

export interface FilterBank {
  /** `phases` rows of `taps` weights each, oldest sample first; every row adds up to one. */
  readonly coefficients: Float64Array;
  readonly taps: number;
  /** Outputs per `advance` inputs. */
  readonly phases: number;
  readonly advance: number;
  /** `advance` divided by `phases`: whole samples and the remaining phases. */
  readonly wholeStep: number;
  readonly phaseStep: number;
  /** In samples of the input rate. */
  readonly delay: number;
}

const banks = new Map<string, FilterBank>();

/** The bank for a pair of rates in Hz, made on first use and shared from then on. */
export function filterBank(fromHz: number, toHz: number): FilterBank {
  const key = `${fromHz}:${toHz}`;
  const known = banks.get(key);
  if (known !== undefined) return known;
  const made = makeBank(fromHz, toHz);
  banks.set(key, made);
  return made;
}

function makeBank(fromHz: number, toHz: number): FilterBank {
  if (!(Number.isSafeInteger(fromHz) && Number.isSafeInteger(toHz) && fromHz > 0 && toHz > 0)) {
    throw new RangeError(`sample rates must be positive whole numbers, not ${fromHz} and ${toHz}`);
  }
  const divisor = greatestCommonDivisor(fromHz, toHz);
  const phases = toHz / divisor;
  const advance = fromHz / divisor;
  const lower = Math.min(fromHz, toHz) / fromHz;
  // Equal rates need no filter: one weight of one passes every sample on.
  const delay = phases === advance ? 0 : Math.ceil(HALF_LENGTH / lower);
  const taps = phases === advance ? 1 : 2 * delay;
  if (phases * taps > MAX_COEFFICIENTS) {
    throw new RangeError(`no filter for ${fromHz} to ${toHz} Hz: the rates have too little in common`);
  }
  const coefficients = new Float64Array(phases * taps);
  for (let phase = 0; phase < phases; phase++) {
    const row = coefficients.subarray(phase * taps, (phase + 1) * taps);
    for (let i = 0; i < taps; i++) {
      row[i] = response((taps - 1 - i + phase / phases - delay) * lower, delay * lower);
    }
    // A row that did not add up to one would lay a pattern of the phases over the sound.
    const sum = row.reduce((a, b) => a + b, 0);
    for (let i = 0; i < taps; i++) row[i] = row[i]! / sum;
  }
  return {
    coefficients,
    taps,
    phases,
    advance,
    wholeStep: Math.floor(advance / phases),
    phaseStep: advance % phases,
    delay,
  };
}

/** The windowed sinc at `time`, in periods of the lower rate; zero at `half` and beyond. */
function response(time: number, half: number): number {
  if (half === 0) return 1;
  const edge = 1 - (time / half) ** 2;
  if (edge <= 0) return 0;
  const angle = 2 * Math.PI * CUT_OFF * time;
  const sinc = angle === 0 ? 1 : Math.sin(angle) / angle;
  return sinc * bessel0(KAISER_BETA * Math.sqrt(edge));
}

/** The modified Bessel function of order zero, by its series. */
function bessel0(x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
