import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';

const dayMs = 86_400_000;

describe('a timer of the machine', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it.each([1, 24, 25, 60])('does not fire before its time, which is %i days', days => {
    const fire = vi.fn();
    systemClock.timer(days * dayMs, fire);
    vi.advanceTimersByTime(days * dayMs - 1);
    expect(fire).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(fire).toHaveBeenCalledTimes(1);
  });

  it.each([10, 30])('does not fire after it was cancelled, which it was after %i days', days => {
    const fire = vi.fn();
    const timer = systemClock.timer(60 * dayMs, fire);
    vi.advanceTimersByTime(days * dayMs);
    timer.cancel();
    vi.advanceTimersByTime(60 * dayMs);
    expect(fire).not.toHaveBeenCalled();
  });

  it('of a time without an end never fires', () => {
    const fire = vi.fn();
    systemClock.timer(Number.POSITIVE_INFINITY, fire);
    vi.advanceTimersByTime(100 * dayMs);
    expect(fire).not.toHaveBeenCalled();
  });
});
