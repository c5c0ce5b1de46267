import { describe, expect, it } from 'vitest';
import { LineBudget } from '../../../src/observability/line-budget.ts';
import { ManualClock } from '../../support/manual-clock.ts';

describe('a budget of lines', () => {
  it('lets a burst through, then so many a second', () => {
    const clock = new ManualClock();
    const budget = new LineBudget(clock, { perSecond: 2, burst: 3 });
    const take = (times: number) => Array.from({ length: times }, () => budget.take());
    expect(take(5)).toEqual([0, 0, 0, undefined, undefined]);
    clock.advance(499);
    expect(take(1)).toEqual([undefined]);
    clock.advance(1);
    expect(take(2)).toEqual([3, undefined]);
    clock.advance(1_000);
    expect(take(3)).toEqual([1, 0, undefined]);
  });

  it('saves up no more than a burst', () => {
    const clock = new ManualClock();
    const budget = new LineBudget(clock, { perSecond: 2, burst: 3 });
    clock.advance(3_600_000);
    expect(Array.from({ length: 4 }, () => budget.take())).toEqual([0, 0, 0, undefined]);
  });
});
