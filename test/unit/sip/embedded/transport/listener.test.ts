import { X509Certificate } from 'node:crypto';
import { connect as connectTcp } from 'node:net';
import tls from 'node:tls';
import { generate } from 'selfsigned';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../../src/core/clock.ts';
import { type StackLimits, stackLimits } from '../../../../../src/sip/embedded/limits.ts';
import { Census } from '../../../../../src/sip/embedded/transport/census.ts';
import {
  type ClientCertificate,
  Listener,
  type TlsMaterial,
} from '../../../../../src/sip/embedded/transport/listener.ts';
import type { Wire } from '../../../../../src/sip/embedded/transport/wire.ts';
import { until } from '../../../../support/until.ts';

interface Pair {
  readonly cert: string;
  readonly key: string;
}

async function certificate(name: string, ca?: Pair): Promise<Pair> {
  const made = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    curve: 'P-256',
    ...(ca === undefined ? {} : { ca }),
    extensions: [
      { name: 'basicConstraints', cA: ca === undefined, critical: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: name }] },
    ],
  });
  return { cert: made.cert, key: made.private };
}

let authority: Pair;
let one: Pair;
let two: Pair;
let named: Pair;
let client: Pair;
let strange: Pair;
beforeAll(async () => {
  authority = await certificate('authority.example');
  [one, two, named, client] = (await Promise.all(
    ['one.example', 'two.example', 'named.example', 'pbx.example.com'].map(name =>
      certificate(name, authority),
    ),
  )) as [Pair, Pair, Pair, Pair];
  strange = await certificate('pbx.example.com');
});

const open: { close(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

async function setup(
  material: TlsMaterial,
  clientCertificate: ClientCertificate = 'none',
  limits: Partial<StackLimits> = {},
  wanted = 0,
) {
  const refused: string[] = [];
  const wires: Wire[] = [];
  const all = { ...stackLimits, ...limits };
  const census = new Census(systemClock, all);
  const listener = new Listener(
    { transport: 'tls', address: '127.0.0.1', port: wanted, clientCertificate },
    {
      clock: systemClock,
      limits: all,
      census,
      objection: () => undefined,
      onWire: wire => {
        wires.push(wire);
        wire.listen({ data: bytes => wire.write(bytes), closed: () => undefined });
      },
      onRefused: cause => void refused.push(cause),
    },
    material,
  );
  const { port } = await listener.open();
  open.push({
    close() {
      listener.close();
      census.destroyAll();
    },
  });
  const dial = (options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> =>
    new Promise((resolve, reject) => {
      const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
      // In TLS 1.3 a server says only afterwards that it does not like the client: an echo shows that it does.
      socket.once('secureConnect', () => socket.write('x'));
      socket.once('data', () => resolve(socket));
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('closed')));
    });
  const shown = async (options: tls.ConnectionOptions = {}) => {
    const socket = await dial(options);
    const names = new X509Certificate(socket.getPeerCertificate().raw).subjectAltName;
    socket.destroy();
    return names;
  };
  return { listener, port, refused, wires, dial, shown, census };
}

describe('a TLS listener', () => {
  it('says what is wrong with an address that it cannot have, and which setting names it', async () => {
    const { port } = await setup(one);
    await expect(setup(one, 'none', {}, port)).rejects.toThrow(
      `SIP over TLS cannot be listened for on 127.0.0.1 port ${port}: another program listens there. Change SIP_LISTEN.`,
    );
  });

  it('speaks TLS 1.2 and 1.3, and nothing older', async () => {
    const { dial, refused } = await setup(one);
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await dial({ minVersion: version, maxVersion: version });
      expect(socket.getProtocol()).toBe(version);
      socket.destroy();
    }
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
    await expect(dial(old)).rejects.toThrow();
    await until(() => refused.includes('handshake-failed') || undefined, 'the refusal');
  });

  it('shows the certificate of the name that was asked for, else its own', async () => {
    const names = ['named.example', '*.wild.example'];
    const { shown } = await setup({ ...one, named: [{ ...named, names }] });
    expect(await shown({ servername: 'named.example' })).toBe('DNS:named.example');
    expect(await shown({ servername: 'NAMED.example' })).toBe('DNS:named.example');
    expect(await shown({ servername: 'a.wild.example' })).toBe('DNS:named.example');
    expect(await shown({ servername: 'a.b.wild.example' })).toBe('DNS:one.example');
    expect(await shown({ servername: 'other.example' })).toBe('DNS:one.example');
    expect(await shown()).toBe('DNS:one.example');
  });

  it('shows another certificate from one moment to the next, while connections that are up stay', async () => {
    const { listener, dial, shown } = await setup({
      ...one,
      named: [{ ...named, names: ['named.example'] }],
    });
    const before = await dial();
    listener.setSecureContext({ ...two, named: [{ ...one, names: ['named.example'] }] });
    expect(await shown()).toBe('DNS:two.example');
    expect(await shown({ servername: 'named.example' })).toBe('DNS:one.example');
    const echoed = new Promise(resolve => before.once('data', chunk => resolve(chunk.toString())));
    before.write('still here');
    expect(await echoed).toBe('still here');
    before.destroy();
  });

  it('keeps what it has when it is given what cannot be used', async () => {
    const { listener, shown } = await setup(one);
    expect(() => listener.setSecureContext({ cert: two.cert, key: one.key })).toThrow();
    expect(() =>
      listener.setSecureContext({ ...two, named: [{ cert: 'x', key: 'y', names: ['a'] }] }),
    ).toThrow();
    expect(await shown()).toBe('DNS:one.example');
  });
});

