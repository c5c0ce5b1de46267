import { describe, expect, it } from 'vitest';
import { sine } from '../../../../codecs/tones.ts';
import { cutPeriod, findPeriod, repeatPeriod } from '../../../../src/media/inbound/stretch.ts';
import { seededRandom } from '../../../support/impairment.ts';

function tone(rate: number, hz: number, count: number): Int16Array {
  const samples = new Int16Array(count + 200);
  sine(rate, hz, -6).generate(samples, 0, count);
  return samples;
}

/** Largest step between neighbours. */
function roughness(samples: Int16Array, count: number): number {
  let most = 0;
  for (let i = 1; i < count; i++) most = Math.max(most, Math.abs(samples[i]! - samples[i - 1]!));
  return most;
}

describe('findPeriod', () => {
  it.each([
    [8000, 100, 80],
    [8000, 160, 50],
    [16_000, 125, 128],
  ])('finds the period of a tone at %i Hz of %i Hz', (rate, hz, period) => {
    expect(findPeriod(tone(rate, hz, 480), 480, rate / 400, rate / 70, false)).toBe(period);
  });

  it('takes the longest in silence', () => {
    expect(findPeriod(new Int16Array(320), 320, 20, 120, false)).toBe(120);
  });

  it('finds nothing in noise, unless it must', () => {
    const random = seededRandom(5);
    const noise = Int16Array.from({ length: 320 }, () => (random() - 0.5) * 20_000);
    expect(findPeriod(noise, 320, 20, 120, false)).toBe(0);
    expect(findPeriod(noise, 320, 20, 120, true)).toBeGreaterThanOrEqual(20);
  });
});

describe.each([
  ['cutPeriod', cutPeriod, -1],
  ['repeatPeriod', repeatPeriod, 1],
] as const)('%s', (_, change, sign) => {
  it.each([100, 133, 310])('changes the length by one period of %i Hz and leaves no click', hz => {
    const samples = tone(8000, hz, 320);
    const smooth = roughness(samples, 320);
    const period = findPeriod(samples, 320, 20, 120, false);
    const count = change(samples, 320, period);
    expect(count).toBe(320 + sign * period);
    expect(roughness(samples, count)).toBeLessThan(smooth * 1.1);
  });

  it('keeps the order of what was there', () => {
    const ramp = Int16Array.from({ length: 400 }, (_, i) => i * 10);
    const count = change(ramp, 320, 50);
    expect(ramp[count - 1]).toBe(3190);
    expect(ramp[count - 100]).toBe(2200);
  });
});
