import { describe, expect, it } from 'vitest';
import { DriftMeter, driftOf } from '../../../../src/sim/load/drift.ts';

/** A stream of so many seconds whose clock is slow by `ppm`, and whose packets are held up by what `late` says. */
function heard(ppm: number, seconds: number, late: (packet: number) => number = () => 0): DriftMeter {
  const meter = new DriftMeter();
  const begun = 50_000;
  meter.clear(begun);
  for (let packet = 0; packet < seconds * 50; packet++) {
    const due = packet * 20;
    const now = begun + due * (1 + ppm / 1e6) + late(packet);
    meter.take(now - due, now);
  }
  return meter;
}

describe('drift', () => {
  it.each([0, 80, -250])('of %d ppm is found', ppm => {
    expect(heard(ppm, 60).ppm).toBeCloseTo(ppm, 0);
  });

  it('is not what packets are late by', () => {
    // Most are late, in some seconds more than in others, but every now and then one is on time.
    const late = (packet: number) => (packet % 40 === 0 ? 0 : 3 + (packet % 700) / 100);
    expect(heard(40, 120, late).ppm).toBeCloseTo(40, 0);
  });

  it('is not spoken of before a minute is over', () => {
    expect(heard(100, 50).ppm).toBeUndefined();
    expect(driftOf([heard(100, 50)])).toBeUndefined();
  });

  it('bears a hole in the stream', () => {
    const meter = new DriftMeter();
    meter.clear(0);
    for (let due = 0; due < 120_000; due += 20)
      if (due < 30_000 || due > 60_000) meter.take(due * 1e-4, due * (1 + 1e-4));
    expect(meter.ppm).toBeGreaterThan(80);
    expect(meter.ppm).toBeLessThan(120);
  });

  it('begins anew with the window', () => {
    const meter = heard(100, 60);
    meter.clear(0);
    expect(meter.ppm).toBeUndefined();
  });

  it('is of all streams the middle one, and the one farthest from zero', () => {
    expect(driftOf([-120, 10, 20].map(ppm => heard(ppm, 60)))).toEqual({
      streams: 3,
      median: 10,
      worst: -120,
    });
  });
});
