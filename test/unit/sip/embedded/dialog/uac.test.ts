import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ending } from '../../../../../src/core/ending.ts';
import type { SipMessage, SipRequest } from '../../../../../src/sip/embedded/message/message.ts';
import type { Challenge, OutboundDialogue } from '../../../../../src/sip/signalling.ts';
import type { FakeWire } from '../fake-wire.ts';
import { request } from '../messages.ts';
import {
  authorizer,
  Calling,
  type CallingOptions,
  endOf,
  hop,
  nothingHeld,
  ourOffer,
  reply,
  settled,
  theirAnswer,
} from './calling.ts';

let world: Calling;
beforeEach(() => {
  world = new Calling();
});
afterEach(async () => {
  // Whatever a test did, nothing of it is left.
  expect(await world.close()).toEqual(nothingHeld);
});

const requestOf = (messages: readonly SipMessage[], method: string): SipRequest => {
  const found = messages.find(message => message.kind === 'request' && message.method === method);
  if (found?.kind !== 'request') throw new Error(`no ${method} was sent`);
  return found;
};

/** A call with its INVITE on the wire. */
async function calling(options: CallingOptions = {}) {
  const call = await world.call(options);
  const invite = requestOf(world.wire.take(), 'INVITE');
  return { call, invite, wire: world.wire };
}

/** A call that was answered and acknowledged. */
async function answered(options: CallingOptions = {}, headers: readonly string[] = []) {
  const placed = await calling(options);
  placed.wire.receive(reply(placed.invite, 200, { body: theirAnswer, headers }));
  const ack = requestOf(placed.wire.take(), 'ACK');
  await settled();
  return { ...placed, ack };
}

/** A request of the one who was called, inside the dialogue. */
function theirs(method: string, invite: SipRequest, cseq = 1, tag = 'callee'): string {
  const our = /;tag=([^;]+)/.exec(invite.headers.get('From') ?? '')?.[1];
  return request(method, {
    callId: invite.headers.get('Call-ID') ?? '',
    fromTag: tag,
    toTag: our,
    cseq,
    branch: `z9hG4bK${method}${cseq}`,
  });
}

