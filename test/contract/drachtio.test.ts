import { generate } from 'selfsigned';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { ending } from '../../src/core/ending.ts';
import { type LogFields, silentLogger } from '../../src/core/logger.ts';
import { type DrachtioOptions, DrachtioSignalling } from '../../src/sip/drachtio/signalling.ts';
import type { Dialogue, ListenAddress } from '../../src/sip/signalling.ts';
import {
  accepting,
  answerTo,
  invite,
  offer,
  type RequestSpec,
  request,
  toTagOf,
} from '../unit/sip/embedded/messages.ts';
import { DrachtioRouter } from './drachtio-router.ts';
import { DrachtioServer, findDrachtio } from './drachtio-server.ts';
import { SipClient } from './sip-client.ts';

const origin = findDrachtio();
const contact = '<sip:alice@127.0.0.1:5062;transport=tcp>';

const held = `${offer}a=recvonly\r\n`;

/** What takes half a minute or more comes after half a second: the intervals of sessions, of which 90 s is the least. */
const hurried: Clock = {
  ...systemClock,
  timer: (ms, fire) => systemClock.timer(ms < 30_000 ? ms : ms / 60, fire),
};

/** What holds of a real drachtio-server beyond what every backend does. */
describe.skipIf(origin.kind === 'none')('a real drachtio-server', () => {
  const server = new DrachtioServer(origin);
  let signalling: DrachtioSignalling;
  let clients: SipClient[] = [];
  let calls: Dialogue[] = [];
  let where: readonly ListenAddress[] = [];
  let come: () => void = () => undefined;

  beforeAll(async () => {
    const made = await generate([{ name: 'commonName', value: 'localhost' }], { keySize: 2048 });
    await server.start({ cert: made.cert, key: made.private });
  });
  afterAll(async () => await server.stop());

  function create(options: Partial<DrachtioOptions> = {}): DrachtioSignalling {
    calls = [];
    signalling = new DrachtioSignalling({
      connection: { mode: 'inbound', ...server.admin },
      objection: () => undefined,
      clock: systemClock,
      log: silentLogger,
      onInvite: call => {
        calls.push(call);
        come();
      },
      onRefused: () => undefined,
      ...options,
    });
    return signalling;
  }

  async function start(options: Partial<DrachtioOptions> = {}): Promise<SipClient> {
    where = await create(options).listen();
    return caller();
  }

  async function caller(): Promise<SipClient> {
    const tcp = where.find(({ transport }) => transport === 'tcp');
    if (tcp === undefined) throw new Error('nothing listens on tcp');
    const client = await SipClient.connect(tcp);
    clients.push(client);
    return client;
  }

  const arrived = () =>
    calls.length > 0
      ? Promise.resolve()
      : new Promise<void>(resolve => {
          come = resolve;
        });

  async function established(
    client: SipClient,
    spec: RequestSpec = {},
  ): Promise<{ call: Dialogue; toTag: string }> {
    client.send(invite({ contact, ...spec }));
    await arrived();
    const call = calls[0];
    if (call === undefined) throw new Error('no call came');
    const answered = call.answer(offer);
    const toTag = toTagOf(await client.response(200));
    client.send(request('ACK', { contact, toTag, branch: 'z9hG4bKack' }));
    expect((await answered).ok).toBe(true);
    return { call, toTag };
  }

  afterEach(async () => {
    for (const client of clients.splice(0)) client.end();
    clients = [];
    await signalling.close(200);
    expect(signalling.stats()).toEqual({ connections: 0, transactions: 0, dialogs: 0, timers: 0 });
  });

  it('is told a wrong secret once at the start, and not four times a second', async () => {
    create({ connection: { mode: 'inbound', ...server.admin, secret: 'wrong' } });
    await expect(signalling.listen()).rejects.toMatchObject({ code: 'drachtio-secret' });
  });

  it.skipIf(!server.ours)(
    'takes every call with it when it dies, and gets new ones when it is back',
    async () => {
      const client = await start();
      const { call } = await established(client);
      await server.kill();
      expect((await call.ended).reason).toBe('connection-lost');
      expect(signalling.stats().dialogs).toBe(0);
      await server.restart();
      while (signalling.stats().connections === 0) await new Promise(resolve => setTimeout(resolve, 20));
      calls = [];
      const again = await established(await caller());
      again.call.hangup(ending('agent-ended-call'));
    },
  );

  it.skipIf(!server.ours)('is waited for when it is not there yet', async () => {
    await server.kill();
    create({ limits: { firstLinkMs: 100, retryMostMs: 100 } });
    expect(await signalling.listen()).toEqual([]);
    await server.restart();
    while (signalling.stats().connections === 0) await new Promise(resolve => setTimeout(resolve, 20));
  });

  it('looks at no Require, so that is done here', async () => {
    const client = await start();
    client.send(invite({ contact, headers: ['Require: 100rel'] }));
    expect((await client.response(420)).headers.get('Unsupported')).toBe('100rel');
    client.send(invite({ contact, callId: 'two', branch: 'z9hG4bK2', headers: ['Require: foo'] }));
    expect((await client.response(420)).headers.get('Unsupported')).toBe('foo');
    expect(calls).toEqual([]);
  });

  it('never sees a 200 for a caller that has no Contact', async () => {
    const client = await start();
    client.send(invite({ contact: null }));
    expect((await client.response(400)).status).toBe(400);
    expect(calls).toEqual([]);
  });

  it('hands over the header fields as they came, repeated ones too', async () => {
    const client = await start();
    client.send(
      invite({
        contact,
        headers: ['X-CALL-ID: one', 'X-List: a', 'X-List: b, c', 'History-Info: <sip:a@b>'],
      }),
    );
    await arrived();
    const fields = calls[0]?.facts.headers.filter(({ name }) => /^x-|^history/i.test(name));
    expect(fields).toEqual([
      { name: 'X-CALL-ID', value: 'one' },
      { name: 'X-List', value: 'a' },
      { name: 'X-List', value: 'b, c' },
      { name: 'History-Info', value: '<sip:a@b>' },
    ]);
    calls[0]?.reject(486, ending('agent-busy'), { retryAfter: 7, warning: 'all taken' });
    const busy = await client.response(486);
    expect(busy.headers.get('Retry-After')).toBe('7');
    expect(busy.headers.get('Warning')).toBe('399 trunkbridge "all taken"');
  });

  it('asks the gate, which may challenge', async () => {
    const asked: string[] = [];
    const client = await start({
      gate: facts => {
        asked.push(`${facts.method} ${facts.requestUser} ${facts.header('X-Two').join('|')}`);
        const headers = [['WWW-Authenticate', 'Digest realm="us"']] as const;
        return { verdict: 'refuse', status: 401, end: ending('credentials-missing'), headers };
      },
    });
    client.send(invite({ contact, headers: ['X-Two: a', 'X-Two: b'] }));
    const challenge = await client.response(401);
    expect(challenge.headers.get('WWW-Authenticate')).toBe('Digest realm="us"');
    expect(asked).toEqual(['INVITE +18005550100 a|b']);
    expect(calls).toEqual([]);
  });

  it('transfers the caller, and is told how that went', async () => {
    const client = await start();
    const { call, toTag } = await established(client);
    const heard: number[] = [];
    const transferred = call.refer({
      uri: 'sip:+14155550199@127.0.0.1',
      headers: [{ name: 'X-Why', value: 'asked' }],
      onProgress: status => void heard.push(status),
    });
    const refer = await client.next(message => message.kind === 'request' && message.method === 'REFER');
    if (refer.kind !== 'request') throw new Error('not a request');
    expect(refer.headers.get('Refer-To')).toBe('<sip:+14155550199@127.0.0.1>');
    expect(refer.headers.get('X-Why')).toBe('asked');
    client.send(answerTo(refer, 202));
    const notify = (cseq: number, state: string, body: string) =>
      request('NOTIFY', {
        contact,
        toTag,
        cseq,
        branch: `z9hG4bKn${cseq}`,
        headers: ['Event: refer', `Subscription-State: ${state}`],
        type: 'message/sipfrag',
        body,
      });
    client.send(notify(2, 'active', 'SIP/2.0 180 Ringing\r\n'));
    await client.response(200);
    client.send(notify(3, 'terminated', 'SIP/2.0 200 OK\r\n'));
    await client.response(200);
    expect(await transferred).toEqual({ ok: true, value: undefined });
    expect(heard).toEqual([180]);
    client.send(notify(4, 'active', 'SIP/2.0 180 Ringing\r\n'));
    await client.response(481);
  });

  it('is no longer asked to refresh a session: that is done here, whatever the caller has left out', async () => {
    const headers = ['Supported: timer'];
    const client = await start({ clock: hurried });
    const wish = 'Session-Expires: 90;refresher=uas';
    const { call, toTag } = await established(client, { headers: [...headers, wish] });
    call.onReoffer = async () => ({ sdp: held });
    client.send(invite({ contact, toTag, cseq: 2, branch: 'z9hG4bK2', headers }));
    expect((await client.response(200)).headers.get('Session-Expires')).toBe('90;refresher=uas');
    client.send(request('ACK', { contact, toTag, cseq: 2, branch: 'z9hG4bKa2' }));
    for (let times = 0; times < 2; times++) {
      const refreshed = new Promise<string>(resolve => {
        call.onRefreshed = resolve;
      });
      const refresh = await client.next(message => message.kind === 'request' && message.method === 'INVITE');
      if (refresh.kind !== 'request') throw new Error('not a request');
      expect(refresh.headers.get('Session-Expires')).toBe('90;refresher=uac');
      expect(refresh.body.toString()).toBe(held);
      client.send(accepting(refresh, offer, ['Session-Expires: 90;refresher=uac']));
      expect(await refreshed).toBe(offer);
    }
    // Nobody answers any more.
    expect((await call.ended).reason).toBe('session-expired');
  });

  it('lets nobody be called by a REFER of the caller', async () => {
    const client = await start();
    const { toTag } = await established(client);
    client.send(
      request('REFER', { contact, toTag, cseq: 2, branch: 'z9hG4bKr', headers: ['Refer-To: <sip:a@b>'] }),
    );
    await client.response(603);
  });

  it('tells of a CANCEL with its reason', async () => {
    const client = await start();
    client.send(invite({ contact }));
    await arrived();
    client.send(request('CANCEL', { contact, headers: ['Reason: SIP;cause=200;text="elsewhere"'] }));
    await client.response(487);
    expect(await calls[0]?.ended).toEqual(ending('caller-cancelled', 'SIP cause 200'));
    expect(await calls[0]?.answer(offer)).toMatchObject({ ok: false, failure: { code: 'cancelled' } });
  });

  it('survives an answer that fits nothing any more', async () => {
    const client = await start();
    const { call, toTag } = await established(client);
    client.send(request('BYE', { contact, toTag, cseq: 2, branch: 'z9hG4bKb' }));
    await client.response(200);
    await call.ended;
    call.hangup(ending('agent-ended-call'));
    call.reject(486, ending('agent-busy'));
    expect(await call.reoffer(() => offer)).toMatchObject({ ok: false, failure: { code: 'gone' } });
    client.send(request('BYE', { contact, toTag, cseq: 3, branch: 'z9hG4bKc' }));
    await client.response(481);
  });
});

