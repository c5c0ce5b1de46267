import { afterEach, describe, expect, it } from 'vitest';
import { ending } from '../../../../src/core/ending.ts';
import type { Admission, Source } from '../../../../src/sip/signalling.ts';
import { Calling, endOf, nothingHeld, reply, settled, theirAnswer } from './dialog/calling.ts';
import { FakeWire } from './fake-wire.ts';
import { invite, offer, request, toTagOf } from './messages.ts';
import { answerSdp, settle, World } from './world.ts';

const second = '192.0.2.11';
const unlisted = '198.51.100.66';
const options = {
  gate: (): Admission => ({ verdict: 'pass', trunk: 'office' }),
  speaksFor: (trunk: string, { address }: Source) => trunk === 'office' && address === second,
};

describe('requests inside a call', () => {
  let world: World;
  afterEach(() => world.close());

  const from = (source: Partial<Source>) => {
    const wire = new FakeWire(source);
    world.stack.attach(wire);
    return (text: string) => {
      wire.receive(text);
      return wire.statuses();
    };
  };

  it('come from another address of its trunk: ACK, re-INVITE and BYE', async () => {
    world = new World(options);
    world.wire.receive(invite());
    const answered = world.call.answer(answerSdp);
    const toTag = toTagOf(world.wire.response());
    const other = from({ address: second });
    expect(other(request('ACK', { toTag, branch: 'z9hG4bKack' }))).toEqual([]);
    expect((await answered).ok).toBe(true);
    world.call.onReoffer = () => Promise.resolve({ sdp: answerSdp });
    expect(other(invite({ toTag, cseq: 2, branch: 'z9hG4bKre' }))).toEqual([100]);
    await settle();
    // The 200 went out by both ways at most: the transaction's, and the repetitions'.
    expect(other(request('ACK', { toTag, cseq: 2, branch: 'z9hG4bKreack' }))).toEqual([200]);
    world.clock.advance(40_000);
    expect([other(''), world.wire.statuses(), await world.outcome()]).toEqual([[], [], 'still up']);
    expect(other(request('BYE', { toTag, cseq: 3, branch: 'z9hG4bKbye' }))).toEqual([200]);
    expect(await world.outcome()).toMatchObject({ reason: 'caller-hung-up' });
  });

  it('from an address that its trunk does not list get 403, whatever they know', async () => {
    world = new World(options);
    const toTag = await world.established();
    const stranger = from({ address: unlisted });
    for (const method of ['BYE', 'INVITE', 'INFO', 'UPDATE', 'REFER']) {
      expect(stranger(request(method, { toTag, cseq: 9, branch: `z9hG4bK${method}` }))).toEqual([403]);
    }
    expect(await world.outcome()).toBe('still up');
  });

  it('over TLS are not to be had over TCP, from whatever address', async () => {
    world = new World(options);
    const secure = new FakeWire({ transport: 'tls' });
    world.stack.attach(secure);
    secure.receive(invite());
    const answered = world.call.answer(offer);
    const toTag = toTagOf(secure.response());
    secure.receive(request('ACK', { toTag, branch: 'z9hG4bKack' }));
    await answered;
    const bye = request('BYE', { toTag, cseq: 2, branch: 'z9hG4bKbye' });
    expect(from({ address: second })(bye)).toEqual([403]);
    expect(from({ address: second, transport: 'tls' })(bye)).toEqual([200]);
  });

  it('of another trunk, or of none, stay with the address of the call', async () => {
    world = new World({ ...options, gate: () => ({ verdict: 'pass', trunk: 'another' }) });
    const toTag = await world.established();
    const bye = request('BYE', { toTag, cseq: 2, branch: 'z9hG4bKbye' });
    expect(from({ address: second })(bye)).toEqual([403]);
  });
});

describe('requests inside a call of ours', () => {
  it.each([
    ['another address of its trunk', second, 200],
    ['an address that its trunk does not list', unlisted, 403],
  ])('from %s', async (_, address, status) => {
    const world = new Calling(options);
    const call = await world.call({ trunk: 'office' });
    const ours = world.wire.request();
    world.wire.receive(reply(ours, 200, { body: theirAnswer }));
    await settled();
    const other = new FakeWire({ address });
    world.stack.attach(other);
    other.receive(
      [
        'BYE sip:203.0.113.5 SIP/2.0',
        'Via: SIP/2.0/TCP 192.0.2.10:5060;branch=z9hG4bKtheirs',
        `From: ${ours.headers.get('To')};tag=callee`,
        `To: ${ours.headers.get('From')}`,
        `Call-ID: ${ours.headers.get('Call-ID')}`,
        'CSeq: 1 BYE',
        'Content-Length: 0\r\n\r\n',
      ].join('\r\n'),
    );
    expect(other.statuses()).toEqual([status]);
    const ended = await endOf(call);
    expect(ended === 'still up' ? ended : ended.reason).toBe(status === 200 ? 'callee-hung-up' : 'still up');
    call.hangup(ending('shutdown'));
    world.clock.advance(32_000);
    expect(await world.close()).toEqual(nothingHeld);
  });
});
