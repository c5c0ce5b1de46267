import { describe, expect, it } from 'vitest';
import { LoopLag } from '../../../src/core/loop-lag.ts';
import { LateClock } from '../../support/late-clock.ts';

function watched() {
  const clock = new LateClock();
  return { clock, lag: new LoopLag(clock, 20, 200) };
}

describe('the lag of a thread', () => {
  it('is nothing while it has nothing to do', () => {
    const { clock, lag } = watched();
    expect(lag.standing()).toBe(0);
    clock.rest(1000);
    expect(lag.standing()).toBeLessThan(2);
  });

  it('is not changed by one pause, as a collection of garbage makes it', () => {
    const { clock, lag } = watched();
    clock.rest(300);
    clock.work(80);
    expect(lag.standing()).toBeLessThan(2);
    clock.rest(40);
    expect(lag.standing()).toBeLessThan(2);
  });

  it('is that of its turns once every one of them is long', () => {
    const { clock, lag } = watched();
    clock.rest(300);
    for (let i = 0; i < 4; i++) clock.work(80);
    expect(lag.standing()).toBeGreaterThanOrEqual(60);
    expect(lag.standing()).toBeLessThanOrEqual(80);
  });

  it('is seen from inside of a turn that does not end', () => {
    const { clock, lag } = watched();
    clock.rest(300);
    clock.hang(130);
    expect(lag.standing()).toBeGreaterThan(100);
  });

  it('is over within its window once the thread has caught up', () => {
    const { clock, lag } = watched();
    for (let i = 0; i < 10; i++) clock.work(100);
    expect(lag.standing()).toBeGreaterThan(50);
    clock.rest(110);
    expect(lag.standing()).toBeLessThan(2);
  });

  it('is not looked at any more after stop', () => {
    const { clock, lag } = watched();
    clock.rest(100);
    lag.stop();
    expect(clock.pending).toBe(0);
  });
});
