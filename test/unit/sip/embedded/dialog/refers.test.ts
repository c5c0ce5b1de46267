import { afterEach, describe, expect, it } from 'vitest';
import type { ReferRequest } from '../../../../../src/sip/signalling.ts';
import { answerTo, request } from '../messages.ts';
import { settle, World } from '../world.ts';

let world: World;
afterEach(async () => world.close());

const target: ReferRequest = {
  uri: 'sip:+14155550150@192.0.2.10;user=phone?User-to-User=04abcd',
  headers: [{ name: 'X-Reason', value: 'sales' }],
};

/** A call that is up, and a REFER of ours in it. */
async function referring(given: Partial<ReferRequest> = {}) {
  world = new World();
  const toTag = await world.established();
  const outcome = world.call.refer({ ...target, ...given });
  const refer = world.wire.request();
  let cseq = 10;
  const notify = (
    status: number | undefined,
    more: { state?: string; event?: string; body?: string } = {},
  ) => {
    cseq += 1;
    const fragment = status === undefined ? '' : `SIP/2.0 ${status} Whatever\r\n`;
    return request('NOTIFY', {
      toTag,
      cseq,
      branch: `z9hG4bKn${cseq}`,
      headers: [
        `Event: ${more.event ?? 'refer'}`,
        `Subscription-State: ${more.state ?? 'active;expires=60'}`,
      ],
      body: more.body ?? fragment,
      type: 'message/sipfrag;version=2.0',
    });
  };
  const bye = () => request('BYE', { toTag, cseq: 50, branch: 'z9hG4bKbye' });
  return { outcome, refer, notify, bye, toTag };
}

describe('a REFER of ours', () => {
  it('names the target, who wants it, our Contact and what the target shall get', async () => {
    const { refer, outcome } = await referring();
    const header = (name: string) => refer.headers.get(name);
    expect([
      refer.method,
      header('Refer-To'),
      header('Referred-By'),
      header('Contact'),
      header('X-Reason'),
    ]).toEqual([
      'REFER',
      '<sip:+14155550150@192.0.2.10;user=phone?User-to-User=04abcd>',
      '<sip:+18005550100@192.0.2.1>',
      '<sip:203.0.113.5:5060;transport=tcp>',
      'sales',
    ]);
    expect(refer.headers.list('Allow')).toContain('NOTIFY');
    world.wire.receive(answerTo(refer, 405));
    expect(await outcome).toMatchObject({
      ok: false,
      failure: { reason: 'transfer-refused', detail: 'SIP 405' },
    });
    expect(await world.outcome()).toBe('still up');
  });

  it('succeeds with the NOTIFY of a 2xx, after progress that is told', async () => {
    const heard: number[] = [];
    const { outcome, refer, notify } = await referring({ onProgress: status => void heard.push(status) });
    world.wire.receive(answerTo(refer, 202));
    expect(world.peer(notify(100))).toEqual([200]);
    expect(world.peer(notify(180))).toEqual([200]);
    expect(world.peer(notify(200, { state: 'terminated;reason=noresource' }))).toEqual([200]);
    expect(await outcome).toEqual({ ok: true, value: undefined });
    expect(heard).toEqual([100, 180]);
  });

  it('takes a NOTIFY that is faster than the response', async () => {
    const { outcome, refer, notify } = await referring();
    expect(world.peer(notify(200))).toEqual([200]);
    expect(await outcome).toMatchObject({ ok: true });
    expect(world.peer(answerTo(refer, 202))).toEqual([]);
  });

  it.each([
    [486, 'callee-busy'],
    [480, 'callee-no-answer'],
    [603, 'callee-declined'],
    [404, 'callee-not-found'],
    [500, 'transfer-failed'],
    [302, 'transfer-failed'],
  ])('fails with the %d that the target gave (%s), and the call goes on', async (status, reason) => {
    const { outcome, refer, notify } = await referring();
    world.wire.receive(answerTo(refer, 202));
    world.peer(notify(status, { state: 'terminated' }));
    expect(await outcome).toMatchObject({ ok: false, failure: { reason, detail: `SIP ${status}` } });
    expect(await world.outcome()).toBe('still up');
    // Another one may be tried.
    void world.call.refer(target);
    expect(world.wire.statuses()).toEqual(['REFER']);
  });

  it('fails at its deadline when no NOTIFY comes, and says so to a late one', async () => {
    const { outcome, refer, notify } = await referring();
    world.wire.receive(answerTo(refer, 202));
    world.clock.advance(59_999);
    await settle();
    world.clock.advance(1);
    expect(await outcome).toMatchObject({ ok: false, failure: { reason: 'transfer-timeout' } });
    expect(world.peer(notify(200))).toEqual([481]);
    expect(await world.outcome()).toBe('still up');
  });

  it('fails when the peer stops telling without a result', async () => {
    const { outcome, refer, notify } = await referring();
    world.wire.receive(answerTo(refer, 202));
    expect(world.peer(notify(undefined, { state: 'terminated;reason=giveup' }))).toEqual([200]);
    expect(await outcome).toMatchObject({ ok: false, failure: { reason: 'transfer-timeout' } });
  });

  it('succeeds at once with a peer that will not tell (RFC 4488)', async () => {
    const { outcome, refer } = await referring();
    world.wire.receive(answerTo(refer, 202).replace('\r\n', '\r\nRefer-Sub: false\r\n'));
    expect(await outcome).toMatchObject({ ok: true });
  });

  it('succeeds with a BYE after the 202: the call has ended as transferred', async () => {
    const { outcome, refer, bye } = await referring();
    world.wire.receive(answerTo(refer, 202));
    expect(world.peer(bye())).toEqual([200]);
    expect(await outcome).toMatchObject({ ok: true });
    expect(await world.call.ended).toMatchObject({ result: 'success', reason: 'transferred' });
  });

  it('followed by NOTIFY 200 and BYE is one transfer, in this order too', async () => {
    const { outcome, refer, notify, bye } = await referring();
    world.wire.receive(answerTo(refer, 202));
    world.peer(notify(200));
    world.peer(bye());
    expect(await outcome).toMatchObject({ ok: true });
    expect(await world.call.ended).toMatchObject({ reason: 'transferred' });
  });

  it('that was not answered yet when the caller hangs up is no transfer', async () => {
    const { outcome, bye } = await referring();
    world.peer(bye());
    expect(await outcome).toMatchObject({ ok: false, failure: { reason: 'transfer-failed' } });
    expect(await world.call.ended).toMatchObject({ reason: 'caller-hung-up' });
  });

  it('is one at a time, and not before the call is up', async () => {
    await referring();
    expect(await world.call.refer(target)).toMatchObject({
      ok: false,
      failure: { reason: 'transfer-failed' },
    });
    world.call.hangup({ result: 'success', reason: 'agent-ended-call' });
    expect(await world.call.refer(target)).toMatchObject({ ok: false });
  });

  it('fails when nobody answers it, and when the connection is gone', async () => {
    const { outcome } = await referring();
    world.clock.advance(32_000);
    expect(await outcome).toMatchObject({ ok: false, failure: { reason: 'transfer-timeout' } });
    world.wire.reset();
    const { ok } = await world.call.refer(target);
    expect(ok).toBe(false);
  });
});

