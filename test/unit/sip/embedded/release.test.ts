import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { invite, request } from './messages.ts';
import { answerSdp, World } from './world.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What was reachable from a job only is collected after it. */
async function gone(held: WeakRef<object>): Promise<boolean> {
  await new Promise(resolve => setImmediate(resolve));
  collect();
  return held.deref() === undefined;
}

describe('a call that is over', () => {
  it('is not held by the INVITE transactions that still wait for copies', async () => {
    const world = new World();
    const toTag = await world.established();
    world.call.onReoffer = () => Promise.resolve({ sdp: answerSdp });
    world.wire.receive(invite({ toTag, branch: 'z9hG4bKre', cseq: 2 }));
    await new Promise(resolve => setImmediate(resolve));
    world.wire.receive(request('ACK', { toTag, branch: 'z9hG4bKreack', cseq: 2 }));
    const held = new WeakRef<object>(world.call);
    expect(await gone(held)).toBe(false);

    world.wire.receive(request('BYE', { toTag, branch: 'z9hG4bKbye', cseq: 3 }));
    await world.call.ended;
    world.calls.length = 0;
    expect(world.stack.stats()).toMatchObject({ dialogs: 0, transactions: 2 });
    expect(await gone(held)).toBe(true);

    // The transaction does what it was kept for all the same: a late copy of the INVITE is not another call.
    world.wire.receive(invite());
    expect(world.calls).toEqual([]);
    world.clock.advance(32_000);
    await world.close();
  });
});
