import { setMaxListeners } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { loopbackCertificate } from '../../../src/sim/certificate.ts';
import { AddressGuard } from '../../../src/webhooks/address-guard.ts';
import {
  WebhookClient,
  type WebhookClientOptions,
  type WebhookRequest,
} from '../../../src/webhooks/client.ts';
import { webhookLimits } from '../../../src/webhooks/limits.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { type Answering, json, Receiver } from '../../support/receiver.ts';
import { until } from '../../support/until.ts';

const secret = 'Bearer must-not-show';
const timing = { connectMs: 5_000, firstByteMs: 5_000, totalMs: 10_000 };
const near = new AddressGuard(['127.0.0.0/8']);

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function client(options: Partial<WebhookClientOptions> = {}): WebhookClient {
  const made = new WebhookClient({ guard: () => near, clock: systemClock, ...options });
  closers.push(() => made.close());
  return made;
}

async function receiver(answering?: Answering, tls?: { key: string; cert: string }): Promise<Receiver> {
  const made = await Receiver.start(answering, tls);
  closers.push(() => made.close());
  return made;
}

/** Speaks TCP, and answers each piece that comes with bytes of the test's. */
async function raw(answer: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => answer(socket));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const asked = (url: string, more: Partial<WebhookRequest> = {}): WebhookRequest => ({
  url,
  headers: { authorization: secret },
  body: '{"a":1}',
  timing,
  answerBytes: 1_000,
  ...more,
});

/** The failure of a request, seen to hold nothing secret. */
async function failure(made: WebhookClient, request: WebhookRequest): Promise<string> {
  const result = await made.post(request);
  if (result.ok) throw new Error(`it was answered with ${result.value.status}`);
  const told = `${result.failure.stack} ${JSON.stringify(result.failure)} ${String(result.failure.cause)}`;
  expect(told).not.toMatch(/must-not-show|path-secret/);
  return `${result.failure.code}: ${result.failure.message}`;
}

describe('a request to the operator', () => {
  it('carries its headers and its body, and gives back what was answered', async () => {
    const server = await receiver(json({ hello: 'world' }, 202));
    const result = await client().post(asked(`${server.url}/hook?x=1`));
    expect(result).toMatchObject({ ok: true, value: { status: 202, contentType: 'application/json' } });
    expect(result.ok && result.value.body.toString()).toBe('{"hello":"world"}');
    const [got] = server.received;
    expect(got).toMatchObject({ path: '/hook?x=1', body: '{"a":1}' });
    expect(got?.headers).toMatchObject({ authorization: secret, 'content-length': '7' });
  });

  it('uses a connection again, and takes another when that one was closed meanwhile', async () => {
    const server = await receiver();
    const made = client();
    for (let i = 0; i < 3; i += 1) expect((await made.post(asked(server.url))).ok).toBe(true);
    expect(server.connections).toBe(1);
    // Closes it the moment it is used again, as a server does whose idle time is over.
    let uses = 0;
    const url = await raw(socket => {
      const answer = () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      answer();
      socket.on('data', () => {
        uses += 1;
        socket.resetAndDestroy();
      });
    });
    expect((await made.post(asked(url))).ok).toBe(true);
    expect((await made.post(asked(url))).ok).toBe(true);
    expect(uses).toBe(1);
  });

  it('checks the certificate of an https receiver', async () => {
    const own = await loopbackCertificate();
    const server = await receiver(json({}), own);
    expect(await failure(client(), asked(`${server.url}/path-secret`))).toMatch(
      /^webhook-certificate: .*SELF_SIGNED.*webhooks\.tls_ca/,
    );
    expect(server.received).toEqual([]);
    expect((await client({ ca: own.cert }).post(asked(server.url))).ok).toBe(true);
  });

  it('goes to nobody while too many are under way', async () => {
    const server = await receiver(() => undefined);
    const made = client();
    const stop = new AbortController();
    setMaxListeners(0, stop.signal);
    const all = Array.from({ length: webhookLimits.inFlight }, () =>
      made.post(asked(server.url, { signal: stop.signal })),
    );
    expect(await failure(made, asked(server.url))).toMatch(/^webhook-busy/);
    await until(() => server.received.length === webhookLimits.sockets, 'every connection to be used');
    stop.abort();
    const codes = (await Promise.all(all)).map(result => (result.ok ? '' : result.failure.code));
    expect(new Set(codes)).toEqual(new Set(['webhook-aborted']));
    expect(made.inFlight).toBe(0);
  });
});

