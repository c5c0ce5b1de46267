import { afterEach, describe, expect, it } from 'vitest';
import { type Ending, ending } from '../../../../src/core/ending.ts';
import { type Logger, silentLogger } from '../../../../src/core/logger.ts';
import { type EmbeddedOptions, EmbeddedSignalling } from '../../../../src/sip/embedded/stack.ts';
import type { Dialogue } from '../../../../src/sip/signalling.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { FakeWire } from './fake-wire.ts';
import { answerTo, invite, offer, request, toTagOf } from './messages.ts';

const answerSdp = offer.replaceAll('192.0.2.10', '192.0.2.1');
const settle = async () => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};

function setup(options: Partial<EmbeddedOptions> = {}) {
  const clock = new ManualClock();
  const calls: Dialogue[] = [];
  const refused: string[] = [];
  const invitesRefused: (number | string)[][] = [];
  const callsRefused: (string | undefined)[] = [];
  const stack = new EmbeddedSignalling({
    listen: [],
    admit: () => true,
    contactFor: () => ({ host: '203.0.113.5', port: 5060 }),
    clock,
    log: silentLogger,
    onInvite: call => void calls.push(call),
    onRefused: cause => void refused.push(cause),
    onInviteRefused: (status, end, _address, callId) => {
      invitesRefused.push([status, end.reason]);
      callsRefused.push(callId);
    },
    ...options,
  });
  const wire = new FakeWire();
  stack.attach(wire);
  const call = () => {
    const last = calls.at(-1);
    if (last === undefined) throw new Error('no call came');
    return last;
  };
  const peer = (text: string, on = wire) => {
    on.receive(text);
    return on.statuses();
  };
  return { stack, clock, calls, call, refused, invitesRefused, callsRefused, wire, peer };
}

type World = ReturnType<typeof setup>;

/** A call that was answered and acknowledged; gives our tag. */
async function established(world: World, headers: readonly string[] = []): Promise<string> {
  world.wire.receive(invite({ headers }));
  const answered = world.call().answer(answerSdp);
  const toTag = toTagOf(world.wire.response());
  world.wire.receive(request('ACK', { toTag, branch: 'z9hG4bKack' }));
  expect((await answered).ok).toBe(true);
  return toTag;
}

async function outcome(call: Dialogue): Promise<Ending | 'still up'> {
  const up = Symbol('up');
  await settle();
  const first = await Promise.race([call.ended, settle().then(() => up)]);
  return typeof first === 'symbol' ? 'still up' : first;
}

let world: World;
afterEach(async () => {
  const closing = world.stack.close(0);
  world.clock.advance(100);
  await closing;
  // Whatever a test did, nothing of it is left.
  expect(world.stack.stats()).toEqual({ connections: 0, transactions: 0, dialogs: 0, timers: 0 });
  expect(world.clock.pending).toBe(0);
});

