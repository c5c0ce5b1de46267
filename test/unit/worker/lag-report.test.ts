import { describe, expect, it } from 'vitest';
import { overloadLimits } from '../../../src/core/overload.ts';
import { LagReport } from '../../../src/worker/lag-report.ts';
import type { FromWorker } from '../../../src/worker/messages.ts';
import { LateClock } from '../../support/late-clock.ts';

describe('what a worker tells of its lag', () => {
  it('is nothing while it is in time, how late it is while it is not, and once that this is over', () => {
    const clock = new LateClock();
    const told: number[] = [];
    const report = new LagReport(clock, overloadLimits, (message: FromWorker) => {
      if (message.type === 'lag') told.push(message.ms);
    });
    clock.rest(2000);
    expect(told).toEqual([]);
    for (let i = 0; i < 20; i++) clock.work(60);
    expect(told.length).toBeGreaterThan(5);
    expect(told.at(-1)).toBeGreaterThan(overloadLimits.workerLagMs);
    clock.rest(2000);
    expect(told.at(-1)).toBe(0);
    expect(told.filter(ms => ms === 0)).toHaveLength(1);
    report.stop();
    expect(clock.pending).toBe(0);
  });
});
