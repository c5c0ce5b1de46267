import { describe, expect, it } from 'vitest';
import { type LegStats, noLegStats } from '../../../src/core/leg-stats.ts';
import { qualityOf } from '../../../src/store/quality.ts';

const heard = (more: Partial<LegStats>) =>
  qualityOf({ ...noLegStats, codec: 'PCMU', packetsReceived: 1_000, bufferDelayMs: 40, ...more });

describe('the estimated quality of a call', () => {
  it('is best without loss, and that of toll quality', () => {
    expect(heard({}).mos).toBeGreaterThan(4.3);
    expect(heard({}).mos).toBeLessThan(4.5);
  });

  it('falls with loss and with delay', () => {
    const scores = [0, 10, 50, 200].map(packetsLost => heard({ packetsLost }).mos);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(scores.at(-1)).toBeLessThan(3);
    expect(heard({ bufferDelayMs: 400 }).mos).toBeLessThan(heard({}).mos - 0.5);
  });

  it('counts late packets as lost, and nothing at all as no loss', () => {
    expect(heard({ packetsLost: 30, packetsLate: 20, packetsReceived: 970 }).loss).toBe(0.05);
    expect(qualityOf(noLegStats)).toMatchObject({ loss: 0, jitterMs: 0 });
  });

  it('says how late packets left, unless none was due at a time', () => {
    expect(heard({ lateness: { p50: 0.5, p99: 2.346, max: 9 } }).latenessMs).toBe(2.35);
    expect(heard({})).not.toHaveProperty('latenessMs');
  });
});
