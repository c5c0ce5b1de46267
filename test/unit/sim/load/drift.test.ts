import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compiled } from '../../../../src/sim/load/compiled.ts';
import { telephoneFlags } from '../../../../src/sim/load/compiled-telephones.ts';
import { DriftMeter, driftOf } from '../../../../src/sim/load/drift.ts';
import { requirePrograms } from '../../../support/programs.ts';

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

/** Takes lines of an offset and a time, the first one the beginning of the window, and tells of the stream. */
const program = `#include "telephones.h"
int main(void) {
  static struct stream stream;
  double offset;
  double now;
  for (int line = 0; scanf("%lf %lf", &offset, &now) == 2; line++)
    if (line == 0) stream_mark(&stream, now);
    else drift_take(&stream.drift, offset, now);
  stream_print(stdout, &stream);
  return 0;
}
`;
const load = join(import.meta.dirname, '../../../../src/sim/load');

describe.skipIf(!requirePrograms('drift in the compiled telephones', ['cc']))(
  'drift in the compiled telephones',
  () => {
    /** What either says of the same packets. */
    function both(packets: readonly (readonly [offset: number, now: number])[]) {
      const meter = new DriftMeter();
      meter.clear(1000);
      for (const [offset, now] of packets) meter.take(offset, now);
      const cache = mkdtempSync(join(tmpdir(), 'trunkbridge-test-'));
      try {
        writeFileSync(join(cache, 'main.c'), program);
        const parts = ['telephones/tally.c', 'measures.c'].map(name => join(load, name));
        const flags = [...telephoneFlags, '-I', join(load, 'telephones')];
        const made = compiled('drift', [join(cache, 'main.c'), ...parts], { folder: '/', cache, flags });
        if ('why' in made) throw new Error(made.why);
        const input = [[0, 1000], ...packets].map(line => line.join(' ')).join('\n');
        const [, ppm] = JSON.parse(execFileSync(made.path, { input }).toString()) as [number, number | null];
        return { here: meter.ppm, there: ppm };
      } finally {
        rmSync(cache, { recursive: true, force: true });
      }
    }

    it('is what it is here, also with a hole in the stream', () => {
      const dues = Array.from({ length: 6000 }, (_, at) => at * 20).filter(
        due => due < 30_000 || due > 60_000,
      );
      const packets = dues.map(
        (due, at) => [7 + due * 1.2e-4 + ((at * 37) % 90) / 10, 1000.5 + due] as const,
      );
      const { here, there } = both(packets);
      expect(here).toBeGreaterThan(50);
      expect(there).toBeCloseTo(here ?? 0, 2);
    });

    it('is not spoken of before a minute is over', () => {
      expect(both(Array.from({ length: 2500 }, (_, at) => [at / 1000, 1000 + at * 20] as const))).toEqual({
        here: undefined,
        there: null,
      });
    });
  },
);
