import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { generate } from 'selfsigned';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../../src/core/clock.ts';
import { silentLogger } from '../../../../../src/core/logger.ts';
import { EmbeddedSignalling } from '../../../../../src/sip/embedded/stack.ts';
import type { NextHop } from '../../../../../src/sip/signalling.ts';
import { freePort as closedPort } from '../../../../support/ports.ts';

interface Pair {
  readonly cert: string;
  readonly key: string;
}

async function certificate(name: string): Promise<Pair> {
  const made = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    curve: 'P-256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: name }] },
    ],
  });
  return { cert: made.cert, key: made.private };
}

let trunk: Pair;
let ours: Pair;
beforeAll(async () => {
  [trunk, ours] = (await Promise.all(['trunk.example', 'bridge.example'].map(certificate))) as [Pair, Pair];
});

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** A call of ours, in the name of `shown`, to a trunk that demands our certificate; what the trunk saw of it, and its end. */
async function call(
  shown: Pair | undefined,
  maxVersion: 'TLSv1.2' | 'TLSv1.3',
  other: Partial<NextHop> = {},
) {
  const server = tls.createServer({ ...trunk, ca: ours.cert, requestCert: true, maxVersion });
  const names: unknown[] = [];
  server.on('secureConnection', socket => {
    names.push(socket.getPeerCertificate().subject.CN);
    socket.on('error', () => undefined);
    socket.once('data', () => socket.destroy());
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => server.close());
  const stack = new EmbeddedSignalling({
    listen: [],
    ...(shown === undefined ? {} : { tls: shown }),
    admit: () => true,
    contactFor: () => ({ host: '203.0.113.5', port: 5061 }),
    clock: systemClock,
    log: silentLogger,
    onInvite: () => undefined,
    onRefused: () => undefined,
  });
  open.push(() => stack.close(0));
  const { port } = server.address() as AddressInfo;
  const hop = { transport: 'tls', address: '127.0.0.1', port, serverName: 'trunk.example', ca: trunk.cert };
  const end = await stack.call([{ ...hop, transport: 'tls', ...other }], 'v=0\r\n', {
    ...{ to: '+14155550123', from: '+14155550199', host: 'trunk.example', headers: [], ringMs: 20_000 },
  }).ended;
  return { names, end };
}

describe('a TLS connection that we open', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'shows our certificate to a peer that asks for one, over %s',
    async version => {
      const { names, end } = await call(ours, version);
      expect(names).toEqual(['bridge.example']);
      expect(end).toMatchObject({ reason: 'trunk-unreachable', detail: 'the connection broke' });
    },
  );

  it('says that the peer wanted one, also where that comes after the handshake', async () => {
    const { names, end } = await call(undefined, 'TLSv1.3');
    expect(names).toEqual([]);
    expect(end.reason).toBe('trunk-unreachable');
    expect(end.detail).toMatch(/^the peer ended TLS: .*certificate required/);
  });

  it('says where the certificate of the peer is not good, and which settings are about it', async () => {
    const { end } = await call(ours, 'TLSv1.3', { ca: ours.cert });
    expect(end.reason).toBe('trunk-unreachable');
    expect(end.detail).toMatch(/^127\.0\.0\.1 port \d+ over TLS: .*SELF_SIGNED_CERT.*tls_ca/);
    const { end: other } = await call(ours, 'TLSv1.3', { serverName: 'another.example' });
    expect(other.detail).toMatch(/ERR_TLS_CERT_ALTNAME_INVALID.*outbound_trunk_config: address/);
  });

  it('says where nothing listens', async () => {
    const { end } = await call(ours, 'TLSv1.3', { port: await closedPort() });
    expect(end.detail).toMatch(/^127\.0\.0\.1 port \d+ over TLS: .*ECONNREFUSED/);
  });
});