describe('a certificate of the client', () => {
  const withCa = () => ({ ...one, ca: authority.cert });

  it('is not asked for unless it is wanted', async () => {
    const { dial, wires } = await setup(withCa());
    (await dial({ ...client })).destroy();
    expect(wires[0]?.source).not.toHaveProperty('certificateNames');
  });

  it('gives its names when it is good, over TLS 1.2 and 1.3 and when a session is taken up again', async () => {
    const { dial, wires } = await setup(withCa(), 'optional');
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const versions = { minVersion: version, maxVersion: version };
      const socket = await dial({ ...client, ...versions });
      const session = socket.getSession();
      socket.destroy();
      (await dial({ ...client, ...versions, ...(session === undefined ? {} : { session }) })).destroy();
    }
    expect(wires.map(({ source }) => source.certificateNames)).toEqual(Array(4).fill(['pbx.example.com']));
  });

  it('that nobody vouches for gives no names, and neither does none', async () => {
    const { dial, wires } = await setup(withCa(), 'optional');
    (await dial({ ...strange })).destroy();
    (await dial()).destroy();
    expect(wires.map(({ source }) => source.certificateNames)).toEqual([undefined, undefined]);
  });

  it('is demanded where it is required', async () => {
    const { dial, wires } = await setup(withCa(), 'required');
    await expect(dial()).rejects.toThrow();
    await expect(dial({ ...strange })).rejects.toThrow();
    expect(wires).toEqual([]);
    (await dial({ ...client })).destroy();
    expect(wires[0]?.source.certificateNames).toEqual(['pbx.example.com']);
  });

  it('is checked with the new authorities after those were swapped', async () => {
    const { listener, dial } = await setup(withCa(), 'required');
    listener.setSecureContext({ ...one, ca: strange.cert });
    await expect(dial({ ...client })).rejects.toThrow();
    (await dial({ ...strange })).destroy();
  });
});

describe('handshakes that go wrong', () => {
  it('are refused one by one, and the next good one is served', async () => {
    const { port, refused, dial, census } = await setup(one, 'none', {
      handshakesPerSecondPerSource: 1_000,
      handshakesPerSecond: 1_000,
    });
    let seed = 1;
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed & 255;
    };
    const attempts = 200;
    for (let i = 0; i < attempts; i++) {
      const body = Buffer.from(Array.from({ length: 4 + (random() % 200) }, random));
      // Begins as a ClientHello does, so that it is not told apart by its first byte.
      const hello = Buffer.concat([Buffer.from([22, 3, 1, 0, body.length, 1, 0, 0, body.length - 4]), body]);
      const socket = connectTcp(port, '127.0.0.1', () => socket.end(i % 3 === 0 ? body : hello));
      socket.on('error', () => socket.destroy());
      socket.resume();
    }
    await until(
      () => refused.length === attempts || undefined,
      () => `${refused.length} refusals`,
    );
    expect(new Set(refused)).toEqual(new Set(['handshake-failed']));
    await until(() => census.size === 0 || undefined, 'the sockets to go');
    (await dial()).destroy();
  });

  it('that stall are ended', async () => {
    const { port, refused, census } = await setup(one, 'none', { handshakeMs: 200 });
    const socket = connectTcp(port, '127.0.0.1');
    socket.on('error', () => socket.destroy());
    socket.resume();
    await until(() => refused.length === 1 || undefined, 'the refusal');
    await until(() => census.size === 0 || undefined, 'the socket to go');
  });
});
