import { afterEach, describe, expect, it } from 'vitest';
import { invite, request, toTagOf } from './messages.ts';
import { answerSdp, settle, World } from './world.ts';

let world: World;

afterEach(() => world.close());

describe('a storm of re-INVITEs in one call', () => {
  it('is refused with Retry-After beyond twenty a second, and another call is served as ever', async () => {
    world = new World();
    const stormy = await world.established();
    const storming = world.call;
    const offers: unknown[] = [];
    storming.onReoffer = async offer => {
      offers.push(offer);
      return { status: 488, reason: 'No' };
    };
    const other = { callId: 'calm', fromTag: 'calm' };
    world.wire.receive(invite({ ...other, branch: 'z9hG4bKcalm' }));
    const answered = world.call.answer(answerSdp);
    const calm = toTagOf(world.wire.response());
    world.wire.receive(request('ACK', { ...other, toTag: calm, branch: 'z9hG4bKcalmack' }));
    expect((await answered).ok).toBe(true);
    const statuses: (number | string)[] = [];
    for (let i = 0; i < 1_000; i++) {
      const spec = { toTag: stormy, cseq: i + 2, branch: `z9hG4bKstorm${i}` };
      world.wire.receive(invite(spec));
      await settle();
      statuses.push(...world.wire.statuses());
      world.wire.receive(request('ACK', spec));
      if (i % 100 !== 0) continue;
      const calmly = { ...other, toTag: calm, cseq: i + 2, branch: `z9hG4bKcalm${i}` };
      expect(world.peer(request('OPTIONS', calmly))).toEqual([200]);
    }
    expect(offers).toHaveLength(20);
    expect(statuses.filter(status => status === 500)).toHaveLength(980);
    // A second later it is served again: it was slowed down, and not thrown out.
    world.clock.advance(1_000);
    world.wire.receive(invite({ toTag: stormy, cseq: 2_000, branch: 'z9hG4bKlater' }));
    await settle();
    expect(world.wire.statuses()).toContain(488);
    expect(offers).toHaveLength(21);
  });
});
