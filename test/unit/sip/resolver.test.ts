import type { NaptrRecord, SrvRecord } from 'node:dns';
import { describe, expect, it } from 'vitest';
import { type Dns, ordered, Resolver, resolverLimits, type Target } from '../../../src/sip/resolver.ts';
import { ManualClock } from '../../support/manual-clock.ts';

interface Zone {
  readonly naptr?: Readonly<Record<string, readonly Partial<NaptrRecord>[]>>;
  readonly srv?: Readonly<Record<string, readonly Partial<SrvRecord>[]>>;
  readonly addresses?: Readonly<Record<string, readonly string[]>>;
}

/** Name servers that know a zone, and write down what they were asked. */
function zone({ naptr = {}, srv = {}, addresses = {} }: Zone, asked: string[] = []): Dns {
  const note = <T>(kind: string, name: string, found: readonly T[] | undefined) => {
    asked.push(`${kind} ${name}`);
    return Promise.resolve(found ?? []);
  };
  return {
    naptr: name =>
      note(
        'naptr',
        name,
        naptr[name]?.map(record => ({
          flags: 's',
          regexp: '',
          order: 1,
          preference: 1,
          service: '',
          replacement: '',
          ...record,
        })),
      ),
    srv: name =>
      note(
        'srv',
        name,
        srv[name]?.map(record => ({ priority: 1, weight: 0, port: 5060, name: '', ...record })),
      ),
    addresses: name => note('a', name, addresses[name]),
  };
}

async function hopsOf(target: Target, known: Zone, asked: string[] = []): Promise<string[]> {
  const found = await new Resolver(new ManualClock(), zone(known, asked), () => 0).resolve(target);
  if (!found.ok) return [found.failure.code];
  return found.value.map(
    ({ transport, address, port, serverName }) =>
      `${transport} ${address} ${port}${serverName === undefined ? '' : ` ${serverName}`}`,
  );
}