describe('an INVITE', () => {
  it('gets 100 at once, 180 when it rings, 200 when it is answered', async () => {
    world = setup();
    expect(world.peer(invite())).toEqual([100]);
    world.call().ring();
    world.call().progress(answerSdp);
    const answered = world.call().answer(answerSdp);
    const [ringing, progress, ok] = world.wire.take();
    expect([ringing, progress, ok].map(m => m?.kind === 'response' && m.status)).toEqual([180, 183, 200]);
    expect(ok?.headers.get('Contact')).toBe('<sip:203.0.113.5:5060;transport=tcp>');
    expect(ok?.body.toString()).toBe(answerSdp);
    expect(ok?.headers.get('Content-Type')).toBe('application/sdp');
    expect(ok?.headers.has('Server')).toBe(false);
    expect(ok?.headers.get('To')).toBe(ringing?.headers.get('To'));
    const toTag = ok?.kind === 'response' ? toTagOf(ok) : '';
    expect(toTag.length).toBeGreaterThanOrEqual(16);
    world.wire.receive(request('ACK', { toTag, branch: 'z9hG4bKack' }));
    expect(await answered).toEqual({ ok: true, value: {} });
  });

  it('is told without its credentials', () => {
    world = setup();
    world.peer(
      invite({ headers: ['Authorization: Digest x="y"', 'Proxy-Authorization: z', 'X-CALL-ID: 77'] }),
    );
    const { facts } = world.call();
    expect(facts.headers.map(field => field.name)).not.toContain('Authorization');
    expect(facts.headers.map(field => field.name)).not.toContain('Proxy-Authorization');
    expect(facts.headers).toContainEqual({ name: 'X-CALL-ID', value: '77' });
    expect(facts).toMatchObject({
      sipCallId: 'call-1@192.0.2.10',
      from: { displayName: 'Alice', user: '+14155550123', host: '192.0.2.10' },
      to: { user: '+18005550100' },
      requestUser: '+18005550100',
      offer,
    });
  });

  it('that arrives five times is one call, and its last response is repeated', () => {
    world = setup();
    expect(world.peer(invite())).toEqual([100]);
    world.call().ring();
    world.wire.take();
    for (let i = 0; i < 4; i++) expect(world.peer(invite())).toEqual([180]);
    expect(world.calls).toHaveLength(1);
  });

  it('without SDP is answered with our offer, and the ACK brings the answer', async () => {
    world = setup();
    world.peer(request('INVITE'));
    expect(world.call().facts.offer).toBeUndefined();
    const answered = world.call().answer(answerSdp);
    const toTag = toTagOf(world.wire.response());
    world.wire.receive(request('ACK', { toTag, branch: 'z9hG4bKack', body: offer }));
    expect(await answered).toEqual({ ok: true, value: { ackSdp: offer } });
  });

  it('is refused with a Warning and Retry-After, and the ACK of that is absorbed', async () => {
    world = setup();
    world.peer(invite());
    world
      .call()
      .reject(488, ending('no-codec-in-common'), { warning: 'only "G729"', warningCode: 305, retryAfter: 3 });
    const response = world.wire.response();
    expect(response.status).toBe(488);
    expect(response.headers.get('Warning')).toBe('305 trunkbridge "only \\"G729\\""');
    expect(response.headers.get('Retry-After')).toBe('3');
    expect(world.stack.stats().transactions).toBe(1);
    expect(world.peer(request('ACK', { toTag: toTagOf(response) }))).toEqual([]);
    expect(world.stack.stats().transactions).toBe(0);
    expect(await world.call().ended).toEqual(ending('no-codec-in-common'));
  });

  it('from behind a NAT hears where it came from', () => {
    world = setup();
    world.wire.receive(invite({ via: 'Via: SIP/2.0/TCP 10.0.0.9:5062;rport;branch=z9hG4bKnat' }));
    expect(world.wire.response().headers.get('Via')).toBe(
      'SIP/2.0/TCP 10.0.0.9:5062;rport=40000;branch=z9hG4bKnat;received=192.0.2.10',
    );
  });

  it('that was answered needs no timer but that of its connection, and keeps that open for hours', async () => {
    world = setup();
    await established(world);
    world.clock.advance(32_000);
    expect(world.stack.stats()).toMatchObject({ dialogs: 1, transactions: 0, timers: 1 });
    world.clock.advance(4 * 3_600_000);
    expect(await outcome(world.call())).toBe('still up');
    expect(world.wire.gone).toBe(false);
  });

  it('over another path is a merged request', () => {
    world = setup();
    world.peer(invite());
    expect(world.peer(invite({ branch: 'z9hG4bKother' }))).toEqual([482]);
    expect(world.calls).toHaveLength(1);
    expect(world.invitesRefused).toEqual([[482, 'merged-request']]);
  });

  it('that nobody decides on gets 480 in the end', async () => {
    world = setup();
    world.peer(invite());
    world.clock.advance(180_000);
    expect(world.wire.statuses()).toEqual([480]);
    expect((await world.call().ended).reason).toBe('ring-timeout');
  });

  it('whose taking throws gets 500, and the next one is served', async () => {
    let first = true;
    world = setup({
      onInvite: () => {
        if (!first) return;
        first = false;
        throw new Error('planted');
      },
    });
    expect(world.peer(invite())).toEqual([100, 500]);
    expect(world.peer(invite({ callId: 'call-2', branch: 'z9hG4bKsecond' }))).toEqual([100]);
  });
});

