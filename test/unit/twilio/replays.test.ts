import { describe, expect, it } from 'vitest';
import { Replays, replayLimits } from '../../../src/twilio/replays.ts';
import { ManualClock } from '../../support/manual-clock.ts';

describe('a request that comes again', () => {
  it('is answered as the first time, and nothing is done for it', () => {
    const clock = new ManualClock();
    const replays = new Replays<number>(clock);
    let made = 0;
    const ask = (key: string) => replays.once(key, () => ++made);
    expect([ask('SM1 sent'), ask('SM1 sent'), ask('SM1 delivered'), ask('SM1 sent')]).toEqual([1, 1, 2, 1]);
    clock.advance(replayLimits.windowMs);
    expect(ask('SM1 sent')).toBe(3);
  });

  it('is remembered within bounds: the oldest are forgotten', () => {
    const clock = new ManualClock();
    const replays = new Replays<number>(clock);
    for (let n = 0; n < replayLimits.most + 100; n++) replays.set(`key ${n}`, n);
    expect(replays.size).toBe(replayLimits.most);
    expect(replays.has('key 99')).toBe(false);
    expect(replays.has('key 100')).toBe(true);
  });
});
