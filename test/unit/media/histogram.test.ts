import { describe, expect, it } from 'vitest';
import { Histogram } from '../../../src/media/histogram.ts';
import { latenessBuckets } from '../../../src/worker/messages.ts';

describe('Histogram', () => {
  it('counts a duration in the first bucket whose bound it does not exceed, and the longest in the unbounded one', () => {
    const histogram = new Histogram();
    for (const ms of [-1, 0.5, 0.51, 5, 5.1, 160, 161]) histogram.record(ms);
    const expected = new Array<number>(latenessBuckets.length + 1).fill(0);
    for (const bucket of [0, 0, 1, 4, 5, 9, 10]) expected[bucket]!++;
    expect([...histogram.counts]).toEqual(expected);
    expect(histogram.max).toBe(161);
    expect(histogram.total).toBe(7);
  });

  it('gives percentiles as bounds of buckets that never exceed the largest duration seen', () => {
    const histogram = new Histogram();
    for (let i = 0; i < 98; i++) histogram.record(0.7);
    histogram.record(15);
    histogram.record(17);
    expect(histogram.percentile(0.5)).toBe(1);
    expect(histogram.percentile(0.98)).toBe(1);
    expect(histogram.percentile(0.99)).toBe(17);
    expect(histogram.percentile(1)).toBe(17);
    expect(histogram.summary()).toEqual({ p50: 1, p99: 17, max: 17 });
  });

  it('has percentiles of zero while it is empty', () => {
    expect(new Histogram().percentile(0.99)).toBe(0);
    expect(new Histogram().summary()).toBeUndefined();
  });
});