describe('where a request may go', () => {
  it.each([
    'http://127.0.0.1:PORT/',
    'http://2130706433:PORT/',
    'http://0x7f.1:PORT/',
    'http://0177.0.0.1:PORT/',
    'http://127.1:PORT/',
    'http://[::ffff:127.0.0.1]:PORT/',
    'http://[::1]:PORT/',
  ])('is decided by the address that %s is', async pattern => {
    const server = await receiver();
    const url = pattern.replace('PORT', new URL(server.url).port);
    const strict = client({ guard: () => new AddressGuard([]) });
    expect(await failure(strict, asked(url))).toMatch(/^webhook-forbidden-address: .*this machine/);
    expect(server.connections).toBe(0);
  });

  it('is decided by every address of its name, before anything is connected to', async () => {
    const server = await receiver();
    const { port } = new URL(server.url);
    const addresses = ['127.0.0.1', '169.254.169.254'].map(address => ({ address, family: 4 as const }));
    const made = client({ resolve: async () => addresses });
    expect(await failure(made, asked(`http://crm.example:${port}/path-secret`))).toMatch(
      /^webhook-forbidden-address: .*link-local/,
    );
    expect(server.connections).toBe(0);
  });

  it('stays where the check was: a name that is answered differently the next time is not asked again', async () => {
    const server = await receiver();
    const answers = ['127.0.0.1', '169.254.169.254'];
    let questions = 0;
    const resolve = async () => [{ address: answers[questions++] ?? '', family: 4 as const }];
    const clock = new ManualClock();
    const made = client({ clock, resolve });
    const url = `http://rebinding.example:${new URL(server.url).port}/`;
    expect((await made.post(asked(url))).ok).toBe(true);
    expect(questions).toBe(1);
    expect(server.received).toHaveLength(1);
    // A new connection after the answer is out of date asks, and checks, once more.
    clock.advance(webhookLimits.lookupMs + 1);
    server.answer(response => response.socket?.destroy());
    expect(await failure(made, asked(url))).toMatch(/^webhook-(forbidden-address|reset)/);
    expect(await failure(made, asked(url))).toMatch(/^webhook-forbidden-address/);
  });

  it('is no other place: a redirect is an answer like any other', async () => {
    const target = await receiver();
    const server = await receiver(response =>
      response.writeHead(307, { location: `${target.url}/latest/meta-data` }).end(),
    );
    const result = await client().post(asked(server.url));
    expect(result).toMatchObject({ ok: true, value: { status: 307 } });
    expect(target.received).toEqual([]);
  });

  it('is decided anew for a connection that was kept when the configuration has changed', async () => {
    const server = await receiver();
    let guard = near;
    const made = client({ guard: () => guard });
    const url = server.url.replace('127.0.0.1', 'localhost');
    expect((await made.post(asked(url))).ok).toBe(true);
    guard = new AddressGuard([]);
    expect(await failure(made, asked(url))).toMatch(/^webhook-forbidden-address/);
    expect(server.received).toHaveLength(1);
  });

  it('is nowhere when the name has no address', async () => {
    expect(await failure(client({ resolve: async () => [] }), asked('http://crm.example/'))).toMatch(
      /^webhook-unresolved/,
    );
    const broken = client({ resolve: () => Promise.reject(new Error('path-secret')) });
    expect(await failure(broken, asked('http://crm.example/'))).toMatch(/^webhook-unresolved/);
  });
});

describe('a receiver that is slow', () => {
  /** Moves the clock as soon as the request has come. */
  async function late(answering: Answering, ms: number, more: Partial<WebhookRequest> = {}): Promise<string> {
    const clock = new ManualClock();
    const server = await receiver(answering);
    const told = failure(client({ clock }), asked(server.url, more));
    await server.count(1);
    clock.advance(ms);
    return await told;
  }

  it('is given up when it does not begin to answer', async () => {
    expect(await late(() => undefined, 5_000)).toBe('webhook-timeout: it did not begin to answer (5000 ms)');
  });

  it('is given up when its answer trickles for ever', async () => {
    const server = await receiver(response => {
      const more = setInterval(() => response.write('x'), 5);
      closers.push(() => clearInterval(more));
    });
    const told = await failure(client(), asked(server.url, { timing: { ...timing, totalMs: 150 } }));
    expect(told).toBe('webhook-timeout: it did not answer in time (150 ms)');
  });

  it('is given up when it cannot be connected to', async () => {
    const clock = new ManualClock();
    const made = client({ clock, resolve: () => new Promise(() => undefined) });
    const told = failure(made, asked('http://crm.example/'));
    clock.advance(5_000);
    expect(await told).toBe('webhook-timeout: it did not let itself be connected to (5000 ms)');
  });
});

describe('a receiver that is broken', () => {
  it.each<[string, string, RegExp]>([
    [
      'says that its answer is huge',
      'HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n',
      /^webhook-too-large/,
    ],
    [
      'sends more than it may',
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'3e8\r\n'}${'x'.repeat(1000)}\r\n1\r\nx\r\n0\r\n\r\n`,
      /^webhook-too-large/,
    ],
    ['promises more than it sends', 'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nshort', /^webhook-reset/],
    ['does not speak HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', /^webhook-bad-answer/],
    ['sends endless headers', `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`, /^webhook-bad-answer/],
    ['closes without a word', '', /^webhook-reset/],
  ])('is a failure when it %s', async (_title, bytes, told) => {
    const url = await raw(socket => socket.end(bytes));
    expect(await failure(client(), asked(url))).toMatch(told);
  });

  it('is a failure when it resets the connection', async () => {
    const url = await raw(socket => socket.resetAndDestroy());
    expect(await failure(client(), asked(url))).toMatch(/^webhook-reset/);
  });

  it('is a failure when nothing listens', async () => {
    const url = await raw(() => undefined);
    for (const close of closers.splice(0)) await close();
    expect(await failure(client(), asked(`${url}path-secret`))).toBe(
      'webhook-unreachable: it cannot be reached (ECONNREFUSED)',
    );
  });

  it('counts as heard by its status where the answer itself means nothing', async () => {
    const server = await receiver(response => response.end('x'.repeat(5_000)));
    const result = await client().post(asked(server.url, { cutAnswer: true }));
    expect(result).toMatchObject({ ok: true, value: { status: 200 } });
  });
});
