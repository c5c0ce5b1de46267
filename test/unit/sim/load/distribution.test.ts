import { describe, expect, it } from 'vitest';
import { Distribution } from '../../../../src/sim/load/distribution.ts';

function of(times: readonly number[]): Distribution {
  const distribution = new Distribution();
  for (const time of times) distribution.record(time);
  return distribution;
}

describe('a distribution', () => {
  it('gives percentiles to a tenth of a ms, and the longest time as it was', () => {
    const { p50, p95, p99, max, mean, count } = of(Array.from({ length: 1000 }, (_, i) => i / 10)).summary();
    expect(p50).toBeCloseTo(50, 0);
    expect(p95).toBeCloseTo(95, 0);
    expect(p99).toBeCloseTo(99, 0);
    expect([max, mean, count]).toEqual([99.9, 49.95, 1000]);
  });

  it('never reports a percentile above the longest time', () => {
    expect(of([0.01, 0.01]).summary()).toMatchObject({ p50: 0.01, p99: 0.01, max: 0.01 });
  });

  it('finds the one that is longer than all the others only where it belongs', () => {
    const distribution = of([...new Array<number>(199).fill(1.02), 5000]);
    expect(distribution.percentile(0.99)).toBeCloseTo(1.1, 5);
    expect(distribution.percentile(1)).toBe(5000);
  });

  it('takes a time before zero for zero', () => {
    expect(of([-3]).summary()).toMatchObject({ count: 1, mean: 0, max: 0 });
  });

  it('is all zero when nothing was recorded, and again after it was cleared', () => {
    const empty = new Distribution().summary();
    expect(empty).toEqual({ count: 0, mean: 0, p50: 0, p95: 0, p99: 0, max: 0 });
    const used = of([3, 4]);
    used.clear();
    expect(used.summary()).toEqual(empty);
  });
});
