/**
 * Packet loss concealment after the model of ITU-T G.711 Appendix I: what was heard last is repeated at its own pitch,
 * first one period, then two and three (a single one would soon sound like a machine), and fades to silence. Unlike the
 * appendix it delays nothing: the join at the beginning of a gap is smoothed inside the gap.
 */

/** The pitch that is looked for: 66 to 200 Hz. */
const SHORTEST_PERIOD_MS = 5;
const LONGEST_PERIOD_MS = 15;
/** How much of the newest sound is compared with what came before it. */
const COMPARED_MS = 20;
/** A gap repeats one period more after each of these, up to the maximum. */
const GROWTH_MS = 10;
const MAX_PERIODS = 3;
/** Full level that long, so that a single lost frame is not heard as a dip; 4.4 dB less at 60 ms; silence at 120 ms. */
const HOLD_MS = 20;
const FADE_MS = 100;
/** How long the step at the beginning of a gap takes to vanish. */
const JOIN_MS = 1;
/** Sound that is remembered before what is too old is moved out of the way. */
const ROOM_MS = 100;
/** The cross-fade when sound comes back: it grows with the gap's length, by this part of it, up to the maximum. */
const RETURN_MS = 4;
const RETURN_GROWTH = 0.4;
const MAX_RETURN_MS = 10;

/**
 * Conceals the gaps of one stream. For each frame that arrived: `recover`, then `heard`; for each that did not:
 * `conceal`. Every sample is 16 bit at the rate given. Nothing is allocated after construction.
 */
export class Concealer {
  readonly #shortest: number;
  readonly #longest: number;
  readonly #compared: number;
  readonly #growth: number;
  readonly #hold: number;
  readonly #fade: number;
  readonly #join: number;
  readonly #return: number;
  readonly #maxReturn: number;

  /** What was heard or concealed, oldest first, and where it ends: what lies further back than `#source` is long is forgotten. */
  readonly #past: Int16Array;
  #end = 0;
  /** The newest of it when the gap began. */
  readonly #source: Float64Array;
  /** The periods that are repeated now, and room for the next, longer loop while one fades into the other. */
  #loop: Float64Array;
  #spare: Float64Array;
  #loopLength = 0;
  #spareLength = 0;
  #read = 0;
  #spareRead = 0;
  #blend = 0;

  #lost = false;
  #period = 0;
  #periods = 0;
  #elapsed = 0;
  #step = 0;

  /** @throws RangeError when the rate is not one that telephones use (8 to 48 kHz). */
  constructor(rateHz: number) {
    if (!(rateHz >= 8000 && rateHz <= 48000)) throw new RangeError(`cannot conceal at ${rateHz} Hz`);
    const samples = (ms: number) => Math.round((ms * rateHz) / 1000);
    this.#shortest = samples(SHORTEST_PERIOD_MS);
    this.#longest = samples(LONGEST_PERIOD_MS);
    this.#compared = samples(COMPARED_MS);
    this.#growth = samples(GROWTH_MS);
    this.#hold = samples(HOLD_MS);
    this.#fade = samples(FADE_MS);
    this.#join = samples(JOIN_MS);
    this.#return = samples(RETURN_MS);
    this.#maxReturn = samples(MAX_RETURN_MS);
    const remembered = MAX_PERIODS * this.#longest + (this.#longest >> 2) + 1;
    this.#past = new Int16Array(remembered + samples(ROOM_MS));
    this.#end = remembered;
    this.#source = new Float64Array(remembered);
    this.#loop = new Float64Array(MAX_PERIODS * this.#longest);
    this.#spare = new Float64Array(MAX_PERIODS * this.#longest);
  }

  /** Remembers a frame that arrived; a gap, if one was open, is over. */
  heard(frame: Int16Array, from: number, count: number): void {
    this.#lost = false;
    this.#remember(frame, from, count);
  }

