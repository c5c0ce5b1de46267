import { DTMF_KEYS, DTMF_PAIRS } from './tones.ts';

/*
 * Keys in the sound of a telephone, by ITU-T Q.23 and the limits of Q.24: tones of 40 ms are keys, those of 23 ms are not,
 * a pause of 40 ms parts two, one of 10 ms does not. Blocks of 12.75 ms overlap by half: at that length the frequencies of a
 * group lie in each other's zeros, so that no window is needed. Nothing here allocates per call.
 */

const LOW = [697, 770, 852, 941] as const;
const HIGH = [1209, 1336, 1477, 1633] as const;
/** Block and step at 8 kHz, samples: 12.75 ms, and half of it. */
const BLOCK_8K = 102;
/** Blocks in a row that make a key: a tone of 40 ms fills five, one of 23 ms three at most. */
const PRESS_BLOCKS = 4;
/** Blocks in a row without it that end a key: a hole of 10 ms spoils three at most, a pause of 40 ms six at least. */
const RELEASE_BLOCKS = 4;

/** What makes a block one of a key. Levels in dB; shares of the power of the block. */
interface Judgement {
  /** Level of each of the two frequencies at least, dBFS. */
  readonly floorDbfs: number;
  /** How much louder the high one may be, and the low one. */
  readonly twist: number;
  readonly reverseTwist: number;
  /** How far each is above the others of its group. */
  readonly aboveGroup: number;
  /** Share of the two in everything that sounds. */
  readonly share: number;
}

/** For keys: speech must not be taken for one. */
const strict: Judgement = { floorDbfs: -38, twist: 10.5, reverseTwist: 10.5, aboveGroup: 7, share: 0.72 };
/** For what must not be heard: rather a syllable too many than a tone too few. */
const wary: Judgement = { floorDbfs: -50, twist: 14, reverseTwist: 14, aboveGroup: 4, share: 0.5 };

const FULL_SCALE = 32767;
const ratio = (db: number) => 10 ** (db / 10);
const none = '';

/** The limits of a judgement as powers, so that a block is judged without a logarithm. */
class Judge {
  readonly #floor: number;
  readonly #twist: number;
  readonly #reverseTwist: number;
  readonly #aboveGroup: number;
  readonly #share: number;

  constructor(limits: Judgement, block: number) {
    // A sine of amplitude A has the Goertzel power (A * block / 2)^2.
    this.#floor = ((FULL_SCALE * block) / 2) ** 2 * ratio(limits.floorDbfs);
    this.#twist = ratio(limits.twist);
    this.#reverseTwist = ratio(limits.reverseTwist);
    this.#aboveGroup = ratio(limits.aboveGroup);
    this.#share = limits.share;
  }

  /** Whether `allows` could say yes, by what is known of the high group alone. */
  mayHaveHigh(high: number, highRest: number, whole: number): boolean {
    return (
      high > this.#floor &&
      high > highRest * this.#aboveGroup &&
      high * (1 + this.#reverseTwist) > whole * this.#share
    );
  }

  /** `rest` powers are the second loudest of each group; `whole` is what the block would have were it all in one sine. */
  allows(low: number, high: number, lowRest: number, highRest: number, whole: number): boolean {
    return (
      low > this.#floor &&
      high > this.#floor &&
      high < low * this.#twist &&
      low < high * this.#reverseTwist &&
      low > lowRest * this.#aboveGroup &&
      high > highRest * this.#aboveGroup &&
      low + high > whole * this.#share
    );
  }
}

/**
 * Goertzel's algorithm for the four frequencies of a group, `first` to `first + 3`, in one loop: a single one would wait most
 * of the time for its own last step.
 */
function groupPowers(
  window: Float64Array,
  block: number,
  cosines: Float64Array,
  powers: Float64Array,
  first: number,
): void {
  const [c0, c1, c2, c3] = [cosines[first]!, cosines[first + 1]!, cosines[first + 2]!, cosines[first + 3]!];
  let [a0, a1, a2, a3] = [0, 0, 0, 0];
  let [b0, b1, b2, b3] = [0, 0, 0, 0];
  for (let i = 0; i < block; i++) {
    const sample = window[i]!;
    const n0 = sample + c0 * b0 - a0;
    const n1 = sample + c1 * b1 - a1;
    const n2 = sample + c2 * b2 - a2;
    const n3 = sample + c3 * b3 - a3;
    a0 = b0;
    a1 = b1;
    a2 = b2;
    a3 = b3;
    b0 = n0;
    b1 = n1;
    b2 = n2;
    b3 = n3;
  }
  powers[first] = b0 * b0 + a0 * a0 - c0 * b0 * a0;
  powers[first + 1] = b1 * b1 + a1 * a1 - c1 * b1 * a1;
  powers[first + 2] = b2 * b2 + a2 * a2 - c2 * b2 * a2;
  powers[first + 3] = b3 * b3 + a3 * a3 - c3 * b3 * a3;
}

/** Finds the keys in sound that is given piece by piece. */
export class DtmfDetector {
  readonly #block: number;
  readonly #step: number;
  readonly #window: Float64Array;
  readonly #cosines: Float64Array;
  readonly #powers = new Float64Array(8);
  readonly #strict: Judge;
  readonly #wary: Judge;
  /** Least energy of a block that is worth a look. */
  readonly #quiet: number;
  #filled = 0;
  #sounding = false;
  #begun = none;
  /** The key that is down; the one that may be going down, and for how many blocks. */
  #down = none;
  #coming = none;
  #blocks = 0;
  #missed = 0;

