import { describe, expect, it } from 'vitest';
import { isMet } from '../../../../src/sim/load/bounds.ts';
import { type Phase, stressBounds, stressTable } from '../../../../src/sim/load/stress.ts';

const times = { count: 100, mean: 1, p50: 1, p95: 2, p99: 3, max: 10 };

const phase = (name: Phase['name'], more: Partial<Phase> = {}): Phase => ({
  name,
  seconds: 10,
  wire: {
    received: 1000,
    lost: 0,
    disordered: 0,
    gaps: 0,
    dead: 0,
    pace: { least: 0.999, most: 1 },
    lateness: times,
    interval: times,
  },
  pace: { least: 1, most: 1 },
  dropped: 0,
  cpuPercent: 20,
  telephones: times,
  happened: {},
  ...more,
});

describe('calls under stress', () => {
  const late = phase('gc', {
    wire: { ...phase('gc').wire, lateness: { ...times, p99: 6 } },
    lags: { main: 480, worker: 0.2 },
    happened: { collections: 12, longestMs: 80 },
  });

  it('may be no later than 5 ms at p99 in any phase, and lose nothing', () => {
    const bounds = stressBounds([phase('floor'), phase('calm'), late]);
    expect(bounds.filter(bound => !isMet(bound))).toEqual([
      { what: 'gc: send lateness p99, ms', value: 6, most: 5 },
    ]);
    expect(bounds.map(({ what }) => what)).toContain('calm: packets lost');
  });

  it('are not judged by the bare program', () => {
    const slow = phase('floor', { wire: { ...phase('floor').wire, lost: 3 } });
    expect(stressBounds([slow])).toEqual([]);
  });

  it('are shown phase by phase, with what was done to them', () => {
    const lines = stressTable([phase('floor'), late]).split('\n');
    expect(lines[2]).toMatch(/^\| floor +\| 1 \/ 3 \/ 10 .*\| - +\|/);
    expect(lines[3]).toMatch(/\| gc +\| 1 \/ 6 \/ 10 .*\| 480\.0, 0\.2 +\|/);
    expect(lines.at(-1)).toContain('(collections 12, longestMs 80)');
    const watched = { ...late, loopLags: { main: { p50: 0.1, p99: 4, max: 81 } } };
    expect(stressTable([watched]).split('\n').at(-1)).toBe('- gc: main 0.1 / 4 / 81');
  });
});