describe('screening', () => {
  const cases: [title: string, text: string, status: number, header?: [string, string]][] = [
    [
      'an unknown method',
      request('DANCE'),
      501,
      ['Allow', 'INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, PRACK, NOTIFY'],
    ],
    [
      'REGISTER',
      request('REGISTER'),
      405,
      ['Allow', 'INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, PRACK, NOTIFY'],
    ],
    ['a BYE for no dialogue', request('BYE', { toTag: 'nobody' }), 481],
    ['an UPDATE without a To tag', request('UPDATE'), 481],
    ['an unsolicited NOTIFY', request('NOTIFY'), 481],
    ['a CANCEL for no INVITE', request('CANCEL'), 481],
    ['an INVITE inside a dialogue that is not here', invite({ toTag: 'nobody' }), 481],
    ['an unknown URI scheme', invite({ uri: 'http:example.net' }), 416],
    ['Require', invite({ headers: ['Require: 100rel, nothingSIP'] }), 420, ['Unsupported', 'nothingSIP']],
    [
      'a body that is not SDP',
      invite({ type: 'application/isup' }),
      415,
      ['Accept', 'application/sdp, multipart/mixed'],
    ],
    [
      'an encoded body',
      invite({ headers: ['Content-Encoding: gzip'] }),
      415,
      ['Accept-Encoding', 'identity'],
    ],
    ['an offerer that takes no SDP', invite({ headers: ['Accept: text/plain'] }), 406],
  ];
  it.each(cases)('answers %s', (_title, text, status, header) => {
    world = setup();
    world.wire.receive(text);
    const response = world.wire.response();
    expect(response.status).toBe(status);
    if (header !== undefined) expect(response.headers.get(header[0])).toBe(header[1]);
    expect(world.calls).toHaveLength(0);
    expect(world.peer(request('OPTIONS', { branch: 'z9hG4bKnext' }))).toEqual([200]);
  });

  it('ignores a body that may be ignored', () => {
    world = setup();
    world.peer(
      invite({ type: 'application/isup', headers: ['Content-Disposition: signal;handling=optional'] }),
    );
    expect(world.call().facts.offer).toBeUndefined();
  });

  it('answers OPTIONS with what is supported, Max-Forwards 0 or not', () => {
    world = setup();
    world.wire.receive(request('OPTIONS').replace('Max-Forwards: 70', 'Max-Forwards: 0'));
    const { status, headers } = world.wire.response();
    expect(status).toBe(200);
    expect(headers.get('Accept')).toBe('application/sdp, multipart/mixed');
    expect(headers.has('Supported')).toBe(true);
    expect(headers.get('Allow')).toContain('INVITE');
  });

  it('answers 400 to what is not SIP, keeps the connection, and closes it for a framing error', () => {
    world = setup();
    world.wire.receive(request('OPTIONS', { cseqMethod: 'INVITE' }));
    expect(world.wire.response().status).toBe(400);
    expect(world.wire.gone).toBe(false);
    world.wire.receive(request('OPTIONS').replace('Content-Length: 0', 'Content-Length: -5'));
    expect(world.wire.response().status).toBe(400);
    expect(world.wire.gone).toBe(true);
    expect(world.refused).toEqual(['framing-error']);
  });

  it('ignores a stray ACK and a stray response', () => {
    world = setup();
    expect(world.peer(request('ACK', { toTag: 'nobody' }))).toEqual([]);
    expect(world.peer(request('ACK'))).toEqual([]);
    const stray = 'SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\n';
    expect(
      world.peer(`${stray}To: <sip:c@d>;tag=2\r\nCall-ID: 9\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n`),
    ).toEqual([]);
    expect(world.wire.gone).toBe(false);
  });

  it('turns new INVITEs and OPTIONS away while draining, and serves the calls that are up', async () => {
    world = setup();
    const toTag = await established(world);
    world.stack.drain();
    world.wire.receive(request('OPTIONS', { branch: 'z9hG4bKping' }));
    const response = world.wire.response();
    expect([response.status, response.headers.get('Retry-After')]).toEqual([503, '10']);
    expect(world.peer(invite({ callId: 'late', branch: 'z9hG4bKlate' }))).toEqual([503]);
    expect(world.invitesRefused).toEqual([[503, 'draining']]);
    expect(world.callsRefused).toEqual(['late']);
    expect(world.peer(request('BYE', { toTag, cseq: 2, branch: 'z9hG4bKbye' }))).toEqual([200]);
  });

  it('sheds INVITEs when most transactions are taken', () => {
    world = setup({ limits: { transactions: 10 } });
    for (let i = 0; i < 9; i++) world.wire.receive(invite({ callId: `c${i}`, branch: `z9hG4bKb${i}` }));
    world.wire.take();
    expect(world.peer(invite({ callId: 'one-more', branch: 'z9hG4bKmore' }))).toEqual([503]);
    expect(world.calls).toHaveLength(9);
  });
});

