import { describe, expect, it } from 'vitest';
import { overloadLimits } from '../../../src/core/overload.ts';
import { Pacer } from '../../../src/media/outbound/pacer.ts';
import { LagReport } from '../../../src/worker/lag-report.ts';
import type { FromWorker } from '../../../src/worker/messages.ts';
import { LateClock } from '../../support/late-clock.ts';

function reportOf(clock: LateClock, told: number[]): LagReport {
  const pacer = new Pacer(clock, 5, run => run());
  return new LagReport(pacer, clock.now(), overloadLimits, (message: FromWorker) => {
    if (message.type === 'lag') told.push(message.ms);
  });
}

describe('what a worker tells of its lag', () => {
  it('is nothing while it is in time, how late it is while it is not, and once that this is over', () => {
    const clock = new LateClock();
    const told: number[] = [];
    const report = reportOf(clock, told);
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

  it('is nothing of a short pause, and all of one that is half a window and more', () => {
    const clock = new LateClock();
    const told: number[] = [];
    reportOf(clock, told);
    clock.rest(500);
    clock.work(25);
    clock.rest(500);
    expect(told).toEqual([]);
    clock.work(400);
    expect(told).toHaveLength(1);
    expect(told[0]).toBeGreaterThan(300);
  });

  it('does not wake a worker that has calls', () => {
    const clock = new LateClock();
    const pacer = new Pacer(clock, 5, run => run());
    for (let i = 0; i < 4; i++) pacer.add({ send: () => undefined }, 20);
    let timers = 0;
    const timer = clock.timer.bind(clock);
    clock.timer = (ms, fire) => {
      timers++;
      return timer(ms, fire);
    };
    clock.rest(1000);
    const without = timers;
    new LagReport(pacer, clock.now(), overloadLimits, () => undefined);
    timers = 0;
    clock.rest(1000);
    expect(timers).toBeLessThanOrEqual(without + 1);
  });
});
