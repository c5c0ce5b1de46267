import { describe, expect, it } from 'vitest';
import { deferred } from '../../../src/core/deferred.ts';
import { within } from '../../../src/core/within.ts';
import { ManualClock } from '../../support/manual-clock.ts';

describe('waiting for a promise, but not for ever', () => {
  it('ends with it, and leaves no timer', async () => {
    const clock = new ManualClock();
    const { promise, resolve } = deferred<void>();
    const waited = within(clock, 1_000, promise);
    resolve();
    expect(await waited).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('ends without it when its time is over', async () => {
    const clock = new ManualClock();
    const waited = within(clock, 1_000, new Promise(() => undefined));
    clock.advance(1_000);
    expect(await waited).toBe(false);
  });

  it('passes on what it fails with', async () => {
    const clock = new ManualClock();
    await expect(within(clock, 1_000, Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(clock.pending).toBe(0);
  });
});