describe.skipIf(origin.kind !== 'program')('a real drachtio-server that connects to us', () => {
  it('gives each call over a connection of its own, which is closed when the call is over', async () => {
    const router = await DrachtioRouter.open();
    const server = new DrachtioServer(origin);
    const made = await generate([{ name: 'commonName', value: 'localhost' }], { keySize: 2048 });
    await server.start({ cert: made.cert, key: made.private }, router.configuration);

    let take: (call: Dialogue) => void = () => undefined;
    const arrived = new Promise<Dialogue>(resolve => {
      take = resolve;
    });
    const info = (_text: string, fields?: LogFields) => {
      router.port = Number(fields?.['port'] ?? router.port);
    };
    const signalling = new DrachtioSignalling({
      connection: {
        mode: 'outbound',
        listen: { address: '127.0.0.1', port: 0 },
        secret: server.admin.secret,
        admits: () => true,
      },
      objection: () => undefined,
      clock: systemClock,
      log: { ...silentLogger, info },
      onInvite: call => take(call),
      onRefused: () => undefined,
    });
    await signalling.listen();
    const client = await SipClient.connect({ transport: 'tcp', address: '127.0.0.1', port: server.port });
    client.send(invite({ contact }));
    const call = await arrived;
    expect(router.asked.map(query => query.get('method'))).toEqual(['INVITE']);
    expect(signalling.stats()).toMatchObject({ connections: 1, dialogs: 1 });
    const answered = call.answer(offer);
    const toTag = toTagOf(await client.response(200));
    client.send(request('ACK', { contact, toTag, branch: 'z9hG4bKack' }));
    expect(await answered).toEqual({ ok: true, value: {} });
    call.hangup(ending('agent-ended-call'));
    const bye = await client.next(message => message.kind === 'request' && message.method === 'BYE');
    if (bye.kind === 'request') client.send(answerTo(bye, 200));
    expect(await call.ended).toEqual(ending('agent-ended-call'));
    while (signalling.stats().connections > 0) await new Promise(resolve => setTimeout(resolve, 10));
    client.end();
    await signalling.close(0);
    await server.stop();
    router.close();
    expect(signalling.stats()).toEqual({ connections: 0, transactions: 0, dialogs: 0, timers: 0 });
  });
});
