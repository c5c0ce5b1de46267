import { describe, expect, it } from 'vitest';
import { flatWithin, growthOf } from '../../../../src/sim/load/soak.ts';

const samples = (minutes: number, memory: (minute: number) => number) =>
  Array.from({ length: minutes * 6 + 1 }, (_, i) => ({ minute: i / 6, residentMb: memory(i / 6) }));

describe('the growth of memory', () => {
  it('leaves the warm-up of ten minutes out', () => {
    expect(growthOf(samples(60, minute => Math.min(200, 100 + minute * 10)))).toBe(0);
  });

  it('finds a leak of a tenth in an hour', () => {
    const growth = growthOf(samples(60, minute => 200 + minute / 3));
    expect(growth).toBeGreaterThan(flatWithin);
    expect(growth).toBeLessThan(0.1);
  });

  it('is not fooled by what goes up and down', () => {
    expect(Math.abs(growthOf(samples(60, minute => 200 + 20 * Math.sin(minute * 7)))!)).toBeLessThan(
      flatWithin,
    );
  });

  it('says nothing of a run that was too short', () => {
    expect(growthOf([])).toBeUndefined();
    expect(growthOf([{ minute: 0, residentMb: 1 }])).toBeUndefined();
  });
});