describe('where a trunk is', () => {
  const host = 'trunk.example';

  it('needs no question when it is an address', async () => {
    const asked: string[] = [];
    expect(await hopsOf({ host: '192.0.2.1', transport: 'auto' }, {}, asked)).toEqual(['tcp 192.0.2.1 5060']);
    expect(await hopsOf({ host: '192.0.2.1', transport: 'tls' }, {}, asked)).toEqual(['tls 192.0.2.1 5061']);
    expect(await hopsOf({ host: '2001:db8::1', port: 5080, transport: 'tcp' }, {}, asked)).toEqual([
      'tcp 2001:db8::1 5080',
    ]);
    expect(asked).toEqual([]);
  });

  it('is only looked up as an address when it has a port', async () => {
    const asked: string[] = [];
    const addresses = { [host]: ['192.0.2.1', '2001:db8::1'] };
    expect(await hopsOf({ host, port: 5070, transport: 'tls' }, { addresses }, asked)).toEqual([
      `tls 192.0.2.1 5070 ${host}`,
      `tls 2001:db8::1 5070 ${host}`,
    ]);
    expect(asked).toEqual([`a ${host}`]);
  });

  it('follows NAPTR by order and preference, and skips what is not spoken here', async () => {
    const known: Zone = {
      naptr: {
        [host]: [
          { order: 20, service: 'SIP+D2T', replacement: '_sip._tcp.late.example' },
          { order: 10, preference: 2, service: 'SIPS+D2T', replacement: '_sips._tcp.edge.example' },
          { order: 10, preference: 1, service: 'SIP+D2U', replacement: '_sip._udp.edge.example' },
        ],
      },
      srv: {
        '_sips._tcp.edge.example': [{ name: 'a.edge.example', port: 5061 }],
        '_sip._tcp.late.example': [{ name: 'b.edge.example' }],
      },
      addresses: { 'a.edge.example': ['192.0.2.1'], 'b.edge.example': ['192.0.2.2'] },
    };
    expect(await hopsOf({ host, transport: 'auto' }, known)).toEqual([
      `tls 192.0.2.1 5061 ${host}`,
      'tcp 192.0.2.2 5060',
    ]);
  });

  it('is asked for by SRV when there is no NAPTR, TLS first', async () => {
    const known: Zone = {
      srv: {
        [`_sip._tcp.${host}`]: [{ name: 'tcp.example' }],
        [`_sips._tcp.${host}`]: [{ name: 'tls.example', port: 443 }],
      },
      addresses: { 'tcp.example': ['192.0.2.1'], 'tls.example': ['192.0.2.2'] },
    };
    expect(await hopsOf({ host, transport: 'auto' }, known)).toEqual([
      `tls 192.0.2.2 443 ${host}`,
      'tcp 192.0.2.1 5060',
    ]);
  });

  it('never falls from TLS to TCP when TLS is what was configured', async () => {
    const known: Zone = {
      naptr: { [host]: [{ service: 'SIP+D2T', replacement: `_sip._tcp.${host}` }] },
      srv: { [`_sip._tcp.${host}`]: [{ name: 'tcp.example' }] },
      addresses: { 'tcp.example': ['192.0.2.1'], [host]: ['192.0.2.9'] },
    };
    expect(await hopsOf({ host, transport: 'tls' }, known)).toEqual([`tls 192.0.2.9 5061 ${host}`]);
  });

  it('is its address when it has neither, or the name servers do not know the question', async () => {
    const addresses = { [host]: ['192.0.2.1'] };
    expect(await hopsOf({ host, transport: 'auto' }, { addresses })).toEqual(['tcp 192.0.2.1 5060']);
    const source: Dns = {
      ...zone({ addresses }),
      naptr: () => Promise.reject(new Error('NOTIMP')),
      srv: () => Promise.reject(new Error('SERVFAIL')),
    };
    const found = await new Resolver(new ManualClock(), source).resolve({ host, transport: 'auto' });
    expect(found.ok && found.value.map(({ address }) => address)).toEqual(['192.0.2.1']);
  });

  it('is nowhere when a service says so with a dot, or nothing is known', async () => {
    const dot: Zone = { srv: { [`_sip._tcp.${host}`]: [{ name: '.' }] } };
    expect(await hopsOf({ host, transport: 'tcp' }, dot)).toEqual(['not-found']);
    expect(await hopsOf({ host, transport: 'auto' }, {})).toEqual(['not-found']);
  });

  it('has a bounded number of hops, and takes a bounded number of questions', async () => {
    const names = Array.from({ length: 100 }, (_, i) => `s${i}.example`);
    const asked: string[] = [];
    const many: Zone = {
      srv: { [`_sip._tcp.${host}`]: names.map(name => ({ name })) },
      addresses: Object.fromEntries(names.map(name => [name, ['192.0.2.1', '192.0.2.2', '192.0.2.3']])),
    };
    expect(await hopsOf({ host, transport: 'tcp' }, many, asked)).toHaveLength(resolverLimits.hops);
    expect(asked.length).toBeLessThanOrEqual(resolverLimits.names);
    const empty: string[] = [];
    await hopsOf({ host, transport: 'tcp' }, { srv: many.srv ?? {} }, empty);
    expect(empty.length).toBeLessThanOrEqual(resolverLimits.names);
  });

  it('is remembered for a while', async () => {
    const clock = new ManualClock();
    const asked: string[] = [];
    const resolver = new Resolver(clock, zone({ addresses: { [host]: ['192.0.2.1'] } }, asked));
    const target: Target = { host, port: 5060, transport: 'tcp' };
    for (let i = 0; i < 10; i++) await resolver.resolve(target);
    expect(asked).toHaveLength(1);
    clock.advance(resolverLimits.keepMs);
    await resolver.resolve(target);
    expect(asked).toHaveLength(2);
  });

  it('is given up after a while, and when the name servers fail', async () => {
    const clock = new ManualClock();
    const never: Dns = { ...zone({}), addresses: () => new Promise(() => undefined) };
    const waiting = new Resolver(clock, never).resolve({ host, port: 1, transport: 'tcp' });
    clock.advance(resolverLimits.totalMs);
    expect(await waiting).toMatchObject({ ok: false, failure: { code: 'dns-failed' } });
    const broken: Dns = { ...zone({}), addresses: () => Promise.reject(new Error('SERVFAIL')) };
    const failed = await new Resolver(clock, broken).resolve({ host, port: 1, transport: 'tcp' });
    expect(failed).toMatchObject({ ok: false, failure: { code: 'dns-failed' } });
    expect(clock.pending).toBe(0);
  });
});

describe('the order of SRV records', () => {
  const record = (name: string, priority: number, weight: number): SrvRecord => ({
    name,
    priority,
    weight,
    port: 5060,
  });

  it('is by priority, and among equals by weight and chance', () => {
    const records = [record('c', 2, 0), record('a', 1, 90), record('b', 1, 10)];
    let firsts = 0;
    let seed = 1;
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    for (let i = 0; i < 1_000; i++) {
      const names = ordered(records, random).map(({ name }) => name);
      expect(names[2]).toBe('c');
      if (names[0] === 'a') firsts++;
    }
    expect(firsts).toBeGreaterThan(850);
    expect(firsts).toBeLessThan(950);
  });
});
