import { afterEach, describe, expect, it } from 'vitest';
import { type EndingReason, ending, endings } from '../../../../../src/core/ending.ts';
import { reasonLine, statedReason } from '../../../../../src/sip/embedded/dialog/reason.ts';
import { Headers } from '../../../../../src/sip/embedded/message/headers.ts';
import { parseParameters } from '../../../../../src/sip/embedded/message/parameters.ts';
import { FakeWire } from '../fake-wire.ts';
import { invite, request, toTagOf } from '../messages.ts';
import { answerSdp, World } from '../world.ts';

describe('the Reason of our BYE', () => {
  it.each([
    ['agent-ended-call', 16],
    ['media-timeout', 41],
    ['agent-lost', 41],
    ['session-expired', 102],
    ['over-capacity', 34],
  ] as const)('for %s has the cause %i', (reason, cause) => {
    expect(reasonLine(ending(reason))[1]).toMatch(new RegExp(`^Q\\.850;cause=${cause};text="`));
  });

  it('can be read back for every reason, and holds nothing of the call', () => {
    for (const reason of Object.keys(endings) as EndingReason[]) {
      const [name, value] = reasonLine(ending(reason, 'a detail'));
      expect(name).toBe('Reason');
      expect(parseParameters(value, 'Q.850'.length)?.get('text')).toBe(endings[reason][1]);
    }
  });
});

describe('the Reason of a peer', () => {
  it.each([
    [['Q.850;cause=16;text="Normal call clearing"'], 'Q.850 cause 16'],
    [['SIP ;cause=200 ;text="Call completed elsewhere"'], 'SIP cause 200'],
    [['Q.850;cause=031, SIP;cause=487'], 'Q.850 cause 31, SIP cause 487'],
    [['SIP;cause=1', 'Q.850;cause=2', 'X;cause=3'], 'SIP cause 1, Q.850 cause 2'],
    [['SIP;text="no cause"'], undefined],
    [['SIP;cause=4155550123'], undefined],
    [['<script>;cause=16'], undefined],
    [['garbage'], undefined],
    [[], undefined],
  ])('%j is told as %s', (values, expected) => {
    const headers = new Headers();
    for (const value of values) headers.add('Reason', value);
    expect(statedReason(headers)).toBe(expected);
  });
});

describe('a call', () => {
  let world: World;
  afterEach(() => world.close());

  it('that is hung up or cancelled with a Reason ends with it as its detail', async () => {
    world = new World();
    const toTag = await world.established();
    const headers = ['Reason: Q.850;cause=16;text="+14155550123 is gone"'];
    expect(world.peer(request('BYE', { toTag, cseq: 2, branch: 'z9hG4bK2', headers }))).toEqual([200]);
    expect(await world.call.ended).toEqual(ending('caller-hung-up', 'Q.850 cause 16'));
    world.peer(invite({ callId: 'other', branch: 'z9hG4bKo' }));
    const elsewhere = ['Reason: SIP;cause=200;text="Call completed elsewhere"'];
    world.peer(request('CANCEL', { callId: 'other', branch: 'z9hG4bKo', headers: elsewhere }));
    expect(await world.call.ended).toEqual(ending('caller-cancelled', 'SIP cause 200'));
  });

  it('that we hang up says why, before the fields that the session gives along', async () => {
    world = new World();
    await world.established();
    world.call.hangup(ending('agent-ended-call'), [{ name: 'X-Outcome', value: 'done' }]);
    const bye = world.wire.request();
    expect(bye.headers.get('Reason')).toBe(
      'Q.850;cause=16;text="The agent ended the call after its last sentence."',
    );
    expect(bye.headers.get('X-Outcome')).toBe('done');
  });
});

describe('a call over IPv6', () => {
  it('has brackets in Contact, Via and Record-Route, and none in its facts', async () => {
    const world = new World({ contactFor: () => ({ host: '2001:db8::1', port: 5060 }) });
    const wire = new FakeWire({ address: '2001:db8::10', localAddress: '2001:db8::1' });
    world.stack.attach(wire);
    const via = 'Via: SIP/2.0/TCP [2001:db8::10]:5062;branch=z9hG4bKsix';
    const headers = ['Record-Route: <sip:[2001:db8::20]:5060;transport=tcp;lr>'];
    const contact = '<sip:alice@[2001:db8::10]:5062;transport=tcp>';
    wire.receive(invite({ via, headers, contact, uri: 'sip:+18005550100@[2001:db8::1]' }));
    expect(world.call.facts.source.address).toBe('2001:db8::10');
    void world.call.answer(answerSdp);
    const answered = wire.response();
    expect(answered.headers.get('Contact')).toBe('<sip:[2001:db8::1]:5060;transport=tcp>');
    const toTag = toTagOf(answered);
    wire.receive(request('ACK', { via: `${via}a`, toTag, contact }));
    world.call.hangup(ending('agent-ended-call'));
    const bye = wire.request();
    expect([bye.uri, bye.headers.get('Route')]).toEqual([
      'sip:alice@[2001:db8::10]:5062;transport=tcp',
      '<sip:[2001:db8::20]:5060;transport=tcp;lr>',
    ]);
    expect(bye.headers.get('Via')).toContain('SIP/2.0/TCP [2001:db8::1]:5060;branch=');
    await world.close();
  });
});
