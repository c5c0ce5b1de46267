import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ending } from '../../../../src/core/ending.ts';
import { type LogFields, silentLogger } from '../../../../src/core/logger.ts';
import { drachtioLimits } from '../../../../src/sip/drachtio/limits.ts';
import { type DrachtioOptions, DrachtioSignalling } from '../../../../src/sip/drachtio/signalling.ts';
import type { Dialogue } from '../../../../src/sip/signalling.ts';
import { acceptingParty } from '../../../support/accepting-party.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { invite, offer, request } from '../embedded/messages.ts';
import { closeBoth, dialogId, FakeServer } from './fake-server.ts';

const ours = offer.replaceAll('192.0.2.10', '127.0.0.1');

describe('the drachtio backend', () => {
  let clock: ManualClock;
  let server: FakeServer;
  let signalling: DrachtioSignalling;
  let calls: Dialogue[];
  let refused: [number, string][];
  /** First lines of the messages that were shown. */
  let seen: string[];

  const until = async (done: () => boolean) => {
    while (!done()) await new Promise(resolve => setImmediate(resolve));
  };

  async function start(options: Partial<DrachtioOptions> = {}): Promise<void> {
    clock = new ManualClock();
    server = new FakeServer();
    await server.listen();
    calls = [];
    refused = [];
    seen = [];
    signalling = new DrachtioSignalling({
      connection: { mode: 'inbound', host: '127.0.0.1', port: server.port, secret: 'good' },
      objection: () => undefined,
      clock,
      log: silentLogger,
      onInvite: call => void calls.push(call),
      onRefused: () => undefined,
      onInviteRefused: (status, end) => void refused.push([status, end.reason]),
      tap: (direction, _source, head) => void seen.push(`${direction} ${head.toString().split('\r\n')[0]}`),
      ...options,
    });
    await signalling.listen();
    await server.next(({ kind }) => kind === 'route');
  }

  /** A call that the server has given to us. */
  async function arrived(text = invite()): Promise<Dialogue> {
    server.deliver({ text });
    return nth(0);
  }

  async function nth(n: number): Promise<Dialogue> {
    for (let call = calls[n]; ; call = calls[n]) {
      if (call !== undefined) return call;
      await new Promise(resolve => setImmediate(resolve));
    }
  }

  const ack = (body = '') => request('ACK', { toTag: 'server', branch: 'z9hG4bKa', body });
  const inside = (method: string, cseq: number, more = {}) => ({
    text: request(method, { toTag: 'server', cseq, branch: `z9hG4bK${cseq}`, ...more }),
    dialog: dialogId,
    transaction: `in-${cseq}`,
  });

  async function established(): Promise<Dialogue> {
    const call = await arrived();
    const answered = call.answer(ours);
    await server.sip('200');
    server.deliver({ text: ack(), dialog: dialogId });
    expect(await answered).toEqual({ ok: true, value: {} });
    return call;
  }

  afterEach(async () => await closeBoth(signalling, server, clock));

  it('carries a call from INVITE to BYE', async () => {
    await start();
    const call = await arrived(invite({ headers: ['X-Two: a', 'X-Two: b'] }));
    expect(call.facts).toMatchObject({
      requestUser: '+18005550100',
      offer,
      source: { transport: 'tcp', address: '192.0.2.10', port: 5062, localAddress: '127.0.0.1' },
    });
    expect(call.facts.headers.filter(({ name }) => name === 'X-Two').map(({ value }) => value)).toEqual([
      'a',
      'b',
    ]);
    call.ring();
    expect((await server.sip('180')).text).toMatch(/contact: <sip:127\.0\.0\.1:5060;transport=tcp>/i);
    const answered = call.answer(ours);
    const response = await server.sip('200');
    expect(response.text).toContain(ours);
    server.deliver({ text: ack(), dialog: dialogId });
    expect(await answered).toEqual({ ok: true, value: {} });
    server.deliver(inside('BYE', 2, { headers: ['Reason: Q.850;cause=16'] }));
    await server.sip('200');
    expect(await call.ended).toEqual(ending('caller-hung-up', 'Q.850 cause 16'));
  });

  it('ends a party as hung up by the caller when the BYE comes before the ACK', async () => {
    await start();
    const party = acceptingParty(await arrived(), offer);
    await server.sip('200');
    server.deliver(inside('BYE', 2));
    await server.sip('200');
    const hungUp = { reason: 'caller-hung-up' };
    expect([await party.ended, await party.accepted]).toMatchObject([hungUp, { ok: false, failure: hungUp }]);
  });

  it('does not take an answer for acknowledged before the ACK came, which may hold the SDP', async () => {
    await start();
    const call = await arrived(request('INVITE'));
    let settled = false;
    const answered = call.answer(ours).then(result => {
      settled = true;
      return result;
    });
    await server.sip('200');
    await new Promise(resolve => setTimeout(resolve, 5));
    expect(settled).toBe(false);
    server.deliver({ text: ack(offer), dialog: dialogId });
    expect(await answered).toEqual({ ok: true, value: { ackSdp: offer } });
  });

  it('hangs up when the ACK never comes', async () => {
    await start();
    const call = await arrived();
    const answered = call.answer(ours);
    await server.sip('200');
    // Only now the wait for the ACK runs.
    await until(() => seen.includes('out SIP/2.0 200 OK'));
    clock.advance(drachtioLimits.ackMs);
    expect(await answered).toMatchObject({ ok: false, failure: { code: 'ack-timeout' } });
    const bye = await server.sip('BYE');
    expect(bye.fields[1]).toBe(dialogId);
    server.deliver({ text: response200('BYE'), transaction: 'out' });
    expect(await call.ended).toEqual(ending('ack-timeout'));
  });

  const response200 = (method: string) =>
    `SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bKo\r\nFrom: <sip:a@b>;tag=server\r\n` +
    `To: <sip:c@d>;tag=alice\r\nCall-ID: call-1@192.0.2.10\r\nCSeq: 2 ${method}\r\nContent-Length: 0\r\n\r\n`;

  it('waits with BYE for the ACK', async () => {
    await start();
    const call = await arrived();
    const answered = call.answer(ours);
    call.hangup(ending('agent-ended-call'), [{ name: 'X-Result', value: 'sold' }]);
    expect(await answered).toMatchObject({ ok: false, failure: { code: 'gone' } });
    await server.sip('200');
    expect(server.said.some(({ text }) => text.startsWith('BYE '))).toBe(false);
    server.deliver({ text: ack(), dialog: dialogId });
    const bye = await server.sip('BYE');
    expect(bye.text).toMatch(/X-Result: sold/);
    expect(bye.text).toMatch(/Reason: Q\.850;cause=16/i);
    server.deliver({ text: response200('BYE'), transaction: 'out' });
    expect(await call.ended).toEqual(ending('agent-ended-call'));
  });

  it('takes a 200 that the server did not send for a caller who gave up', async () => {
    await start();
    const call = await arrived();
    server.confirms = 'no';
    expect(await call.answer(ours)).toMatchObject({ ok: false, failure: { code: 'cancelled' } });
    expect(await call.ended).toEqual(ending('caller-cancelled'));
  });

  it('does not wait for ever for a server that confirms nothing', async () => {
    await start();
    const call = await arrived();
    server.confirms = 'never';
    const answered = call.answer(ours);
    clock.advance(drachtioLimits.confirmMs);
    expect(await answered).toMatchObject({ ok: false, failure: { code: 'gone' } });
    expect((await call.ended).reason).toBe('connection-lost');
  });

  it('takes back an answer that is confirmed after all', async () => {
    await start();
    const call = await arrived();
    server.confirms = 'never';
    void call.answer(ours);
    const response = await server.sip('200');
    clock.advance(drachtioLimits.confirmMs);
    await call.ended;
    server.confirms = 'yes';
    server.confirm(response);
    await server.sip('BYE');
    server.deliver({ text: response200('BYE'), transaction: 'out' });
    await until(() => signalling.stats().timers === 0);
  });

  it('hears a CANCEL before anything else', async () => {
    await start();
    const call = await arrived();
    server.deliver({ text: request('CANCEL', { headers: ['Reason: SIP;cause=200'] }) });
    expect(await call.ended).toEqual(ending('caller-cancelled', 'SIP cause 200'));
    expect(await call.answer(ours)).toMatchObject({ ok: false, failure: { code: 'cancelled' } });
  });

  it.each([
    ['early', async (_call: Dialogue) => undefined],
    [
      'answered',
      async (call: Dialogue) => {
        void call.answer(ours);
        await server.sip('200');
      },
    ],
  ])('ends a call that is %s when the link breaks, and says so to the answer', async (_state, bring) => {
    await start();
    const call = await arrived();
    await bring(call);
    const answered = call.answer(ours);
    server.drop();
    expect(await answered).toMatchObject({ ok: false, failure: { code: 'gone' } });
    expect(await call.ended).toEqual(ending('connection-lost', 'the drachtio-server is gone'));
    expect(signalling.stats().dialogs).toBe(0);
  });

  it('ends calls that are up when the link breaks, which the package tells nobody', async () => {
    await start();
    const call = await established();
    const changed = call.reoffer(() => ours);
    await server.sip('INVITE');
    server.drop();
    expect((await call.ended).reason).toBe('connection-lost');
    expect(await changed).toMatchObject({ ok: false, failure: { code: 'gone' } });
  });

  it.each([
    ['SIP;cause=200;text="ACK timeout"', 'ack-timeout'],
    ['SIP;cause=200;text="Session timer expired"', 'session-expired'],
    ['SIP;cause=200;text="something else"', 'connection-lost'],
  ])('knows why the server itself hung up: %s is %s', async (reason, expected) => {
    await start();
    const call = await established();
    const bye = inside('BYE', 2, { headers: [`Reason: ${reason}`] });
    server.deliver({ ...bye, source: 'application', transaction: 'unsolicited' });
    expect((await call.ended).reason).toBe(expected);
  });

  it('answers what belongs to no call, and keeps the link', async () => {
    await start();
    server.deliver(inside('BYE', 7));
    await server.sip('481');
    server.deliver(inside('UPDATE', 8));
    await server.sip('481');
    server.deliver(inside('ACK', 9));
    await established();
    expect(signalling.stats().connections).toBe(1);
  });

  it.each([
    ['an extension that nobody has', invite({ headers: ['Require: foo'] }), 420, 'unsupported-extension'],
    ['reliable ringing', invite({ headers: ['Require: 100rel'] }), 420, 'unsupported-extension'],
    ['no Contact', invite({ contact: null }), 400, 'bad-request'],
    ['a Contact that cannot be read', invite({ contact: '*' }), 400, 'bad-request'],
    ['a body that is no SDP', invite({ type: 'text/plain' }), 415, 'unsupported-media-type'],
    [
      'an interval that is too small',
      invite({ headers: ['Supported: timer', 'Session-Expires: 60'] }),
      422,
      'session-interval-too-small',
    ],
    ['a CSeq that is none', invite().replace('CSeq: 1 INVITE', 'CSeq: x INVITE'), 400, 'bad-request'],
  ])('refuses %s, which the server lets through', async (_what, text, status, reason) => {
    await start();
    server.deliver({ text });
    await server.sip(String(status));
    expect(refused).toEqual([[status, reason]]);
    expect(calls).toEqual([]);
  });

  it('refuses a second INVITE of one Call-ID while the first is unanswered', async () => {
    await start();
    await arrived();
    server.deliver({ text: invite({ fromTag: 'other', branch: 'z9hG4bKother' }), transaction: 'two' });
    await server.sip('482');
    expect(calls).toHaveLength(1);
  });

  it('answers 403 where the gate would rather be silent, for the server would keep the request for ever', async () => {
    await start({ gate: () => ({ verdict: 'drop' }) });
    server.deliver({ text: invite() });
    await server.sip('403');
    expect(refused).toEqual([[403, 'source-not-allowed']]);
  });

  it('takes no call from a source that is objected to', async () => {
    const told: string[] = [];
    await start({
      objection: () => 'source-not-allowed',
      onRefused: (cause, address) => void told.push(`${cause} ${address}`),
    });
    server.deliver({ text: invite() });
    await server.sip('403');
    expect(told).toEqual(['source-not-allowed 192.0.2.10']);
  });

  it('gives up the route when it drains, and refuses what comes nevertheless', async () => {
    await start();
    signalling.drain();
    expect((await server.next(({ kind }) => kind === 'remove_route')).fields).toEqual(['invite']);
    server.deliver({ text: invite() });
    expect((await server.sip('503')).text).toMatch(/retry-after: 10/i);
    expect(refused).toEqual([[503, 'draining']]);
  });

  it.each([
    ['Session-Expires: 1800', ['Supported: timer'], '1800;refresher=uac', true],
    ['Session-Expires: 1800;refresher=uac', ['Supported: timer'], '1800;refresher=uac', true],
    ['Session-Expires: 1800;refresher=uas', ['Supported: timer'], '1800;refresher=uas', false],
    // A proxy wants it, and the caller has never heard of it.
    ['Session-Expires: 1800', [], '1800;refresher=uas', false],
  ])('answers %s with %o as the embedded stack does', async (wish, headers, expires, required) => {
    await start();
    const call = await arrived(invite({ headers: [wish, ...headers] }));
    const answered = call.answer(ours);
    const { text } = await server.sip('200');
    server.deliver({ text: ack(), dialog: dialogId });
    await answered;
    expect(/session-expires: (.*)/i.exec(text)?.[1]).toBe(expires);
    expect(/require: timer/i.test(text)).toBe(required);
  });

  it('names the session interval in its 200 inside a dialogue, which the server does not', async () => {
    await start();
    await established();
    const headers = ['Supported: timer', 'Session-Expires: 120;refresher=uac'];
    server.deliver(inside('UPDATE', 2, { headers }));
    expect((await server.sip('200')).text).toMatch(/session-expires: 120;refresher=uac/i);
    server.deliver(inside('UPDATE', 3, { headers: ['Supported: timer', 'Session-Expires: 20'] }));
    expect((await server.sip('422')).text).toMatch(/min-se: 90/i);
  });

  it('answers one change of the session at a time', async () => {
    await start();
    const call = await established();
    let decide: (answer: { sdp: string }) => void = () => undefined;
    call.onReoffer = () =>
      new Promise(resolve => {
        decide = resolve;
      });
    server.deliver(inside('INVITE', 2, { body: offer }));
    server.deliver(inside('INVITE', 3, { body: offer }));
    expect((await server.sip('500')).text).toMatch(/retry-after: \d+/i);
    decide({ sdp: ours });
    await server.sip('200');
    server.deliver(inside('INVITE', 4, { body: offer }));
    await server.sip('491');
    call.onReoffer = async () => ({ sdp: ours });
    // The package tells of an ACK a little later than of what comes behind it.
    server.deliver(inside('ACK', 2), inside('INVITE', 5, { body: offer }));
    await server.sip('200');
    server.deliver(inside('ACK', 5));
  });

  it('takes a change of the session right behind the ACK of the call', async () => {
    await start();
    const call = await arrived();
    call.onReoffer = async () => ({ sdp: ours });
    void call.answer(ours);
    await server.sip('200');
    server.deliver({ text: ack(), dialog: dialogId }, inside('INVITE', 2, { body: offer }));
    expect((await server.sip('200')).fields[0]).toBe('in-2');
    server.deliver(inside('ACK', 2));
  });

  it('does not change a session that is over by then', async () => {
    await start();
    const call = await established();
    call.onReoffer = () => expect.unreachable();
    server.deliver(inside('INVITE', 2, { body: offer }), inside('BYE', 3));
    expect((await server.sip('487')).fields[0]).toBe('in-2');
    expect((await call.ended).reason).toBe('caller-hung-up');
  });

  it('answers 500 for a session that does not decide, and hangs up when its answer has no ACK', async () => {
    await start();
    const call = await established();
    call.onReoffer = () => new Promise(() => undefined);
    server.deliver(inside('INVITE', 2, { body: offer }));
    await until(() => signalling.stats().timers > 0);
    clock.advance(drachtioLimits.reofferMs);
    await server.sip('500');
    call.onReoffer = async () => ({ sdp: ours });
    server.deliver(inside('INVITE', 3, { body: offer }));
    await server.sip('200');
    clock.advance(drachtioLimits.ackMs);
    await server.sip('BYE');
    server.deliver({ text: response200('BYE'), transaction: 'out' });
    expect((await call.ended).reason).toBe('ack-timeout');
  });

  it('lets nobody flood one dialogue', async () => {
    await start();
    await established();
    for (let i = 0; i <= drachtioLimits.dialogRequestsPerSecond; i++)
      server.deliver(inside('OPTIONS', 2 + i));
    expect((await server.sip('500')).text).toMatch(/retry-after: 1/i);
  });

  it('serves each method inside a dialogue by itself', async () => {
    await start();
    const call = await established();
    call.onInfo = type => type === 'application/dtmf-relay';
    const body = 'Signal=5';
    const answers: [string, object, number][] = [
      ['INFO', { type: 'application/dtmf-relay', body }, 200],
      ['INFO', { type: 'text/plain', body }, 415],
      ['REFER', { headers: ['Refer-To: <sip:a@b>'] }, 603],
      ['NOTIFY', { headers: ['Event: refer', 'Subscription-State: active'] }, 481],
      ['OPTIONS', {}, 200],
      ['MESSAGE', { type: 'text/plain', body }, 405],
      ['UPDATE', { headers: ['Require: foo'] }, 420],
    ];
    for (const [i, [method, more, status]] of answers.entries()) {
      server.deliver(inside(method, 10 + i, more));
      expect((await server.sip(String(status))).fields[0]).toBe(`in-${10 + i}`);
    }
  });

  it('answers 500 to a request that is older than the last one, and does nothing with it', async () => {
    await start();
    const call = await established();
    const heard: string[] = [];
    call.onInfo = (_type, body) => heard.push(body) > 0;
    const key = (body: string) => ({ type: 'application/dtmf', body });
    server.deliver(inside('INFO', 5, key('1')));
    await server.sip('200');
    server.deliver(inside('INFO', 4, key('2')));
    await server.sip('500');
    server.deliver(inside('INFO', 6, key('3')));
    await server.sip('200');
    expect(heard).toEqual(['1', '3']);
  });

  it('shows the messages that the package lets it see', async () => {
    await start();
    const call = await established();
    server.deliver(inside('BYE', 2));
    await call.ended;
    expect(seen.map(line => line.replace(/sip:\S+ /, ''))).toEqual([
      'in INVITE SIP/2.0',
      'out SIP/2.0 200 OK',
      'in ACK SIP/2.0',
      'in BYE SIP/2.0',
    ]);
  });

  it('cannot call while the server is away, and says so', async () => {
    await start();
    server.drop();
    await server.until(() => server.connections === 0);
    await until(() => signalling.stats().connections === 0);
    const hop = { transport: 'tcp', address: '192.0.2.20', port: 5060 } as const;
    const call = signalling.call([hop], ours, { to: 'a', from: 'b', host: 'c', headers: [], ringMs: 1_000 });
    expect(await call.answered).toMatchObject({ ok: false, failure: { reason: 'trunk-unreachable' } });
  });

  it('gives a registration that never holds', async () => {
    await start();
    const told: [boolean, number][] = [];
    const registration = signalling.register(async () => [], {
      from: 'a',
      host: 'b',
      headers: [],
      seconds: 60,
      onChange: (registered, status) => void told.push([registered, status]),
    });
    await registration.stop();
    expect([registration.registered, told]).toEqual([false, [[false, 0]]]);
  });
});