  /** @throws RangeError for a rate that is not a multiple of 8 kHz. */
  constructor(rateHz: number) {
    if (rateHz % 8000 !== 0)
      throw new RangeError(`keys are found at a multiple of 8000 Hz, not at ${rateHz}`);
    this.#block = (BLOCK_8K * rateHz) / 8000;
    this.#step = this.#block / 2;
    this.#window = new Float64Array(this.#block);
    this.#cosines = Float64Array.from([...LOW, ...HIGH], hz => 2 * Math.cos((2 * Math.PI * hz) / rateHz));
    this.#strict = new Judge(strict, this.#block);
    this.#wary = new Judge(wary, this.#block);
    this.#quiet = (FULL_SCALE ** 2 * ratio(wary.floorDbfs) * this.#block) / 2;
  }

  /**
   * Takes the next `count` samples. `sounding` and `begun` then tell what was found in them; what is found may have begun up
   * to two blocks earlier.
   */
  take(src: Int16Array, from: number, count: number): void {
    this.#sounding = false;
    this.#begun = none;
    for (let i = from; i < from + count; i++) {
      this.#window[this.#filled++] = src[i]!;
      if (this.#filled < this.#block) continue;
      this.#look();
      this.#window.copyWithin(0, this.#step);
      this.#filled = this.#block - this.#step;
    }
  }

  /** Whether anything in the last piece may have been a key, or a part of one. */
  get sounding(): boolean {
    return this.#sounding;
  }

  /** The key that was found to be pressed in the last piece, once for each press; empty when there was none. */
  get begun(): string {
    return this.#begun;
  }

  /** Forgets what it has heard. */
  reset(): void {
    this.#filled = this.#blocks = this.#missed = 0;
    this.#down = this.#coming = this.#begun = none;
    this.#sounding = false;
  }

  #look(): void {
    const key = this.#keyOfBlock();
    if (key === this.#down) {
      if (key !== none) this.#missed = 0;
      this.#coming = none;
      this.#blocks = 0;
      return;
    }
    if (this.#down !== none && ++this.#missed >= RELEASE_BLOCKS) this.#down = none;
    this.#blocks = key !== none && key === this.#coming ? this.#blocks + 1 : 1;
    this.#coming = key;
    if (key === none || this.#blocks < PRESS_BLOCKS) return;
    this.#down = this.#begun = key;
    this.#missed = 0;
  }

  /** The key whose tone the block is, or nothing; also notes whether it may be one. */
  #keyOfBlock(): string {
    const energy = this.#energy();
    if (energy < this.#quiet) return none;
    // A sine of amplitude A has the energy A^2 * block / 2.
    const whole = (energy * this.#block) / 2;
    groupPowers(this.#window, this.#block, this.#cosines, this.#powers, 4);
    const high = this.#loudest(4);
    const highPower = this.#powers[high]!;
    const highRest = this.#rest(4, high);
    // Five blocks of speech in six end here, after half of the work. Where `wary` sees nothing `strict` does not either.
    if (!this.#wary.mayHaveHigh(highPower, highRest, whole)) return none;
    groupPowers(this.#window, this.#block, this.#cosines, this.#powers, 0);
    const low = this.#loudest(0);
    const lowPower = this.#powers[low]!;
    const lowRest = this.#rest(0, low);
    this.#sounding ||= this.#wary.allows(lowPower, highPower, lowRest, highRest, whole);
    if (!this.#strict.allows(lowPower, highPower, lowRest, highRest, whole)) return none;
    return keys[low * 4 + high - 4]!;
  }

  #energy(): number {
    const window = this.#window;
    let sum = 0;
    for (let i = 0; i < window.length; i++) sum += window[i]! * window[i]!;
    return sum;
  }

  #loudest(first: number): number {
    let best = first;
    for (let i = first + 1; i < first + 4; i++) if (this.#powers[i]! > this.#powers[best]!) best = i;
    return best;
  }

  #rest(first: number, best: number): number {
    let rest = 0;
    for (let i = first; i < first + 4; i++) if (i !== best) rest = Math.max(rest, this.#powers[i]!);
    return rest;
  }
}

/** Keys by the places of their frequencies: low * 4 + high. */
const keys = LOW.flatMap(low =>
  HIGH.map(high => {
    const key = [...DTMF_KEYS].find(each => DTMF_PAIRS[each]?.[0] === low && DTMF_PAIRS[each]?.[1] === high);
    if (key === undefined) throw new Error('a pair of frequencies without a key');
    return key;
  }),
);