describe('CANCEL', () => {
  it('before the answer is 200 and 487 with one To tag', async () => {
    world = setup();
    world.peer(invite());
    world.wire.receive(request('CANCEL'));
    const [ok, terminated] = world.wire.take();
    expect([ok, terminated].map(m => m?.kind === 'response' && m.status)).toEqual([200, 487]);
    expect(ok?.headers.get('To')).toBe(terminated?.headers.get('To'));
    expect(await world.call().ended).toEqual(ending('caller-cancelled'));
    const late = await world.call().answer(answerSdp);
    expect(late.ok === false && late.failure.code).toBe('cancelled');
    world.call().ring();
    world.call().reject(486, ending('over-capacity'));
    world.call().hangup(ending('over-capacity'));
    expect(world.wire.take()).toEqual([]);
  });

  it('after the answer is 200 and changes nothing', async () => {
    world = setup();
    world.peer(invite());
    const answered = world.call().answer(answerSdp);
    const toTag = toTagOf(world.wire.response());
    expect(world.peer(request('CANCEL'))).toEqual([200]);
    world.wire.receive(request('ACK', { toTag, branch: 'z9hG4bKack' }));
    expect((await answered).ok).toBe(true);
    expect(await outcome(world.call())).toBe('still up');
  });

  it('from another address does not reach the INVITE', () => {
    world = setup();
    world.peer(invite());
    const stranger = new FakeWire({ address: '198.51.100.66' });
    world.stack.attach(stranger);
    expect(world.peer(request('CANCEL'), stranger)).toEqual([481]);
    expect(world.wire.take()).toEqual([]);
  });
});