describe('the drachtio backend that servers connect to', () => {
  const clock = new ManualClock();
  const calls: Dialogue[] = [];
  const refused: string[] = [];
  let admits = true;

  it('takes a call over a connection of its own, and lets go of that when it is over', async () => {
    let port = 0;
    const info = (_text: string, fields?: LogFields) => {
      port = Number(fields?.['port'] ?? port);
    };
    const signalling = new DrachtioSignalling({
      connection: {
        mode: 'outbound',
        listen: { address: '127.0.0.1', port: 0 },
        secret: 'good',
        admits: () => admits,
      },
      objection: () => undefined,
      clock,
      log: { ...silentLogger, info },
      onInvite: call => void calls.push(call),
      onRefused: (cause, address) => void refused.push(`${cause} ${address}`),
    });
    expect(await signalling.listen()).toEqual([]);
    const server = new FakeServer();
    server.serve(connect(port, '127.0.0.1'));
    expect((await server.next(({ kind }) => kind === 'authenticate')).fields[0]).toBe('good');
    server.deliver({ text: invite() });
    while (calls.length === 0) await new Promise(resolve => setImmediate(resolve));
    expect(signalling.stats()).toMatchObject({ connections: 1, dialogs: 1 });
    calls[0]?.reject(486, ending('agent-busy'));
    await server.sip('486');
    await server.until(() => server.connections === 0);

    server.serve(connect(port, '127.0.0.1'));
    await server.next(({ kind }) => kind === 'authenticate');
    server.deliver({ text: invite({ callId: 'two' }) });
    while (calls.length === 1) await new Promise(resolve => setImmediate(resolve));
    server.drop();
    expect((await calls[1]?.ended)?.reason).toBe('connection-lost');

    server.serve(connect(port, '127.0.0.1'));
    await server.next(({ kind }) => kind === 'authenticate');
    server.deliver({ text: invite({ callId: 'three' }) });
    while (calls.length === 2) await new Promise(resolve => setImmediate(resolve));
    void calls[2]?.answer(ours);
    await server.sip('200');
    // A BYE overtakes what came before it, for which there is no connection left then.
    const late = ['ACK', 'INVITE', 'BYE'].map((method, cseq) => ({
      text: request(method, { callId: 'three', toTag: 'server', cseq: cseq || 1, branch: `z9hG4bK${cseq}` }),
      dialog: dialogId,
      transaction: `in-${cseq}`,
    }));
    server.deliver(...late);
    expect((await calls[2]?.ended)?.reason).toBe('caller-hung-up');
    await server.until(() => server.connections === 0);

    admits = false;
    const stranger = new FakeServer();
    stranger.serve(connect(port, '127.0.0.1'));
    await stranger.until(() => stranger.connections === 0);
    expect(stranger.said).toEqual([]);
    expect(refused).toEqual(['source-not-allowed 127.0.0.1']);
    await signalling.close(0);
    expect(signalling.stats()).toEqual({ connections: 0, transactions: 0, dialogs: 0, timers: 0 });
  });

  it('says which address it cannot listen on', async () => {
    const taken = new FakeServer();
    await taken.listen();
    const signalling = new DrachtioSignalling({
      connection: {
        mode: 'outbound',
        listen: { address: '127.0.0.1', port: taken.port },
        secret: 'good',
        admits: () => true,
      },
      objection: () => undefined,
      clock,
      log: silentLogger,
      onInvite: () => undefined,
      onRefused: () => undefined,
    });
    await expect(signalling.listen()).rejects.toMatchObject({ code: 'listen-failed' });
    await signalling.close(0);
    await taken.close();
  });
});
