import { latenessBuckets } from '../worker/messages.ts';

/** Counts of durations in the fixed buckets of `latenessBuckets`. Recording allocates nothing. */
export class Histogram {
  /** Counts per bucket, in the order of `latenessBuckets`; the last one is unbounded. */
  readonly counts: Float64Array = new Float64Array(latenessBuckets.length + 1);
  /** Largest duration recorded, ms. */
  max = 0;
  total = 0;

  /** Records `ms`; what is below zero counts as zero. */
  record(ms: number): void {
    let bucket = 0;
    while (bucket < latenessBuckets.length && ms > latenessBuckets[bucket]!) bucket++;
    this.counts[bucket] = this.counts[bucket]! + 1;
    this.total++;
    if (ms > this.max) this.max = ms;
  }

  /** The middle, the 99th percentile and the largest, ms; undefined when nothing was recorded. */
  summary(): { readonly p50: number; readonly p99: number; readonly max: number } | undefined {
    if (this.total === 0) return undefined;
    return { p50: this.percentile(0.5), p99: this.percentile(0.99), max: this.max };
  }

  /** The duration (ms) that `share` (0..1) of those recorded do not exceed: a bucket's upper bound, never above `max`. */
  percentile(share: number): number {
    let wanted = Math.ceil(share * this.total);
    if (wanted <= 0) return 0;
    for (let bucket = 0; bucket < latenessBuckets.length; bucket++) {
      wanted -= this.counts[bucket]!;
      if (wanted <= 0) return Math.min(latenessBuckets[bucket]!, this.max);
    }
    return this.max;
  }
}
