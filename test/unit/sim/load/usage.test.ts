import { describe, expect, it } from 'vitest';
import { collectionsOf, pauseOf } from '../../../../src/sim/load/collections.ts';
import { cpuOf, machineOf, residentOf, shares, type Usage } from '../../../../src/sim/load/usage.ts';

describe('the reading of /proc', () => {
  it('finds the CPU of a process whose name holds anything', () => {
    const stat = '42 (node) S ) R) S 1 42 42 0 -1 4194560 9 0 0 0 150 25 0 0 20 0 11 0 12345 1 2';
    expect(cpuOf(stat)).toEqual({ name: 'node) S ) R', cpuMs: 1750 });
  });

  it('finds the resident memory in MB', () => {
    expect(residentOf('Name:\tnode\nVmHWM:\t  999999 kB\nVmRSS:\t  113664 kB\n')).toBe(111);
  });

  it('adds up what the machine did, without idling and waiting', () => {
    expect(machineOf('cpu  100 20 30 9999 8888 1 2 3 50 60\ncpu0 1 1 1 1\n')).toEqual({
      busyMs: 1530,
      stolenMs: 30,
    });
  });

  it('shares CPU out over threads: the main one first, those that did nothing left out, new ones from zero', () => {
    const usage = (at: number, cpuMs: number, threads: Record<number, number>): Usage => ({
      at,
      cpuMs,
      residentMb: 1,
      threads: new Map(
        Object.entries(threads).map(([id, ms]) => [Number(id), { name: `t${id}`, cpuMs: ms }]),
      ),
    });
    const before = usage(1000, 100, { 7: 50, 8: 40, 9: 10 });
    const after = usage(3000, 1160, { 7: 70, 8: 1040, 9: 10, 10: 40 });
    expect(shares(7, before, after)).toEqual({
      percent: 53,
      threads: [
        { name: 'main', percent: 1 },
        { name: 't8', percent: 50 },
        { name: 't10', percent: 2 },
      ],
    });
  });
});

describe('the reading of what the garbage collector writes', () => {
  it.each([
    [
      '[25:0x7f0]      100 ms: Scavenge 4.3 (6.1) -> 3.9 (7.1) MB, 0.9 / 0.0 ms  (average mu = 1.000) allocation failure;',
      0.9,
    ],
    [
      '[25:0x7f0:1]    321 ms: Mark-Compact 20.1 (30.2) -> 15.0 (31.0) MB, pooled: 1.5 MB, 12.34 / 0.1 ms  (+ 3.2 ms in 9 steps) finalize',
      12.34,
    ],
    ['{"level":"info","msg":"listening"}', undefined],
    ['[25:0x7f0] a line of somebody else', undefined],
  ])('%s', (line, pause) => expect(pauseOf(line)).toBe(pause));

  it('is summed up', () => {
    expect(collectionsOf([1.5, 0.25, 2])).toEqual({ count: 3, totalMs: 3.75, maxMs: 2 });
    expect(collectionsOf([])).toEqual({ count: 0, totalMs: 0, maxMs: 0 });
  });
});