describe('an INVITE of ours', () => {
  it('names who is called and who calls, and brings the offer along', async () => {
    const { invite } = await calling({ headers: [{ name: 'X-Campaign', value: 'spring' }] });
    expect(invite.uri).toBe('sip:+14155550123@trunk.example;transport=tcp');
    expect(invite.headers.get('To')).toBe('<sip:+14155550123@trunk.example>');
    expect(invite.headers.get('From')).toMatch(/^<sip:\+14155550199@trunk\.example>;tag=[0-9a-f]{20}$/);
    expect(invite.headers.get('Contact')).toBe('<sip:203.0.113.5:5060;transport=tcp>');
    expect(invite.headers.get('X-Campaign')).toBe('spring');
    expect(invite.headers.get('Supported')).toBe('replaces, timer');
    expect(invite.body.toString()).toBe(ourOffer);
  });

  it('never lets a name or number add anything to a URI', async () => {
    const { invite } = await calling({
      to: '1;x=y@evil?Route=<a>',
      from: 'b>;tag=1',
      displayName: 'A "B" \\',
    });
    expect(invite.uri).toBe('sip:1%3Bx%3Dy%40evil%3FRoute%3D%3Ca%3E@trunk.example;transport=tcp');
    expect(invite.headers.get('From')).toMatch(/^"A \\"B\\" \\\\" <sip:b%3E%3Btag%3D1@trunk\.example>;tag=/);
  });

  it('is told of ringing and early media, and settles with the answer after acknowledging it', async () => {
    const { call, invite, wire } = await calling();
    const heard: unknown[] = [];
    call.onProgress = (status, sdp) => void heard.push([status, sdp]);
    wire.receive(reply(invite, 100) + reply(invite, 180) + reply(invite, 183, { body: theirAnswer }));
    expect(heard).toEqual([
      [180, undefined],
      [183, theirAnswer],
    ]);
    wire.receive(reply(invite, 200, { body: theirAnswer }));
    expect(await call.answered).toEqual({ ok: true, value: { sdp: theirAnswer } });
    const ack = requestOf(wire.take(), 'ACK');
    expect(ack.uri).toBe('sip:callee@192.0.2.10:5060;transport=tcp');
    expect(ack.headers.get('CSeq')).toBe('1 ACK');
    expect(ack.headers.get('To')).toContain(';tag=callee');
    expect(ack.headers.get('Via')).not.toBe(invite.headers.get('Via'));
  });

  it.each([
    [486, 'callee-busy'],
    [600, 'callee-busy'],
    [480, 'callee-no-answer'],
    [408, 'callee-no-answer'],
    [603, 'callee-declined'],
    [607, 'callee-declined'],
    [404, 'callee-not-found'],
    [302, 'trunk-redirected'],
    [403, 'trunk-refused'],
    [500, 'trunk-refused'],
    [503, 'trunk-refused'],
    [401, 'trunk-unauthorized'],
    [407, 'trunk-unauthorized'],
  ] as const)(
    'takes %d for %s, acknowledges it in the same transaction, and is over',
    async (status, reason) => {
      const { call, invite, wire } = await calling();
      wire.receive(reply(invite, 100) + reply(invite, status, { headers: ['Reason: Q.850;cause=21'] }));
      expect(await call.answered).toEqual({
        ok: false,
        failure: ending(reason, `SIP ${status}, Q.850 cause 21`),
      });
      expect((await call.ended).reason).toBe(reason);
      const ack = requestOf(wire.take(), 'ACK');
      expect(ack.headers.get('Via')).toBe(invite.headers.get('Via'));
      expect(ack.headers.get('To')).toContain(';tag=callee');
      expect(ack.uri).toBe(invite.uri);
      expect(world.stack.stats()).toMatchObject({ transactions: 0, dialogs: 0 });
    },
  );

  it.each([488, 606])(
    'names the settings of what was offered where the trunk takes none of it (%d)',
    async status => {
      const { call, invite, wire } = await calling();
      wire.receive(reply(invite, status));
      expect(await call.ended).toMatchObject({
        reason: 'trunk-refused',
        detail: expect.stringMatching(/^SIP \d+, .*enabled_codecs, media_encryption/),
      });
    },
  );

  it('is a call that nobody answered, and no trunk out of reach, when nothing but 100 came in time', async () => {
    const { call, invite, wire } = await calling({ ringMs: 20_000 });
    wire.receive(reply(invite, 100));
    world.clock.advance(20_000);
    expect(await call.answered).toMatchObject({ ok: false, failure: { reason: 'callee-no-answer' } });
    wire.receive(reply(requestOf(wire.take(), 'CANCEL'), 200) + reply(invite, 487));
    expect((await call.ended).reason).toBe('callee-no-answer');
  });

  it('gives up when nobody says anything for 32 s', async () => {
    const { call, invite, wire } = await calling();
    expect(invite.method).toBe('INVITE');
    // The peer is alive, and says nothing to the INVITE.
    wire.receive(request('OPTIONS', { branch: 'z9hG4bKalive' }));
    world.clock.advance(31_999);
    expect(await endOf(call)).toBe('still up');
    world.clock.advance(1);
    expect(await endOf(call)).toEqual(
      ending('trunk-unreachable', 'no response from 192.0.2.10 port 5060 over TCP'),
    );
  });

  it('rings no longer than it may, then sends CANCEL and is not answered', async () => {
    const { call, invite, wire } = await calling({ ringMs: 20_000 });
    wire.receive(reply(invite, 180));
    world.clock.advance(20_000);
    expect(await call.answered).toEqual({
      ok: false,
      failure: ending('callee-no-answer', 'it rang for too long'),
    });
    const cancel = requestOf(wire.take(), 'CANCEL');
    wire.receive(reply(cancel, 200) + reply(invite, 487));
    expect((await call.ended).reason).toBe('callee-no-answer');
  });
});

