import { describe, expect, it } from 'vitest';
import { lagsOf, worstOf } from '../../../../src/sim/load/lags.ts';

const page = `# HELP trunkbridge_thread_lag_seconds How late a thread is
# TYPE trunkbridge_thread_lag_seconds gauge
trunkbridge_thread_lag_seconds{thread="main"} 0.0125
trunkbridge_thread_lag_seconds{thread="worker 0"} 2e-3
trunkbridge_calls_active 3
`;

describe('the lag of the threads', () => {
  it('is read from the metrics of the bridge, in ms', () => {
    expect(lagsOf(page)).toEqual({ main: 12.5, 'worker 0': 2 });
    expect(lagsOf('trunkbridge_calls_active 3\n')).toEqual({});
  });

  it('keeps the worst look at each thread', () => {
    expect(worstOf({ main: 3, one: 1 }, { main: 2, two: 4 })).toEqual({ main: 3, one: 1, two: 4 });
  });
});
