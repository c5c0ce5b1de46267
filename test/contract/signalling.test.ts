import { generate } from 'selfsigned';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ending } from '../../src/core/ending.ts';
import type { Dialogue, ListenAddress } from '../../src/sip/signalling.ts';
import { answerTo, invite, offer, request, toTagOf } from '../unit/sip/embedded/messages.ts';
import { type Backend, backends, type Setting } from './backends.ts';
import { anyCertificate, SipClient } from './sip-client.ts';

let pem = { cert: '', key: '' };

beforeAll(async () => {
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keySize: 2048,
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
    ],
  });
  pem = { cert: made.cert, key: made.private };
});

describe.each(backends)('signalling over $name', backend => {
  beforeAll(async () => await backend.start?.(pem));
  afterAll(async () => await backend.stop?.());

  const clients: SipClient[] = [];
  let signalling: ReturnType<Backend['create']>;
  let calls: Dialogue[] = [];
  let refused: string[] = [];
  /** Settles with the first call: a 100 may come before anybody here has heard of the INVITE. */
  let arrived: Promise<void> = Promise.resolve();
  let where: readonly ListenAddress[] = [];

  async function start(options: Partial<Pick<Setting, 'onInvite' | 'admit' | 'limits'>> = {}): Promise<void> {
    calls = [];
    refused = [];
    let come: () => void = () => undefined;
    arrived = new Promise(resolve => {
      come = resolve;
    });
    const take = options.onInvite ?? (() => undefined);
    signalling = backend.create({
      ...options,
      refused,
      pem,
      onInvite: call => {
        calls.push(call);
        take(call);
        come();
      },
    });
    where = await signalling.listen();
  }

  async function peer(transport: 'tcp' | 'tls' = 'tcp'): Promise<SipClient> {
    const address = where.find(listening => listening.transport === transport);
    if (address === undefined) throw new Error(`nothing listens on ${transport}`);
    const client = await SipClient.connect(address, backend.ownsCertificate ? anyCertificate : pem.cert);
    clients.push(client);
    return client;
  }

  function call(): Dialogue {
    const last = calls.at(-1);
    if (last === undefined) throw new Error('no call came');
    return last;
  }

  /** OPTIONS still gets its 200: the connection, and the daemon behind it, are well. */
  async function alive(client: SipClient): Promise<void> {
    client.send(request('OPTIONS', { branch: `z9hG4bKalive${Math.random()}`, callId: 'alive' }));
    await client.response(200);
  }

  afterEach(async () => {
    for (const client of clients.splice(0)) client.end();
    await signalling.close(200);
    const stats = signalling.stats?.();
    if (stats !== undefined) expect(Object.values(stats)).toEqual([0, 0, 0, 0]);
  });

  it.each(['tcp', 'tls'] as const)('carries a call from INVITE to BYE over %s', async transport => {
    await start({ onInvite: dialogue => dialogue.ring() });
    const client = await peer(transport);
    client.send(invite());
    await client.response(100);
    await arrived;
    const ringing = await client.response(180);
    expect(ringing.headers.get('Contact')).toContain(`;transport=${transport}>`);
    expect(call().facts.source).toMatchObject({ transport, address: '127.0.0.1', localAddress: '127.0.0.1' });
    const answered = call().answer(offer);
    const toTag = toTagOf(await client.response(200));
    client.send(request('ACK', { toTag, branch: 'z9hG4bKack' }));
    expect(await answered).toEqual({ ok: true, value: {} });
    client.send(request('BYE', { toTag, cseq: 2, branch: 'z9hG4bKbye' }));
    await client.response(200);
    expect(await call().ended).toEqual(ending('caller-hung-up'));
  });

  it('hangs up with a BYE over the connection of the call', async () => {
    await start();
    const client = await peer('tls');
    client.send(invite());
    await client.response(100);
    await arrived;
    const answered = call().answer(offer);
    const toTag = toTagOf(await client.response(200));
    client.send(request('ACK', { toTag, branch: 'z9hG4bKack' }));
    await answered;
    call().hangup(ending('agent-ended-call'));
    const bye = await client.next(message => message.kind === 'request');
    if (bye.kind !== 'request') throw new Error('not a request');
    expect(bye.method).toBe('BYE');
    client.send(answerTo(bye, 200));
    expect(await call().ended).toEqual(ending('agent-ended-call'));
  });

  it('answers 2,000 pipelined OPTIONS in their order', async () => {
    await start();
    const client = await peer();
    const all = Array.from({ length: 2_000 }, (_, i) =>
      request('OPTIONS', { branch: `z9hG4bK${i}`, callId: `ping-${i}`, cseq: i + 1 }),
    );
    client.send(all.join(''));
    await client.until(() => client.messages.length === 2_000);
    expect(client.messages.map(message => message.headers.get('Call-ID'))).toEqual(
      all.map((_, i) => `ping-${i}`),
    );
  });

  it('takes one call from five copies of an INVITE', async () => {
    await start({ onInvite: dialogue => dialogue.ring() });
    const client = await peer();
    client.send(invite().repeat(5));
    const ringing = () => client.messages.filter(m => m.kind === 'response' && m.status === 180).length;
    await client.until(() => ringing() === (backend.can.answersCopies ? 5 : 1));
    await alive(client);
    expect(calls).toHaveLength(1);
  });

  it('answers a stray BYE with 481 and a stray ACK not at all', async () => {
    await start();
    const client = await peer();
    client.send(request('ACK', { toTag: 'nobody', branch: 'z9hG4bK1' }));
    client.send(request('BYE', { toTag: 'nobody', branch: 'z9hG4bK2' }));
    await client.response(481);
    await alive(client);
    expect(client.messages).toEqual([]);
  });

  it('ends each race of CANCEL and answer in exactly one way', async () => {
    await start({ onInvite: dialogue => void setImmediate(() => void dialogue.answer(offer)) });
    const client = await peer();
    const finals = (i: number) =>
      client.messages.filter(
        m =>
          m.kind === 'response' &&
          m.status >= 200 &&
          m.headers.get('Call-ID') === `race-${i}` &&
          m.headers.get('CSeq') === '1 INVITE',
      );
    const count = 100;
    for (let i = 0; i < count; i++) {
      const spec = { callId: `race-${i}`, branch: `z9hG4bKrace${i}` };
      client.send(invite(spec));
      if (i % 2 === 0) client.send(request('CANCEL', spec));
      else setImmediate(() => client.send(request('CANCEL', spec)));
    }
    for (let i = 0; i < count; i++) await client.until(() => finals(i).length > 0);
    const statuses = Array.from({ length: count }, (_, i) => {
      const first = finals(i)[0];
      return first?.kind === 'response' ? first.status : 0;
    });
    expect(statuses.filter(status => status !== 200 && status !== 487)).toEqual([]);
    expect(statuses).toContain(487);
    // Those that were answered are acknowledged and hung up; then nothing is left.
    for (let i = 0; i < count; i++) {
      const final = finals(i)[0];
      if (final?.kind !== 'response') continue;
      const spec = { callId: `race-${i}`, toTag: toTagOf(final) };
      if (final.status === 200) {
        client.send(request('ACK', { ...spec, branch: `z9hG4bKa${i}` }));
        client.send(request('BYE', { ...spec, cseq: 2, branch: `z9hG4bKb${i}` }));
      } else client.send(request('ACK', { ...spec, branch: `z9hG4bKrace${i}` }));
    }
    const ends = await Promise.all(calls.map(one => one.ended));
    const expected = ['caller-cancelled', 'caller-hung-up'];
    expect(ends.filter(end => !expected.includes(end.reason))).toEqual([]);
  });

  it.skipIf(!backend.can.guardsConnections)(
    'closes a connection that sends half a message and then nothing',
    async () => {
      await start({ limits: { messageMs: 50 } });
      const client = await peer();
      await alive(client);
      client.send(invite().slice(0, 300));
      await client.until(() => client.closed);
      expect(refused).toEqual(['message-timeout']);
    },
  );

  it.skipIf(!backend.can.guardsConnections)(
    'answers a Content-Length of 10 MB with 413 and closes',
    async () => {
      await start();
      const client = await peer();
      const other = await peer();
      client.send(invite().replace(/Content-Length: \d+/, 'Content-Length: 10000000'));
      await client.response(413);
      await client.until(() => client.closed);
      await alive(other);
    },
  );

  it.skipIf(!backend.can.guardsConnections)(
    'lives through garbage, and so do the calls of others',
    async () => {
      await start();
      const other = await peer();
      other.send(invite());
      await other.response(100);
      await arrived;
      for (const garbage of [
        '\0'.repeat(5_000),
        'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
        '\x16\x03\x01\x02\x00'.repeat(999),
      ]) {
        const client = await peer();
        client.send(garbage);
        client.socket.end();
        await client.until(() => client.closed);
      }
      if (backend.tls) {
        const tcp = where.find(listening => listening.transport === 'tls');
        if (tcp === undefined) throw new Error('nothing listens on tls');
        const client = await SipClient.connect({ ...tcp, transport: 'tcp' });
        clients.push(client);
        client.send('OPTIONS sip:x SIP/2.0\r\n\r\n'.repeat(100));
        await client.until(() => client.closed);
      }
      await alive(other);
      call().ring();
      await other.response(180);
    },
  );

  it.skipIf(!backend.can.guardsConnections)(
    'refuses a peer that is not allowed before it can say a word',
    async () => {
      await start({ admit: () => false });
      for (const transport of ['tcp', 'tls'] as const) {
        const client = await peer(transport).catch(() => undefined);
        await client?.until(() => client.closed);
        expect(client?.messages ?? []).toEqual([]);
      }
      await new Promise(resolve => setImmediate(resolve));
      expect(refused).toEqual(['source-not-allowed', 'source-not-allowed']);
    },
  );

  it.skipIf(!backend.can.guardsConnections)(
    'lets no source have more connections than its share',
    async () => {
      await start({ limits: { connectionsPerSource: 2 } });
      const first = await peer();
      await alive(first);
      await alive(await peer());
      const third = await peer();
      await third.until(() => third.closed);
      expect(refused).toEqual(['too-many-connections']);
      first.end();
      await first.until(() => first.closed);
      // The place is free as soon as the other side has seen the end.
      let again = await peer();
      await Promise.race([alive(again).catch(() => undefined), again.until(() => again.closed)]);
      while (again.closed) {
        again = await peer();
        await Promise.race([alive(again).catch(() => undefined), again.until(() => again.closed)]);
      }
    },
  );

  it.skipIf(!backend.can.noticesLostCaller)(
    'never dials the Via of a peer whose connection is gone',
    async () => {
      await start();
      const { createServer } = await import('node:net');
      let dialled = 0;
      const trap = createServer(() => void dialled++).listen(0, '127.0.0.1');
      await new Promise(resolve => trap.once('listening', resolve));
      const address = trap.address();
      const port = typeof address === 'object' ? address?.port : 0;
      const client = await peer();
      client.send(invite({ via: `Via: SIP/2.0/TCP 127.0.0.1:${port};branch=z9hG4bKtrap` }));
      await client.response(100);
      await arrived;
      client.end();
      expect((await call().ended).reason).toBe('connection-lost');
      await alive(await peer());
      expect(dialled).toBe(0);
      await new Promise(resolve => trap.close(resolve));
    },
  );

  it.skipIf(!backend.can.reopensConnections).each(['tcp', 'tls'] as const)(
    'asks an allowed peer over a new %s connection whether the call is up, and hangs up when it is not',
    async transport => {
      await start();
      const listener = await listen(transport);
      const client = await peer(transport);
      client.send(invite({ contact: `<sip:alice@127.0.0.1:${listener.port};transport=${transport}>` }));
      await client.response(100);
      await arrived;
      const answered = call().answer(offer);
      client.send(request('ACK', { toTag: toTagOf(await client.response(200)), branch: 'z9hG4bKack' }));
      await answered;
      client.end();
      const accepted = await listener.accepted;
      const asked = async (method: string, status: number) => {
        const ours = await accepted.next(message => message.kind === 'request' && message.method === method);
        if (ours.kind === 'request') accepted.send(answerTo(ours, status));
      };
      await asked('OPTIONS', 481);
      await asked('BYE', 481);
      expect((await call().ended).reason).toBe('connection-lost');
      listener.close();
    },
  );

  /** A peer that can be connected to. */
  async function listen(transport: 'tcp' | 'tls') {
    const net = await import('node:net');
    const tls = await import('node:tls');
    const server = transport === 'tls' ? tls.createServer(pem) : net.createServer();
    const accepted = new Promise<SipClient>(resolve => {
      server.once(transport === 'tls' ? 'secureConnection' : 'connection', socket => {
        const client = new SipClient(socket);
        clients.push(client);
        resolve(client);
      });
    });
    await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', () => resolve()));
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    return { port, accepted, close: () => server.close() };
  }

  it('loses nothing over 200 connections that are reset with ten INVITEs each', async () => {
    await start({ onInvite: dialogue => void dialogue.answer(offer) });
    for (let round = 0; round < 10; round++) {
      const group = await Promise.all(Array.from({ length: 20 }, () => peer()));
      for (const [i, client] of group.entries()) {
        for (let n = 0; n < 10; n++) {
          const name = `${round}-${i}-${n}`;
          client.send(invite({ callId: `rst-${name}`, branch: `z9hG4bK${name}` }));
        }
        if (i % 2 === 0) await client.until(() => client.messages.length > 0);
        client.socket.resetAndDestroy();
      }
    }
    await alive(await peer());
  });

  it('says 503 once it drains, and BYE when it closes', async () => {
    await start();
    const client = await peer();
    client.send(invite());
    await client.response(100);
    await arrived;
    const answered = call().answer(offer);
    client.send(request('ACK', { toTag: toTagOf(await client.response(200)), branch: 'z9hG4bKack' }));
    await answered;
    signalling.drain();
    client.send(request('OPTIONS', { branch: 'z9hG4bKoptions', callId: 'drained' }));
    expect((await client.response(503)).headers.has('Retry-After')).toBe(backend.can.namesRetry);
    const closing = signalling.close(5_000);
    const bye = await client.next(message => message.kind === 'request');
    if (bye.kind === 'request') client.send(answerTo(bye, 200));
    await closing;
    expect(await call().ended).toEqual(ending('shutdown'));
  });
});