describe('giving a call up', () => {
  const end = ending('agent-unreachable');

  it('sends CANCEL only once a provisional response has come', async () => {
    const { call, invite, wire } = await calling();
    call.hangup(end);
    expect(await call.answered).toEqual({ ok: false, failure: end });
    expect(wire.take()).toEqual([]);
    wire.receive(reply(invite, 100));
    const cancel = requestOf(wire.take(), 'CANCEL');
    for (const name of ['Via', 'From', 'To', 'Call-ID'])
      expect(cancel.headers.get(name)).toBe(invite.headers.get(name));
    expect(cancel.headers.get('CSeq')).toBe('1 CANCEL');
    expect(cancel.uri).toBe(invite.uri);
    wire.receive(reply(cancel, 200) + reply(invite, 487));
    expect(await call.ended).toEqual(end);
    expect(wire.statuses()).toEqual(['ACK']);
  });

  it.each(['before any provisional response', 'after CANCEL'])(
    'acknowledges an answer that crosses it %s, and takes it back with BYE',
    async when => {
      const { call, invite, wire } = await calling();
      if (when === 'after CANCEL') wire.receive(reply(invite, 180));
      call.hangup(end);
      wire.take();
      wire.receive(reply(invite, 200, { body: theirAnswer }));
      const sent = wire.take();
      expect(sent.map(message => message.kind === 'request' && message.method)).toEqual(['ACK', 'BYE']);
      expect(await endOf(call)).toBe('still up');
      wire.receive(reply(requestOf(sent, 'BYE'), 200));
      expect(await endOf(call)).toEqual(end);
    },
  );

  it('waits no longer than 32 s for what a CANCEL should bring', async () => {
    const { call, invite, wire } = await calling();
    wire.receive(reply(invite, 180));
    call.hangup(end);
    wire.receive(reply(requestOf(wire.take(), 'CANCEL'), 200));
    world.clock.advance(31_999);
    expect(await endOf(call)).toBe('still up');
    world.clock.advance(1);
    expect(await endOf(call)).toEqual(end);
    wire.receive(reply(invite, 200, { body: theirAnswer }));
    expect(wire.take()).toEqual([]);
  });

  it('sends nothing at all while no connection is there yet', async () => {
    const call = world.stack.call([hop('192.0.2.10')], ourOffer, {
      to: '1',
      from: '2',
      host: 'trunk.example',
      headers: [],
      ringMs: 60_000,
    });
    call.hangup(end);
    expect(await endOf(call)).toEqual(end);
    expect(world.wires.flatMap(wire => wire.take())).toEqual([]);
  });

  it('cancels over a new connection when the one of a ringing call breaks', async () => {
    const { call, invite, wire } = await calling();
    wire.receive(reply(invite, 180));
    wire.reset();
    expect(await call.answered).toEqual({ ok: false, failure: ending('connection-lost') });
    await settled();
    expect(world.wires).toHaveLength(2);
    const cancel = requestOf(world.wire.take(), 'CANCEL');
    expect(cancel.headers.get('Via')).toBe(invite.headers.get('Via'));
    world.wire.receive(reply(cancel, 200) + reply(invite, 487));
    expect(await endOf(call)).toEqual(ending('connection-lost'));
  });
});

describe('answers of several phones', () => {
  it('acknowledges each, keeps the first and hangs the others up', async () => {
    const { call, invite, wire } = await calling();
    wire.receive(reply(invite, 180, { tag: 'one' }) + reply(invite, 180, { tag: 'two' }));
    wire.receive(reply(invite, 200, { tag: 'one', body: theirAnswer }));
    expect(wire.statuses()).toEqual(['ACK']);
    const contact = '<sip:other@192.0.2.11:5060;transport=tcp>';
    wire.receive(reply(invite, 200, { tag: 'two', body: theirAnswer, contact }));
    const sent = wire.take();
    const bye = requestOf(sent, 'BYE');
    expect(requestOf(sent, 'ACK').headers.get('To')).toContain(';tag=two');
    expect(bye.headers.get('To')).toContain(';tag=two');
    expect(bye.uri).toBe('sip:other@192.0.2.11:5060;transport=tcp');
    expect(Number.parseInt(bye.headers.get('CSeq') ?? '', 10)).toBeGreaterThan(1);
    wire.receive(reply(bye, 200));
    expect((await call.answered).ok).toBe(true);
    expect(await endOf(call)).toBe('still up');
  });

  it('acknowledges each copy of an answer again, without a second BYE', async () => {
    const { invite, wire } = await answered();
    for (const tag of ['callee', 'two', 'two']) wire.receive(reply(invite, 200, { tag, body: theirAnswer }));
    expect(wire.statuses()).toEqual(['ACK', 'ACK', 'BYE', 'ACK']);
  });

  it('deals with a bounded number of them', async () => {
    const { invite, wire } = await answered();
    for (let i = 0; i < 100; i++) wire.receive(reply(invite, 200, { tag: `fork${i}`, body: theirAnswer }));
    expect(wire.statuses().filter(method => method === 'BYE')).toHaveLength(15);
  });

  it('hangs up one that comes after the call is over', async () => {
    const { call, invite, wire } = await answered();
    wire.receive(theirs('BYE', invite));
    expect((await call.ended).reason).toBe('callee-hung-up');
    wire.take();
    wire.receive(reply(invite, 200, { tag: 'late', body: theirAnswer }));
    expect(wire.statuses()).toEqual(['ACK', 'BYE']);
  });
});