  /** Writes `count` samples in place of a frame that did not arrive into `dst` at `at`. */
  conceal(dst: Int16Array, at: number, count: number): void {
    if (!this.#lost) this.#begin();
    for (let i = 0; i < count; i++) dst[at + i] = this.#next();
    this.#remember(dst, at, count);
  }

  /** Smooths the beginning of the first frame after a gap, in place. Without a gap the frame stays as it is. */
  recover(frame: Int16Array, from: number, count: number): void {
    if (!this.#lost) return;
    const wanted = Math.min(this.#return + Math.floor(this.#elapsed * RETURN_GROWTH), this.#maxReturn);
    const length = Math.min(wanted, count);
    for (let i = 0; i < length; i++) {
      const weight = (i + 1) / (length + 1);
      frame[from + i] = Math.round(this.#next() * (1 - weight) + frame[from + i]! * weight);
    }
    this.#lost = false;
  }

  /** Forgets everything that was heard. */
  reset(): void {
    this.#past.fill(0);
    this.#end = this.#source.length;
    this.#lost = false;
  }

  #remember(samples: Int16Array, from: number, count: number): void {
    const past = this.#past;
    const room = past.length - this.#source.length;
    for (let done = 0; done < count; ) {
      if (this.#end === past.length) {
        past.copyWithin(0, room);
        this.#end -= room;
      }
      const some = Math.min(count - done, past.length - this.#end);
      append(past, this.#end, samples, from + done, some);
      this.#end += some;
      done += some;
    }
  }

  #begin(): void {
    const remembered = this.#source.length;
    for (let i = 0; i < remembered; i++) this.#source[i] = this.#past[this.#end - remembered + i]!;
    this.#lost = true;
    this.#period = this.#findPeriod();
    this.#periods = 1;
    this.#elapsed = 0;
    this.#read = 0;
    this.#blend = 0;
    this.#loopLength = this.#fillLoop(this.#loop, 1);
    const end = this.#source.length;
    this.#step = this.#source[end - 1]! - this.#source[end - 1 - this.#period]!;
  }

  /** The distance at which the newest sound resembles the older most, by normalized cross-correlation. */
  #findPeriod(): number {
    const x = this.#source;
    const start = x.length - this.#compared;
    let energy = 0;
    for (let i = start; i < x.length; i++) energy += x[i - this.#shortest]! ** 2;
    let best = this.#longest;
    let bestScore = 0;
    for (let lag = this.#shortest; lag <= this.#longest; lag++) {
      let product = 0;
      for (let i = start; i < x.length; i++) product += x[i]! * x[i - lag]!;
      const score = product > 0 ? (product * product) / energy : 0;
      if (score > bestScore) {
        bestScore = score;
        best = lag;
      }
      // The window moves one sample into the past: one enters, one leaves. All are whole numbers, so nothing is lost.
      energy += x[start - lag - 1]! ** 2 - x[x.length - lag - 1]! ** 2;
    }
    return best;
  }

  /**
   * Fills a loop with the last periods. Its last quarter period turns into what came before its first sample, so that
   * it can run round without a click.
   */
  #fillLoop(loop: Float64Array, periods: number): number {
    const x = this.#source;
    const length = periods * this.#period;
    const quarter = this.#period >> 2;
    const start = x.length - length;
    for (let i = 0; i < length; i++) loop[i] = x[start + i]!;
    for (let i = 0; i < quarter; i++) {
      const weight = (i + 1) / (quarter + 1);
      const end = length - quarter + i;
      loop[end] = loop[end]! * (1 - weight) + x[start - quarter + i]! * weight;
    }
    return length;
  }

  /** The next concealed sample. */
  #next(): number {
    const elapsed = this.#elapsed++;
    if (elapsed >= this.#hold + this.#fade) return 0;
    if (this.#periods < MAX_PERIODS && elapsed === this.#periods * this.#growth) this.#grow();
    let value = this.#loop[this.#read]!;
    if (++this.#read === this.#loopLength) this.#read = 0;
    if (this.#blend > 0) {
      const weight = this.#blend-- / ((this.#period >> 2) + 1);
      value += (this.#spare[this.#spareRead]! - value) * weight;
      if (++this.#spareRead === this.#spareLength) this.#spareRead = 0;
    }
    if (elapsed < this.#join) value += this.#step * (1 - (elapsed + 1) / (this.#join + 1));
    if (elapsed > this.#hold) value *= 1 - (elapsed - this.#hold) / this.#fade;
    return Math.max(-32768, Math.min(32767, Math.round(value)));
  }

  /** Goes over to a loop with one period more. The same place in it is one period older, hence in phase. */
  #grow(): void {
    const loop = this.#spare;
    this.#spare = this.#loop;
    this.#spareLength = this.#loopLength;
    this.#spareRead = this.#read;
    this.#loop = loop;
    this.#loopLength = this.#fillLoop(loop, ++this.#periods);
    this.#blend = this.#period >> 2;
  }
}

function append(past: Int16Array, end: number, samples: Int16Array, from: number, count: number): void {
  for (let i = 0; i < count; i++) past[end + i] = samples[from + i]!;
}
