import type { MetricValueWithName, Registry } from 'prom-client';

/**
 * A histogram whose observations were already sorted into buckets elsewhere: workers count their packets themselves
 * and send totals, because one message a packet would cost more than the packet. Bounds are in seconds. The sum is
 * not known there, so there is no `_sum` series.
 */
export class BucketHistogram {
  readonly #name: string;
  readonly #help: string;
  readonly #bounds: readonly number[];
  readonly #counts: number[];

  constructor(registry: Registry, name: string, help: string, bounds: readonly number[]) {
    this.#name = name;
    this.#help = help;
    this.#bounds = bounds;
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
    // A registry asks nothing of a metric but these two members.
    registry.registerMetric({ name, get: () => Promise.resolve(this.#collect()) } as never);
  }

  /** Adds `counts[i]` observations to bucket `i`; the last one has no upper bound. */
  add(counts: readonly number[]): void {
    for (let i = 0; i < this.#counts.length; i++) this.#counts[i] = (this.#counts[i] ?? 0) + (counts[i] ?? 0);
  }

  #collect() {
    const values: MetricValueWithName<'le'>[] = [];
    let total = 0;
    for (const [i, count] of this.#counts.entries()) {
      total += count;
      const le = this.#bounds[i] ?? '+Inf';
      values.push({ metricName: `${this.#name}_bucket`, labels: { le }, value: total });
    }
    values.push({ metricName: `${this.#name}_count`, labels: {}, value: total });
    return { name: this.#name, help: this.#help, type: 'histogram', aggregator: 'sum', values };
  }
}