describe('a challenge', () => {
  const challenge = (nonce: string, more = '', name = 'Proxy-Authenticate') =>
    `${name}: Digest realm="trunk", nonce="${nonce}"${more}`;
  const seen: Challenge[] = [];

  function challengedWith(wire: FakeWire, invite: SipRequest, status: number, header: string): SipRequest[] {
    wire.receive(reply(invite, 100) + reply(invite, status, { tag: `t${status}`, headers: [header] }));
    return wire.take().filter(message => message.kind === 'request');
  }

  it('is answered with a new INVITE of the same call', async () => {
    const { call, invite, wire } = await calling({ authorize: authorizer(seen) });
    const sent = challengedWith(wire, invite, 407, challenge('n1'));
    expect(sent.map(({ method }) => method)).toEqual(['ACK', 'INVITE']);
    const second = requestOf(sent, 'INVITE');
    expect(second.headers.get('Proxy-Authorization')).toContain('nonce="n1"');
    expect(second.headers.get('CSeq')).toBe('2 INVITE');
    expect(second.headers.get('Call-ID')).toBe(invite.headers.get('Call-ID'));
    expect(second.headers.get('From')).toBe(invite.headers.get('From'));
    expect(second.headers.get('Via')).not.toBe(invite.headers.get('Via'));
    expect(second.headers.get('To')).toBe(invite.headers.get('To'));
    wire.receive(reply(second, 200, { body: theirAnswer }));
    const ack = requestOf(wire.take(), 'ACK');
    expect(ack.headers.get('CSeq')).toBe('2 ACK');
    expect(ack.headers.get('Proxy-Authorization')).toContain('nonce="n1"');
    expect((await call.answered).ok).toBe(true);
  });

  it('is answered by Authorization when it comes from the callee itself', async () => {
    const { invite, wire } = await calling({ authorize: authorizer(seen) });
    const sent = challengedWith(wire, invite, 401, challenge('n1', '', 'WWW-Authenticate'));
    const second = requestOf(sent, 'INVITE');
    expect(second.headers.get('Authorization')).toContain('nonce="n1"');
    expect(second.headers.get('Proxy-Authorization')).toBeUndefined();
  });

  it('of a proxy and of the PBX behind it are both answered, each by its own header', async () => {
    const { invite, wire } = await calling({ authorize: authorizer(seen) });
    const second = requestOf(challengedWith(wire, invite, 407, challenge('proxy')), 'INVITE');
    const sent = challengedWith(wire, second, 401, challenge('pbx', '', 'WWW-Authenticate'));
    const third = requestOf(sent, 'INVITE');
    expect(third.headers.get('Proxy-Authorization')).toContain('nonce="proxy"');
    expect(third.headers.get('Authorization')).toContain('nonce="pbx"');
    expect(challengedWith(wire, third, 401, challenge('again', '', 'WWW-Authenticate'))).toHaveLength(1);
  });

  it('that was answered makes a 403 one that names the credentials', async () => {
    const { call, invite, wire } = await calling({ authorize: authorizer(seen) });
    const second = requestOf(challengedWith(wire, invite, 407, challenge('n1')), 'INVITE');
    wire.receive(reply(second, 403));
    expect((await call.ended).detail).toMatch(/^SIP 403, .*outbound_trunk_config\.credentials/);
    const unsigned = await calling({ authorize: authorizer(seen) });
    unsigned.wire.receive(reply(unsigned.invite, 403));
    expect((await unsigned.call.ended).detail).toBe('SIP 403');
  });

  it('leads to exactly two INVITEs, however many nonces come', async () => {
    const { call, invite, wire } = await calling({ authorize: authorizer(seen) });
    let latest = invite;
    let invites = 1;
    for (let i = 0; i < 100; i++) {
      const next = challengedWith(wire, latest, 407, challenge(`n${i}`)).find(
        ({ method }) => method === 'INVITE',
      );
      if (next === undefined) break;
      invites++;
      latest = next;
    }
    expect(invites).toBe(2);
    expect((await call.ended).reason).toBe('trunk-unauthorized');
  });

  it('is answered once more when only the nonce was old, and no third time', async () => {
    const { call, invite, wire } = await calling({ authorize: authorizer(seen) });
    let latest = invite;
    const nonces: string[] = [];
    for (let i = 0; i < 100; i++) {
      const sent = challengedWith(wire, latest, 407, challenge(`n${i}`, ', stale=true'));
      const next = sent.find(({ method }) => method === 'INVITE');
      if (next === undefined) break;
      nonces.push(/nonce="(\w+)"/.exec(next.headers.get('Proxy-Authorization') ?? '')?.[1] ?? '');
      latest = next;
    }
    expect(nonces).toEqual(['n0', 'n1']);
    expect((await call.ended).reason).toBe('trunk-unauthorized');
  });

  it('of another realm gets no credentials', async () => {
    const { call, invite, wire } = await calling({ authorize: authorizer(seen) });
    const sent = challengedWith(wire, invite, 407, 'Proxy-Authenticate: Digest realm="rogue", nonce="x"');
    expect(sent.map(({ method }) => method)).toEqual(['ACK']);
    expect((await call.ended).reason).toBe('trunk-unauthorized');
  });

  it('of our BYE gets no credentials', async () => {
    const { call, wire } = await answered({ authorize: authorizer(seen) });
    call.hangup(ending('agent-ended-call'));
    const bye = requestOf(wire.take(), 'BYE');
    expect([...bye.headers].filter(({ name }) => /authorization/i.test(name))).toEqual([]);
    wire.receive(reply(bye, 407, { headers: [challenge('n1')] }));
    expect((await call.ended).reason).toBe('agent-ended-call');
    expect(wire.take()).toEqual([]);
  });

  it('that crosses giving up is not answered', async () => {
    const { call, invite, wire } = await calling({ authorize: authorizer(seen) });
    call.hangup(ending('shutdown'));
    const sent = challengedWith(wire, invite, 407, challenge('n1'));
    expect(sent.map(({ method }) => method)).toEqual(['CANCEL', 'ACK']);
    expect((await call.ended).reason).toBe('shutdown');
  });
});

