import { describe, expect, it } from 'vitest';
import { delayOf, laterOf } from '../../../../src/sim/load/join.ts';

const mark = (call: number, at: number) => ({ call, at });

describe('the delay of effects', () => {
  it('goes from each cause to the next effect of the same call', () => {
    const causes = [mark(1, 100), mark(1, 300), mark(2, 100)];
    const effects = [mark(2, 90), mark(1, 110), mark(2, 130), mark(1, 320), mark(1, 400)];
    expect(delayOf(causes, effects, 1000)).toMatchObject({ count: 3, mean: 20, max: 30, missed: 0 });
  });

  it('counts causes that nothing follows in time', () => {
    const causes = [mark(1, 100), mark(2, 100), mark(3, 100)];
    expect(delayOf(causes, [mark(1, 150), mark(2, 900)], 500)).toMatchObject({ count: 1, missed: 2 });
  });

  it('takes an effect at the very time of its cause', () => {
    expect(delayOf([mark(1, 100)], [mark(1, 100)], 10)).toMatchObject({ count: 1, max: 0 });
  });
});

describe('marks that wait for others', () => {
  it('are at the later time, or stay when there is none', () => {
    const others = [mark(1, 50), mark(2, 10)];
    expect(laterOf([mark(1, 20), mark(2, 20), mark(3, 20)], others)).toEqual([
      mark(1, 50),
      mark(2, 20),
      mark(3, 20),
    ]);
  });
});
