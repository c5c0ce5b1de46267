import { afterEach, describe, expect, it, vi } from 'vitest';
import { Wheel } from '../../../../src/sim/load/wheel.ts';

describe('the wheel', () => {
  let now = 1000.5;
  const turned: number[] = [];
  const made = () => {
    vi.useFakeTimers();
    now = 1000.5;
    turned.length = 0;
    const wheel = new Wheel({ periodMs: 20, slots: 4, turn: slot => void turned.push(slot), now: () => now });
    wheel.start();
    return wheel;
  };
  afterEach(() => vi.useRealTimers());

  it('turns each slot once a period, in order', () => {
    const wheel = made();
    for (let i = 0; i < 40; i++, now += 1) wheel.run();
    expect(turned).toEqual([0, 1, 2, 3, 0, 1, 2, 3]);
  });

  it('catches up on everything that a late wake-up missed', () => {
    const wheel = made();
    wheel.run();
    now += 27;
    wheel.run();
    expect(turned).toEqual([0, 1, 2, 3, 0, 1]);
  });

  it('counts from its origin, so that lateness does not add up', () => {
    const wheel = made();
    // Every wake-up is 3 ms late: a wheel that counted from them would lose slots.
    for (let i = 0; i < 400; i++) {
      now = 1000.5 + i * 5 + 3;
      wheel.run();
    }
    expect(turned).toHaveLength(400);
    expect(wheel.lateness.summary()).toMatchObject({ count: 400, mean: 3, max: 3 });
  });

  it('knows the slot that comes next', () => {
    const wheel = made();
    expect(wheel.slot).toBe(0);
    now += 6;
    wheel.run();
    expect(wheel.slot).toBe(2);
  });

  it('wakes itself until it is stopped', () => {
    const wheel = made();
    for (let i = 0; i < 10; i++) {
      now += 5;
      vi.advanceTimersByTime(5);
    }
    const seen = turned.length;
    expect(seen).toBeGreaterThanOrEqual(10);
    wheel.stop();
    now += 100;
    vi.advanceTimersByTime(100);
    expect(turned).toHaveLength(seen);
  });
});