describe('the hops of a route', () => {
  const route = ['192.0.2.10', '192.0.2.11', '192.0.2.12', '192.0.2.13'].map(hop);

  it('are tried in order while none can be connected to, three at most', async () => {
    const call = await world.call({ route, deaf: route.map(({ address }) => address) });
    const last = '192.0.2.12 port 5060 over TCP: the test says so';
    expect(await endOf(call)).toEqual(ending('trunk-unreachable', last));
    expect(world.dialled).toEqual(['192.0.2.10', '192.0.2.11', '192.0.2.12']);
  });

  it('follow one that answers 503, with a transaction of its own', async () => {
    const { call, invite, wire } = await calling({ route });
    wire.receive(reply(invite, 100) + reply(invite, 503));
    await settled();
    expect(world.dialled).toEqual(['192.0.2.10', '192.0.2.11']);
    const second = requestOf(world.wire.take(), 'INVITE');
    expect(second.headers.get('Call-ID')).toBe(invite.headers.get('Call-ID'));
    world.wire.receive(reply(second, 200, { body: theirAnswer }));
    expect((await call.answered).ok).toBe(true);
  });

  it.each([486, 500, 603])('do not follow one that answers %d', async status => {
    const { call, invite, wire } = await calling({ route });
    wire.receive(reply(invite, status));
    await settled();
    expect(world.dialled).toHaveLength(1);
    expect((await call.ended).result).toBe('carrier');
  });

  it('follow one whose connection breaks before it has said anything', async () => {
    const { wire } = await calling({ route });
    wire.reset();
    await settled();
    expect(world.dialled).toEqual(['192.0.2.10', '192.0.2.11']);
    expect(world.wire.statuses()).toEqual(['INVITE']);
  });

  it('are not begun any more after ten seconds', async () => {
    const { call, invite, wire } = await calling({ route });
    wire.receive(reply(invite, 100));
    world.clock.advance(10_001);
    wire.receive(reply(invite, 503));
    await settled();
    expect(world.dialled).toHaveLength(1);
    expect((await call.ended).reason).toBe('trunk-refused');
  });

  it('share an open connection between calls, and try a fresh one when that turns out dead', async () => {
    const first = await calling();
    first.wire.receive(reply(first.invite, 486));
    const second = await world.call();
    expect(world.wires).toHaveLength(1);
    expect(world.wire.statuses()).toEqual(['ACK', 'INVITE']);
    world.wire.reset();
    await settled();
    expect(world.wires).toHaveLength(2);
    const invite = requestOf(world.wire.take(), 'INVITE');
    world.wire.receive(reply(invite, 200, { body: theirAnswer }));
    expect((await second.answered).ok).toBe(true);
  });
});

