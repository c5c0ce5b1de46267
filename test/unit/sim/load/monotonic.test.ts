import { describe, expect, it } from 'vitest';
import { monotonic } from '../../../../src/sim/load/monotonic.ts';

describe('the clock that processes share', () => {
  it("agrees with the machine's own", () => {
    // Between two readings this thread may be put off: of many, one pair is close.
    const distances = Array.from({ length: 100 }, () =>
      Math.abs(monotonic() - Number(process.hrtime.bigint()) / 1e6),
    );
    expect(Math.min(...distances)).toBeLessThan(0.1);
  });

  it('never goes back', () => {
    const times = Array.from({ length: 100 }, () => monotonic());
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });
});
