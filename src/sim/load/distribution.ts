/** Width of a bucket, ms, and how many there are; what is longer shares the last one. */
const bucketMs = 0.1;
const buckets = 20_001;

/** A distribution in a few figures, ms. */
export interface Summary {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** How often which time was seen, in steps of 0.1 ms. Recording allocates nothing. */
export class Distribution {
  readonly #seen = new Uint32Array(buckets);
  #count = 0;
  #sum = 0;
  #max = 0;

  get count(): number {
    return this.#count;
  }

  /** Takes a time in ms; one below zero counts as zero. */
  record(ms: number): void {
    const time = Math.max(ms, 0);
    const bucket = Math.min(buckets - 1, (time / bucketMs) | 0);
    this.#seen[bucket] = this.#seen[bucket]! + 1;
    this.#count++;
    this.#sum += time;
    if (time > this.#max) this.#max = time;
  }

  /** The time that a share of all stayed within, ms: the upper edge of its bucket, never above the longest seen. */
  percentile(share: number): number {
    const wanted = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (let bucket = 0; bucket < buckets - 1; bucket++) {
      seen += this.#seen[bucket]!;
      if (seen >= wanted) return Math.min(this.#max, (bucket + 1) * bucketMs);
    }
    return this.#max;
  }

  clear(): void {
    this.#seen.fill(0);
    this.#count = 0;
    this.#sum = 0;
    this.#max = 0;
  }

  summary(): Summary {
    return {
      count: this.#count,
      mean: hundredths(this.#count === 0 ? 0 : this.#sum / this.#count),
      p50: hundredths(this.percentile(0.5)),
      p95: hundredths(this.percentile(0.95)),
      p99: hundredths(this.percentile(0.99)),
      max: hundredths(this.#max),
    };
  }
}

const hundredths = (value: number): number => Math.round(value * 100) / 100;
