import { describe, expect, it } from 'vitest';
import { newCallKey } from '../../../../src/core/ids.ts';
import { verifyLimits } from '../../../../src/tools/verify/limits.ts';
import { PendingVerifications } from '../../../../src/tools/verify/pending.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const number = '+14155550123';
const call = newCallKey();

function storeWith(kept = 3) {
  const clock = new ManualClock();
  return { clock, store: new PendingVerifications(clock, { ...verifyLimits, kept }) };
}

describe('pending verifications', () => {
  it('belong to one number of one call', () => {
    const { store } = storeWith();
    const entry = store.begin(call, number, 'VE1');
    expect(store.get(call, number)).toBe(entry);
    expect(store.get(newCallKey(), number)).toBeUndefined();
    expect(store.get(call, '+14155550124')).toBeUndefined();
    store.forget(call, number);
    expect(store.get(call, number)).toBeUndefined();
  });

  it('go on while the sid is the same and start anew with another', () => {
    const { store } = storeWith();
    store.begin(call, number, 'VE1').checksLeft = 2;
    expect(store.begin(call, number, 'VE1').checksLeft).toBe(2);
    expect(store.begin(call, number, 'VE2').checksLeft).toBe(5);
    expect(store.size).toBe(1);
  });

  it('are forgotten after their time', () => {
    const { clock, store } = storeWith();
    store.begin(call, number, 'VE1');
    clock.advance(verifyLimits.keepMs - 1);
    expect(store.get(call, number)).toBeDefined();
    clock.advance(1);
    expect(store.get(call, number)).toBeUndefined();
    expect(store.size).toBe(0);
  });

  it('are never more than the limit: the oldest goes', () => {
    const { store } = storeWith(3);
    for (let n = 0; n < 10; n += 1) store.begin(call, `+1415555010${n}`, `VE${n}`);
    expect(store.size).toBe(3);
    expect(store.get(call, '+14155550107')?.sid).toBe('VE7');
    expect(store.get(call, '+14155550106')).toBeUndefined();
  });

  it('are worked on in turn, whatever became of the turn before', async () => {
    const { store } = storeWith();
    const order: string[] = [];
    let finish: () => void = () => undefined;
    const first = store.inTurn(call, number, async () => {
      await new Promise<void>(resolve => {
        finish = resolve;
      });
      order.push('first');
      throw new Error('first failed');
    });
    const second = store.inTurn(call, number, async () => order.push('second'));
    await store.inTurn(call, '+14155550124', async () => order.push('another number'));
    finish();
    await expect(first).rejects.toThrow('first failed');
    await second;
    expect(order).toEqual(['another number', 'first', 'second']);
  });
});