describe('an answer without ACK', () => {
  it('is repeated from T1 doubling to T2, then ends in one BYE', async () => {
    world = setup();
    world.peer(invite());
    const answered = world.call().answer(answerSdp);
    const copies: number[] = [];
    const start = world.clock.now();
    world.wire.take();
    for (let i = 0; i < 320; i++) {
      world.clock.advance(100);
      for (const sent of world.wire.statuses()) {
        if (sent === 200) copies.push(world.clock.now() - start);
        else expect([sent, world.clock.now() - start]).toEqual(['BYE', 32_000]);
      }
    }
    expect(copies).toEqual([500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
    const late = await answered;
    expect(late.ok === false && late.failure.code).toBe('ack-timeout');
    expect(await outcome(world.call())).toBe('still up');
    world.clock.advance(31_999);
    expect(world.wire.take()).toEqual([]);
    world.clock.advance(1);
    expect(await outcome(world.call())).toEqual(ending('ack-timeout'));
    expect(world.stack.stats().dialogs).toBe(0);
  });

  it('may be hung up by the caller', async () => {
    world = setup();
    world.peer(invite());
    const answered = world.call().answer(answerSdp);
    const toTag = toTagOf(world.wire.response());
    expect(world.peer(request('BYE', { toTag, cseq: 2, branch: 'z9hG4bKbye' }))).toEqual([200]);
    const gone = await answered;
    expect(gone.ok === false && gone.failure.code).toBe('gone');
    world.clock.advance(1_000);
    expect(world.wire.take()).toEqual([]);
    expect((await world.call().ended).reason).toBe('caller-hung-up');
  });

  it('is hung up by us only once the ACK has come', async () => {
    world = setup();
    world.peer(invite());
    void world.call().answer(answerSdp);
    const toTag = toTagOf(world.wire.response());
    world.call().hangup(ending('agent-ended-call'));
    expect(world.wire.take()).toEqual([]);
    world.wire.receive(request('ACK', { toTag, branch: 'z9hG4bKack' }));
    world.wire.receive(answerTo(world.wire.request(), 200));
    expect(await world.call().ended).toEqual(ending('agent-ended-call'));
  });
});

describe('a message that nobody can be answered for', () => {
  it('is told in the log without what it holds, five times a second', () => {
    const told: unknown[] = [];
    const log: Logger = { ...silentLogger, info: (_, fields) => void told.push(fields) };
    world = setup({ log });
    const bad = 'SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP 192.0.2.1\r\nX-Secret: 4711\r\nContent-Length: 0\r\n\r\n';
    for (let i = 0; i < 20; i++) world.wire.receive(bad);
    expect(told).toEqual(Array(5).fill({ reason: 'Missing From', source: '192.0.2.10' }));
    world.clock.advance(1_000);
    world.wire.receive(bad);
    expect(told).toHaveLength(6);
  });
});

describe('BYE', () => {
  it('of the caller is 200 and ends the call', async () => {
    world = setup();
    const toTag = await established(world);
    expect(world.peer(request('BYE', { toTag, cseq: 2, branch: 'z9hG4bKbye' }))).toEqual([200]);
    expect(await world.call().ended).toEqual(ending('caller-hung-up'));
    expect(world.peer(request('BYE', { toTag, cseq: 3, branch: 'z9hG4bKbye2' }))).toEqual([481]);
  });

  it('of the caller before the answer is 200, and 487 for the INVITE', async () => {
    world = setup();
    world.peer(invite());
    world.call().ring();
    const toTag = toTagOf(world.wire.response());
    expect(world.peer(request('BYE', { toTag, cseq: 2, branch: 'z9hG4bKbye' }))).toEqual([200, 487]);
  });

  it('of ours goes to the target through the route set, loose routers first', async () => {
    world = setup();
    await established(world, [
      'Record-Route: <sip:192.0.2.20;lr;r2=on>, <sip:192.0.2.21;transport=tls;lr;r2=on>',
      'Record-Route: <sip:192.0.2.22;lr>',
    ]);
    world.call().hangup(ending('agent-ended-call'));
    const bye = world.wire.request();
    expect(bye.uri).toBe('sip:alice@192.0.2.10:5062;transport=tcp');
    expect(bye.headers.all('Route')).toEqual([
      '<sip:192.0.2.20;lr;r2=on>',
      '<sip:192.0.2.21;transport=tls;lr;r2=on>',
      '<sip:192.0.2.22;lr>',
    ]);
    expect(bye.headers.get('CSeq')).toBe('1 BYE');
    expect(bye.headers.get('To')).toBe('"Alice" <sip:+14155550123@192.0.2.10>;tag=alice');
    expect(bye.headers.get('Via')).toMatch(/^SIP\/2\.0\/TCP 203\.0\.113\.5:5060;branch=z9hG4bK.{30,};rport$/);
    expect(bye.headers.get('User-Agent')).toBe('Trunkbridge');
    world.wire.receive(answerTo(bye, 481));
    expect(await world.call().ended).toEqual(ending('agent-ended-call'));
  });

  it('of ours goes through a strict router as its Request-URI', async () => {
    world = setup();
    await established(world, ['Record-Route: <sip:192.0.2.20>, <sip:192.0.2.21;lr>']);
    world.call().hangup(ending('agent-ended-call'));
    const bye = world.wire.request();
    expect(bye.uri).toBe('sip:192.0.2.20');
    expect(bye.headers.all('Route')).toEqual([
      '<sip:192.0.2.21;lr>',
      '<sip:alice@192.0.2.10:5062;transport=tcp>',
    ]);
  });

  it('of both sides at once is answered on both sides', async () => {
    world = setup();
    const toTag = await established(world);
    world.call().hangup(ending('agent-ended-call'));
    world.wire.take();
    expect(world.peer(request('BYE', { toTag, cseq: 2, branch: 'z9hG4bKbye' }))).toEqual([200]);
    expect(await world.call().ended).toEqual(ending('agent-ended-call'));
  });

  it('of ours that nobody answers is over after timer F', async () => {
    world = setup();
    await established(world);
    world.call().hangup(ending('agent-ended-call'));
    world.clock.advance(31_999);
    expect(await outcome(world.call())).toBe('still up');
    world.clock.advance(1);
    expect(await outcome(world.call())).toEqual(ending('agent-ended-call'));
  });

  it('that comes back to us is a loop', async () => {
    world = setup();
    await established(world);
    world.call().hangup(ending('agent-ended-call'));
    const via = `Via: ${world.wire.request().headers.get('Via')}`;
    expect(world.peer(request('OPTIONS', { via }))).toEqual([482]);
  });
});

describe('requests inside a dialogue', () => {
  it('with an old CSeq get 500, with the same one 482', async () => {
    world = setup();
    const toTag = await established(world);
    expect(world.peer(request('INFO', { toTag, cseq: 5, branch: 'z9hG4bK5' }))).toEqual([200]);
    expect(world.peer(request('BYE', { toTag, cseq: 4, branch: 'z9hG4bK4' }))).toEqual([500]);
    expect(world.peer(request('BYE', { toTag, cseq: 5, branch: 'z9hG4bK5b' }))).toEqual([482]);
    expect(await outcome(world.call())).toBe('still up');
  });

  it('from an address that has no part in it get 403, and the call goes on', async () => {
    world = setup();
    const toTag = await established(world);
    const stranger = new FakeWire({ address: '198.51.100.66' });
    world.stack.attach(stranger);
    for (const method of ['BYE', 'INVITE', 'INFO']) {
      expect(world.peer(request(method, { toTag, cseq: 9, branch: `z9hG4bK${method}` }), stranger)).toEqual([
        403,
      ]);
    }
    expect(world.peer(request('CANCEL', { toTag }), stranger)).toEqual([481]);
    expect(await outcome(world.call())).toBe('still up');
    expect(world.refused).toEqual(['not-its-dialogue', 'not-its-dialogue', 'not-its-dialogue']);
  });

  it('INFO reaches the session with its body', async () => {
    world = setup();
    const toTag = await established(world);
    const heard: string[] = [];
    world.call().onInfo = (type, body) => {
      heard.push(`${type} ${body}`);
      return type === 'application/dtmf-relay';
    };
    const info = (type: string, cseq: number) =>
      request('INFO', { toTag, cseq, branch: `z9hG4bK${cseq}`, type: `${type}; x=y`, body: 'Signal=5' });
    expect(world.peer(info('application/DTMF-relay', 2))).toEqual([200]);
    expect(world.peer(info('text/plain', 3))).toEqual([415]);
    expect(heard).toEqual(['application/dtmf-relay Signal=5', 'text/plain Signal=5']);
  });

  it('OPTIONS gets 200, REFER without a Refer-To 400, PRACK 481, what is unknown 501, what is required 420', async () => {
    world = setup();
    const toTag = await established(world);
    const sent = ['OPTIONS', 'REFER', 'PRACK', 'DANCE'].map((method, i) =>
      world.peer(request(method, { toTag, cseq: i + 2, branch: `z9hG4bK${i}` })),
    );
    expect(sent).toEqual([[200], [400], [481], [501]]);
    const required = request('INFO', { toTag, cseq: 9, branch: 'z9hG4bKr', headers: ['Require: magic'] });
    expect(world.peer(required)).toEqual([420]);
  });

  it('are slowed down when there are too many, but BYE is not', async () => {
    world = setup();
    const toTag = await established(world);
    const statuses: (number | string)[] = [];
    for (let i = 2; i < 40; i++) {
      statuses.push(...world.peer(request('OPTIONS', { toTag, cseq: i, branch: `z9hG4bK${i}` })));
    }
    expect(statuses.filter(status => status === 200)).toHaveLength(20);
    expect(statuses.filter(status => status === 500)).toHaveLength(18);
    expect(world.peer(request('BYE', { toTag, cseq: 50, branch: 'z9hG4bKbye' }))).toEqual([200]);
  });
});

describe('a re-offer', () => {
  it('is answered by the session, repeated until ACK, and moves the target', async () => {
    world = setup();
    const toTag = await established(world);
    const offers: (string | undefined)[] = [];
    world.call().onReoffer = heard => {
      offers.push(heard);
      return Promise.resolve({ sdp: answerSdp });
    };
    const contact = '<sip:alice@192.0.2.99:5062>';
    expect(world.peer(invite({ toTag, cseq: 2, branch: 'z9hG4bKre', contact }))).toEqual([100]);
    await settle();
    const response = world.wire.response();
    expect([response.status, response.body.toString()]).toEqual([200, answerSdp]);
    world.clock.advance(1_500);
    expect(world.wire.statuses()).toEqual([200, 200]);
    world.wire.receive(request('ACK', { toTag, cseq: 2, branch: 'z9hG4bKreack' }));
    world.clock.advance(60_000);
    expect(world.wire.take()).toEqual([]);
    expect(offers).toEqual([offer]);
    world.call().hangup(ending('agent-ended-call'));
    expect(world.wire.request().uri).toBe('sip:alice@192.0.2.99:5062');
  });

  const withoutBranch = 'Via: SIP/2.0/TCP 192.0.2.10:5062';
  it.each([
    ['the branch of its INVITE', { branch: 'z9hG4bKre' }, offer],
    ['the branch of its INVITE, which had no offer', { branch: 'z9hG4bKre' }, ''],
    ['no branch', { via: withoutBranch }, offer],
    ['no branch, to an INVITE which had no offer', { via: withoutBranch }, ''],
  ])('is settled by an ACK with %s', async (_, via, body) => {
    world = setup();
    const toTag = await established(world);
    const answers: (string | undefined)[] = [];
    world.call().onReoffer = () =>
      Promise.resolve({ sdp: answerSdp, answered: sdp => void answers.push(sdp) });
    world.peer(request('INVITE', { toTag, cseq: 2, ...via, body }));
    await settle();
    expect(world.wire.statuses()).toEqual([200]);
    const ack = request('ACK', { toTag, cseq: 2, ...via, body: body === '' ? offer : '' });
    for (let copies = 0; copies < 2; copies++) world.wire.receive(ack);
    world.clock.advance(40_000);
    expect(world.wire.statuses()).toEqual([]);
    expect(await outcome(world.call())).toBe('still up');
    expect(answers).toEqual([body === '' ? offer : undefined]);
    // Nothing of it stands in the way of the next one.
    world.peer(invite({ toTag, cseq: 3, branch: 'z9hG4bKnext' }));
    await settle();
    expect(world.wire.statuses()).toEqual([200]);
    world.wire.receive(request('ACK', { toTag, cseq: 3, branch: 'z9hG4bKnext' }));
  });

  it('is refused by the session without harm', async () => {
    world = setup();
    const toTag = await established(world);
    world.call().onReoffer = () =>
      Promise.resolve({ status: 488, reason: 'Not Acceptable Here', warning: 'no codec in common' });
    world.peer(invite({ toTag, cseq: 2, branch: 'z9hG4bKre', contact: '<sip:else@192.0.2.99>' }));
    await settle();
    const response = world.wire.response();
    expect([response.status, response.headers.get('Warning')]).toEqual([
      488,
      '399 trunkbridge "no codec in common"',
    ]);
    expect(world.peer(request('ACK', { toTag, cseq: 2, branch: 'z9hG4bKre' }))).toEqual([]);
    world.call().hangup(ending('agent-ended-call'));
    expect(world.wire.request().uri).toBe('sip:alice@192.0.2.10:5062;transport=tcp');
  });

  it('waits for the one before it: 500 while the session decides, 491 until the ACK', async () => {
    world = setup();
    const toTag = await established(world);
    let decide: (answer: { sdp: string }) => void = () => undefined;
    world.call().onReoffer = () =>
      new Promise(resolve => {
        decide = resolve;
      });
    world.peer(invite({ toTag, cseq: 2, branch: 'z9hG4bK2' }));
    await settle();
    world.wire.receive(invite({ toTag, cseq: 3, branch: 'z9hG4bK3' }));
    const busy = world.wire.response();
    expect(busy.status).toBe(500);
    expect(Number(busy.headers.get('Retry-After'))).toBeLessThanOrEqual(10);
    expect(world.peer(request('UPDATE', { toTag, cseq: 4, branch: 'z9hG4bK4', body: offer }))).toEqual([500]);
    decide({ sdp: answerSdp });
    await settle();
    expect(world.wire.statuses()).toEqual([200]);
    expect(world.peer(request('UPDATE', { toTag, cseq: 5, branch: 'z9hG4bK5', body: offer }))).toEqual([491]);
    world.wire.receive(request('ACK', { toTag, cseq: 2, branch: 'z9hG4bK2a' }));
    world.peer(request('UPDATE', { toTag, cseq: 6, branch: 'z9hG4bK6', body: offer }));
    await settle();
    decide({ sdp: answerSdp });
    await settle();
    expect(world.wire.statuses()).toEqual([200]);
  });

  it('by UPDATE without SDP is 200 at once and asks nobody', async () => {
    world = setup();
    const toTag = await established(world);
    world.call().onReoffer = () => Promise.reject(new Error('must not be asked'));
    expect(world.peer(request('UPDATE', { toTag, cseq: 2, branch: 'z9hG4bK2' }))).toEqual([200]);
  });

  it('before the first answer is 500', () => {
    world = setup();
    world.peer(invite());
    world.call().ring();
    const toTag = toTagOf(world.wire.response());
    expect(world.peer(invite({ toTag, cseq: 2, branch: 'z9hG4bK2' }))).toEqual([500]);
  });

  it('can be cancelled, and the call goes on as it was', async () => {
    world = setup();
    const toTag = await established(world);
    world.call().onReoffer = () => new Promise(() => undefined);
    world.peer(invite({ toTag, cseq: 2, branch: 'z9hG4bK2' }));
    expect(world.peer(request('CANCEL', { toTag, cseq: 2, branch: 'z9hG4bK2' }))).toEqual([200, 487]);
    expect(await outcome(world.call())).toBe('still up');
  });

  it('is forgotten when it was cancelled, whatever the session says later', async () => {
    world = setup();
    const toTag = await established(world);
    let decide: (answer: { sdp: string }) => void = () => undefined;
    world.call().onReoffer = () =>
      new Promise(resolve => {
        decide = resolve;
      });
    world.peer(invite({ toTag, cseq: 2, branch: 'z9hG4bK2' }));
    await settle();
    expect(world.peer(request('CANCEL', { toTag, cseq: 2, branch: 'z9hG4bK2' }))).toEqual([200, 487]);
    decide({ sdp: answerSdp });
    await settle();
    world.clock.advance(60_000);
    expect(world.wire.take()).toEqual([]);
    expect(await outcome(world.call())).toBe('still up');
  });

  it('that the session never answers gets 500 after the limit', async () => {
    world = setup();
    const toTag = await established(world);
    world.call().onReoffer = () => new Promise(() => undefined);
    world.peer(invite({ toTag, cseq: 2, branch: 'z9hG4bK2' }));
    world.clock.advance(20_000);
    expect(world.wire.statuses()).toEqual([500]);
  });

  it('in which the session fails ends that call with 500, and no other', async () => {
    world = setup();
    const toTag = await established(world);
    const first = world.call();
    world.peer(invite({ callId: 'other', branch: 'z9hG4bKother' }));
    first.onReoffer = () => {
      throw new Error('planted');
    };
    world.peer(invite({ toTag, cseq: 2, branch: 'z9hG4bK2' }));
    await settle();
    expect(world.wire.statuses()).toEqual([500, 'BYE']);
    expect((await first.ended).reason).toBe('internal-error');
    expect(await outcome(world.call())).toBe('still up');
  });

  it('is 487 when the call ends meanwhile', async () => {
    world = setup();
    const toTag = await established(world);
    world.call().onReoffer = () => new Promise(() => undefined);
    world.peer(invite({ toTag, cseq: 2, branch: 'z9hG4bK2' }));
    expect(world.peer(request('BYE', { toTag, cseq: 3, branch: 'z9hG4bK3' }))).toEqual([200, 487]);
  });
});

describe('a lost connection', () => {
  it('ends a call that was not answered, at once and without a dial', async () => {
    world = setup();
    world.peer(invite());
    world.wire.reset();
    expect((await world.call().ended).reason).toBe('connection-lost');
    const late = await world.call().answer(answerSdp);
    expect(late.ok === false && late.failure.code).toBe('gone');
    expect(world.stack.stats()).toMatchObject({ transactions: 0, dialogs: 0 });
  });

  it('is outlived by a call for 32 s', async () => {
    world = setup();
    // The peer's Contact is a name: there is nothing to dial.
    world.wire.receive(invite({ contact: '<sip:alice@pbx.example>' }));
    const answered = world.call().answer(answerSdp);
    world.wire.receive(request('ACK', { toTag: toTagOf(world.wire.response()), branch: 'z9hG4bKack' }));
    await answered;
    world.wire.reset();
    world.clock.advance(31_999);
    expect(await outcome(world.call())).toBe('still up');
    world.clock.advance(1);
    expect(await outcome(world.call())).toEqual(ending('connection-lost'));
    expect(world.stack.stats().dialogs).toBe(0);
  });

  it('has its whole time again when it is lost again', async () => {
    world = setup();
    const toTag = await established(world);
    world.wire.reset();
    world.clock.advance(30_000);
    const second = new FakeWire({ port: 40_001 });
    world.stack.attach(second);
    expect(world.peer(request('INFO', { toTag, cseq: 2, branch: 'z9hG4bK2' }), second)).toEqual([200]);
    second.reset();
    world.clock.advance(31_999);
    expect(await outcome(world.call())).toBe('still up');
  });

  it('is made good by a request of the peer over a new one', async () => {
    world = setup();
    const toTag = await established(world);
    world.wire.reset();
    world.clock.advance(10_000);
    const second = new FakeWire({ port: 40_001 });
    world.stack.attach(second);
    expect(world.peer(request('INFO', { toTag, cseq: 2, branch: 'z9hG4bK2' }), second)).toEqual([200]);
    world.clock.advance(60_000);
    expect(await outcome(world.call())).toBe('still up');
    world.call().hangup(ending('agent-ended-call'));
    second.receive(answerTo(second.request(), 200));
    expect(await world.call().ended).toEqual(ending('agent-ended-call'));
  });

  it('does not keep a refused INVITE waiting for its ACK', () => {
    world = setup();
    world.peer(invite());
    world.call().reject(486, ending('over-capacity'));
    world.wire.reset();
    expect(world.stack.stats()).toMatchObject({ transactions: 0, timers: 0 });
  });
});

describe('closing', () => {
  it('says 503 to calls that ring and BYE to those that are up, and waits for the answers', async () => {
    world = setup();
    await established(world);
    const up = world.call();
    world.peer(invite({ callId: 'ringing', branch: 'z9hG4bKr' }));
    const ringing = world.call();
    const closing = world.stack.close(5_000);
    const [bye, unavailable] = world.wire.take();
    expect(unavailable?.kind === 'response' && unavailable.status).toBe(503);
    if (bye?.kind !== 'request') throw new Error('no BYE');
    world.wire.receive(answerTo(bye, 200));
    await closing;
    expect(await up.ended).toEqual(ending('shutdown'));
    expect(await ringing.ended).toEqual(ending('shutdown'));
    expect(world.wire.ended).toBe(true);
  });

  it('does not wait longer than it was told', async () => {
    world = setup();
    await established(world);
    const closing = world.stack.close(5_000);
    world.clock.advance(5_000);
    await closing;
    expect(await world.call().ended).toEqual(ending('shutdown'));
  });
});
