import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { paced, pause } from '../../../../src/sim/agent/pace.ts';

describe('pacing', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('sends what is due and no more, counted from the start, ahead by the lead', async () => {
    const sent: number[] = [];
    const done = paced(1000, 300, new AbortController().signal, ms => sent.push(ms));
    expect(sent).toHaveLength(4);
    await vi.advanceTimersByTimeAsync(100);
    expect(sent).toHaveLength(5);
    await vi.advanceTimersByTimeAsync(600);
    await done;
    expect(sent.reduce((a, b) => a + b)).toBe(1000);
  });

  it('catches up at once after it was kept from running', async () => {
    const sent: number[] = [];
    void paced(2000, 0, new AbortController().signal, ms => sent.push(ms));
    const late = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 950);
    await vi.advanceTimersByTimeAsync(100);
    expect(sent).toHaveLength(10);
    late.mockRestore();
  });

  it('ends a piece of any length exactly', () => {
    const sent: number[] = [];
    void paced(250, 1000, new AbortController().signal, ms => sent.push(ms));
    expect(sent).toEqual([100, 100, 50]);
  });

  it('stops when it is aborted', async () => {
    const sent: number[] = [];
    const stop = new AbortController();
    const done = paced(1000, 0, stop.signal, ms => sent.push(ms));
    stop.abort();
    await done;
    await vi.advanceTimersByTimeAsync(2000);
    expect(sent).toEqual([100]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('pauses for its time, or tells that it was aborted', async () => {
    const stop = new AbortController();
    const long = pause(1000, stop.signal);
    const short = pause(10, stop.signal);
    await vi.advanceTimersByTimeAsync(10);
    expect(await short).toBe(true);
    stop.abort();
    expect(await long).toBe(false);
    expect(await pause(5, stop.signal)).toBe(false);
  });
});