describe('the dialogue of an answered call', () => {
  it('sends its requests along the reversed Record-Route to the Contact of the answer', async () => {
    const rows = ['Record-Route: <sip:edge.example;lr>, <sip:inner.example;lr>'];
    const { call, ack, wire } = await answered({}, rows);
    expect(ack.headers.all('Route')).toEqual(['<sip:inner.example;lr>', '<sip:edge.example;lr>']);
    call.hangup(ending('agent-ended-call'), [{ name: 'X-Result', value: 'sold' }]);
    const bye = requestOf(wire.take(), 'BYE');
    expect(bye.headers.all('Route')).toEqual(ack.headers.all('Route'));
    expect(bye.uri).toBe('sip:callee@192.0.2.10:5060;transport=tcp');
    expect(bye.headers.get('CSeq')).toBe('2 BYE');
    expect(bye.headers.get('X-Result')).toBe('sold');
    wire.receive(reply(bye, 200));
    expect(await call.ended).toEqual(ending('agent-ended-call'));
  });

  it('ends when the one who was called hangs up', async () => {
    const { call, invite, wire } = await answered();
    wire.receive(theirs('BYE', invite));
    expect(wire.response().status).toBe(200);
    expect(await call.ended).toEqual(ending('callee-hung-up'));
  });

  it('answers a re-INVITE with what the session says', async () => {
    const { call, invite, wire } = await answered();
    const asked: unknown[] = [];
    call.onReoffer = async offer => {
      asked.push(offer);
      return { sdp: ourOffer };
    };
    wire.receive(theirs('INVITE', invite, 5));
    await settled();
    expect(asked).toEqual([undefined]);
    expect(wire.statuses()).toEqual([100, 200]);
    wire.receive(theirs('ACK', invite, 5));
  });

  it('offers a change of its own as the one that began the call', async () => {
    const { call, invite, wire } = await answered();
    const outcome = call.reoffer(() => ourOffer);
    await settled();
    const again = requestOf(wire.take(), 'INVITE');
    expect(again.headers.get('CSeq')).toBe('2 INVITE');
    expect(again.headers.get('To')).toContain(';tag=callee');
    expect(again.headers.get('Call-ID')).toBe(invite.headers.get('Call-ID'));
    wire.receive(reply(again, 200, { body: theirAnswer }));
    expect(await outcome).toEqual({ ok: true, value: { sdp: theirAnswer } });
    expect(wire.statuses()).toEqual(['ACK']);
  });

  it('hears INFO, and refuses a stranger', async () => {
    const { call, invite, wire } = await answered();
    const heard: string[] = [];
    call.onInfo = (type, body) => heard.push(`${type} ${body}`) > 0;
    wire.receive(
      theirs('INFO', invite, 2).replace(
        'Content-Length: 0\r\n\r\n',
        'Content-Type: application/dtmf\r\nContent-Length: 1\r\n\r\n5',
      ),
    );
    expect(wire.statuses()).toEqual([200]);
    expect(heard).toEqual(['application/dtmf 5']);
    wire.receive(theirs('BYE', invite, 3, 'somebody-else'));
    expect(wire.statuses()).toEqual([481]);
    expect(await endOf(call)).toBe('still up');
  });

  it('outlives its connection for a while, and is hung up over a new one', async () => {
    const { call, wire } = await answered();
    wire.reset();
    world.clock.advance(31_999);
    expect(await endOf(call)).toBe('still up');
    world.clock.advance(1);
    await settled();
    const bye = requestOf(world.wire.take(), 'BYE');
    world.wire.receive(reply(bye, 200));
    expect(await endOf(call)).toEqual(ending('connection-lost'));
  });

  it('goes on over the connection that a request of the peer comes on', async () => {
    const { call, invite, wire } = await answered();
    wire.reset();
    const fresh = await otherWire(call);
    fresh.receive(theirs('OPTIONS', invite, 2));
    expect(fresh.statuses()).toEqual([200]);
    world.clock.advance(32_000);
    expect(await endOf(call)).toBe('still up');
  });

  async function otherWire(_call: OutboundDialogue): Promise<FakeWire> {
    const { FakeWire: Fake } = await import('../fake-wire.ts');
    const wire = new Fake({ address: '192.0.2.10', port: 41_000 });
    world.stack.attach(wire);
    return wire;
  }
});
