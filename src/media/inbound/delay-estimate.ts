import { inboundLimits as limits } from './limits.ts';

/** RTP clock units in a millisecond: all three codecs have a clock of 8000 Hz (RFC 3551 section 4.5.2 for G.722). */
export const unitsPerMs = 8;

const bucketUnits = 5 * unitsPerMs;
const buckets = limits.bufferMs / 5;
const minUnits = limits.delayMinMs * unitsPerMs;
const easyUnits = limits.delayEasyMs * unitsPerMs;
const maxUnits = limits.delayMaxMs * unitsPerMs;
const forgottenPerUnit = 1 / (limits.delayMemoryMs * unitsPerMs);
/** Packets that the delay to begin with weighs as much as. */
const priorPackets = 2;
/** Punctual packets, late by less than a bucket, that are weighed at once: each time goes through the whole histogram. */
const punctualAtOnce = 8;

/**
 * How much delay a stream needs. A packet's transit is its arrival less its timestamp; the smallest of the last seconds
 * is the base, and what a packet lies above that is its lateness. The target is a quantile of the lateness, forgotten
 * exponentially. The base is a minimum over a sliding window, so that a sender whose clock drifts is followed.
 * All numbers are clock units.
 */
export class DelayEstimate {
  readonly #histogram = new Float64Array(buckets);
  readonly #minima = new Int32Array(limits.baseWindows);
  #window = 0;
  /** The smallest transit of the window that runs; in `#minima` once that is over. */
  #smallest = 0;
  #windowsUsed = 0;
  #windowEnd = 0;
  #base = 0;
  #packets = 0;
  /** Packets that were punctual and are not weighed yet, and how long each has to be, clock units. */
  #punctual = 0;
  #punctualLength = 0;
  #target = limits.delayStartMs * unitsPerMs;
  #least = limits.delayStartMs * unitsPerMs;

  constructor() {
    this.#histogram[Math.floor(limits.delayStartMs / 5) - 1] = 1;
  }

  /** Smallest transit of the last seconds. */
  get base(): number {
    return this.#base;
  }

  /** Delay over the base that is wanted. */
  get target(): number {
    return this.#target;
  }

  /** Delay that packets have really needed; under it some would have come too late. */
  get least(): number {
    return this.#least;
  }

  /** The stream's clock starts anew: transits before this are of no use, lateness still is. */
  restart(transit: number, arrival: number): void {
    this.#smallest = transit;
    this.#window = 0;
    this.#windowsUsed = 1;
    this.#windowEnd = arrival + limits.baseWindowMs * unitsPerMs;
    this.#base = transit;
  }

  /** Takes in the transit of a packet with `length` units of sound that came at `arrival`. */
  observe(transit: number, arrival: number, length: number): void {
    if (arrival >= this.#windowEnd) this.#nextWindow(transit, arrival);
    if (transit < this.#smallest) this.#smallest = transit;
    if (transit < this.#base) this.#base = transit;
    const lateness = transit - this.#base;
    if (lateness >= bucketUnits || length !== this.#punctualLength) this.#weigh(lateness, length);
    else if (++this.#punctual === punctualAtOnce) this.#settle();
  }

  /** Packets that were punctual and as long as each other weigh at once what they weigh one after the other. */
  #settle(): void {
    const count = this.#punctual;
    if (count === 0) return;
    this.#punctual = 0;
    this.#add(0, (1 - this.#punctualLength * forgottenPerUnit) ** count);
    this.#aim();
  }

  #nextWindow(transit: number, arrival: number): void {
    const minima = this.#minima;
    minima[this.#window] = this.#smallest;
    this.#window = (this.#window + 1) % limits.baseWindows;
    if (this.#windowsUsed < limits.baseWindows) this.#windowsUsed++;
    minima[this.#window] = transit;
    this.#smallest = transit;
    let base = transit;
    for (let i = 0; i < this.#windowsUsed; i++) if (minima[i]! < base) base = minima[i]!;
    this.#base = base;
    this.#windowEnd = arrival + limits.baseWindowMs * unitsPerMs;
  }

  #weigh(lateness: number, length: number): void {
    this.#settle();
    const count = Math.min(this.#packets++, 1000) + priorPackets;
    const byTime = 1 - length * forgottenPerUnit;
    const byCount = count / (count + 1);
    // Once time is what makes earlier packets forgotten, all that are punctual weigh the same.
    this.#punctualLength = byTime <= byCount ? length : 0;
    this.#add(Math.min(buckets - 1, Math.floor(lateness / bucketUnits)), Math.min(byTime, byCount));
    this.#aim();
  }

  #add(bucket: number, keep: number): void {
    const histogram = this.#histogram;
    for (let i = 0; i < buckets; i++) histogram[i]! *= keep;
    histogram[bucket]! += 1 - keep;
  }

  #aim(): void {
    const easy = this.#quantile(limits.delayQuantile);
    const wanted = easy <= easyUnits ? easy : Math.max(easyUnits, this.#quantile(limits.delayQuantileLong));
    this.#least = wanted;
    this.#target = Math.max(minUnits, Math.min(maxUnits, Math.round(wanted)));
  }

  /** The lateness that only a share of 1 - `quantile` exceeds, interpolated within its bucket. */
  #quantile(quantile: number): number {
    let beyond = 1 - quantile;
    for (let i = buckets - 1; i >= 0; i--) {
      const weight = this.#histogram[i]!;
      if (weight > beyond) return (i + 1 - beyond / weight) * bucketUnits;
      beyond -= weight;
    }
    return 0;
  }
}
