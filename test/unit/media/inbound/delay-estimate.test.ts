import { describe, expect, it } from 'vitest';
import { DelayEstimate, unitsPerMs } from '../../../../src/media/inbound/delay-estimate.ts';
import { inboundLimits as limits } from '../../../../src/media/inbound/limits.ts';
import { seededRandom } from '../../../support/impairment.ts';

/** Lets `packets` of 20 ms come, each `late(i)` ms after its time; returns the time after the last, ms. */
function feed(estimate: DelayEstimate, packets: number, late: (i: number) => number, fromMs = 0): number {
  if (fromMs === 0) estimate.restart(Math.round(late(0) * unitsPerMs), Math.round(late(0) * unitsPerMs));
  for (let i = 0; i < packets; i++) {
    const arrival = Math.round((fromMs + i * 20 + late(i)) * unitsPerMs);
    estimate.observe(arrival - (fromMs + i * 20) * unitsPerMs, arrival, 160);
  }
  return fromMs + packets * 20;
}

const targetMs = (estimate: DelayEstimate) => estimate.target / unitsPerMs;

describe('DelayEstimate', () => {
  it('begins with the delay to begin with and falls to the least when nothing is late', () => {
    const estimate = new DelayEstimate();
    expect(targetMs(estimate)).toBe(limits.delayStartMs);
    feed(estimate, 500, () => 0);
    expect(targetMs(estimate)).toBe(limits.delayMinMs);
  });

  it.each([
    [20, 0.98],
    [40, 0.98],
  ])('wants nearly all of a jitter of up to %i ms', (spread, share) => {
    const random = seededRandom(3);
    const estimate = new DelayEstimate();
    feed(estimate, 2000, () => random() * spread);
    expect(targetMs(estimate)).toBeGreaterThan(spread * share - 5);
    expect(targetMs(estimate)).toBeLessThan(spread + 5);
  });

  it('leaves the latest out where all would take long', () => {
    const random = seededRandom(3);
    const estimate = new DelayEstimate();
    feed(estimate, 2000, i => (i % 25 === 0 ? 150 : random() * 50));
    expect(targetMs(estimate)).toBeLessThan(65);
  });

  it('never wants more than the most', () => {
    const random = seededRandom(3);
    const estimate = new DelayEstimate();
    feed(estimate, 2000, () => random() * 1000);
    expect(targetMs(estimate)).toBe(limits.delayMaxMs);
  });

  it('grows within few packets and falls again within some seconds', () => {
    const random = seededRandom(3);
    const estimate = new DelayEstimate();
    let now = feed(estimate, 500, () => 0);
    now = feed(estimate, 25, () => random() * 80, now);
    expect(targetMs(estimate)).toBeGreaterThan(40);
    now = feed(estimate, 500, () => random() * 80, now);
    feed(estimate, 500, () => 0, now);
    expect(targetMs(estimate)).toBe(limits.delayMinMs);
  });

  it('follows a path that became 60 ms longer instead of calling every packet late for ever', () => {
    const estimate = new DelayEstimate();
    const now = feed(estimate, 500, () => 0);
    feed(estimate, 1000, () => 60, now);
    expect(estimate.base).toBe(60 * unitsPerMs);
    expect(targetMs(estimate)).toBe(limits.delayMinMs);
  });

  it('takes a packet that is faster than all others for the base at once, in whichever second it comes', () => {
    for (const fast of [20, 70, 120, 170, 220]) {
      const estimate = new DelayEstimate();
      feed(estimate, fast + 1, i => (i === fast ? 10 : 40));
      expect(estimate.base).toBe(10 * unitsPerMs);
    }
  });

  it('follows a sender whose clock is 200 ppm off either way', () => {
    for (const ppm of [-200, 200]) {
      const estimate = new DelayEstimate();
      feed(estimate, 30_000, i => 1000 + (i * 20 * ppm) / 1e6);
      expect(Math.abs(estimate.base / unitsPerMs - (1000 + (600_000 * ppm) / 1e6))).toBeLessThan(2);
      expect(targetMs(estimate)).toBe(limits.delayMinMs);
    }
  });
});
