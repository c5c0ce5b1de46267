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

  it('is looked at seldom while nobody asks, and as often as ever from the first who does', () => {
    const clock = new LateClock();
    const lag = new LoopLag(clock, 20, 100, 100);
    let looks = 0;
    const timer = clock.timer.bind(clock);
    clock.timer = (ms, fire) => {
      looks++;
      return timer(ms, fire);
    };
    clock.rest(1000);
    expect(looks).toBe(10);
    lag.hurry();
    looks = 0;
    clock.rest(1000);
    expect(looks).toBeGreaterThanOrEqual(47);
    lag.hurry();
    for (let i = 0; i < 4; i++) clock.work(60);
    expect(lag.standing()).toBeGreaterThanOrEqual(40);
    clock.rest(2000);
    looks = 0;
    clock.rest(1000);
    expect(looks).toBe(10);
    // A hang that began while it rested is found as well, and asking does not hide it.
    clock.hang(300);
    lag.hurry();
    expect(lag.standing()).toBeGreaterThan(190);
  });

  it('is not looked at any more after stop', () => {
    const { clock, lag } = watched();
    clock.rest(100);
    lag.stop();
    expect(clock.pending).toBe(0);
  });
});