describe('a NOTIFY', () => {
  it('is 481 when it is about another event or another REFER, 400 when its fragment is none', async () => {
    const { refer, notify, outcome } = await referring();
    world.wire.receive(answerTo(refer, 202));
    const number = refer.headers.get('CSeq')?.split(' ')[0];
    expect(world.peer(notify(200, { event: 'dialog' }))).toEqual([481]);
    expect(world.peer(notify(200, { event: 'refer;id=77' }))).toEqual([481]);
    expect(world.peer(notify(200, { body: 'HTTP/1.1 200 OK' }))).toEqual([400]);
    expect(world.peer(notify(200, { event: `refer;id=${number}` }))).toEqual([200]);
    expect(await outcome).toMatchObject({ ok: true });
  });

  it('is 481 in a call that has asked for no transfer', async () => {
    world = new World();
    const toTag = await world.established();
    const headers = ['Event: refer', 'Subscription-State: active'];
    expect(world.peer(request('NOTIFY', { toTag, cseq: 2, branch: 'z9hG4bKx', headers }))).toEqual([481]);
  });
});

describe('a REFER of the peer', () => {
  const referTo = 'Refer-To: <sip:+19005550100@carrier.example>';

  it('is declined inside a call, and forbidden outside of one: nobody makes this bridge call', async () => {
    world = new World();
    const toTag = await world.established();
    const inside = request('REFER', { toTag, cseq: 2, branch: 'z9hG4bKr', headers: [referTo] });
    expect(world.peer(inside)).toEqual([603]);
    const outside = request('REFER', { callId: 'other', branch: 'z9hG4bKo', headers: [referTo] });
    expect(world.peer(outside)).toEqual([403]);
    expect(await world.outcome()).toBe('still up');
  });

  it('without exactly one Refer-To is 400', async () => {
    world = new World();
    const toTag = await world.established();
    for (const [i, headers] of [[], [referTo, referTo], ['Refer-To: nonsense']].entries()) {
      expect(world.peer(request('REFER', { toTag, cseq: 2 + i, branch: `z9hG4bK${i}`, headers }))).toEqual([
        400,
      ]);
    }
  });
});
