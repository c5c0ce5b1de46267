import dgram from 'node:dgram';
import { EventEmitter } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { ending } from '../../../src/core/ending.ts';
import { Failure } from '../../../src/core/errors.ts';
import { legEnding } from '../../../src/core/leg-ending.ts';
import { type CreateSocket, type PortPair, PortPool } from '../../../src/media/port.ts';
import { ManualClock } from '../../support/manual-clock.ts';

class FakeSocket extends EventEmitter {
  readonly #wire: FakeWire;
  #port: number | undefined;
  constructor(wire: FakeWire) {
    super();
    this.#wire = wire;
  }
  bind(options: { port: number; address: string }, done: () => void): void {
    queueMicrotask(() => {
      const code = this.#wire.refuse(options.port);
      if (code !== undefined) {
        this.emit('error', Object.assign(new Error(`bind ${code}`), { code }));
        return;
      }
      this.#port = options.port;
      this.#wire.bound.add(options.port);
      done();
    });
  }
  close(): void {
    if (this.#port !== undefined) this.#wire.bound.delete(this.#port);
  }
}

class FakeWire {
  readonly bound = new Set<number>();
  readonly options: dgram.SocketOptions[] = [];
  refuse: (port: number) => string | undefined = port => (this.bound.has(port) ? 'EADDRINUSE' : undefined);
  readonly create: CreateSocket = options => {
    this.options.push(options);
    return new FakeSocket(this) as unknown as dgram.Socket;
  };
}

const fixed = (value: number) => () => value;

async function opened(pool: PortPool): Promise<PortPair> {
  const result = await pool.open(4, '127.0.0.1');
  if (!result.ok) throw result.failure;
  return result.value;
}

async function refused(pool: PortPool): Promise<string> {
  const result = await pool.open(4, '127.0.0.1');
  if (result.ok) throw new Error('a pair was handed out');
  return result.failure.code;
}

describe('PortPool', () => {
  it('binds RTP to an even port and RTCP to the next, starting where chance says', async () => {
    const wire = new FakeWire();
    const pool = new PortPool(
      { first: 10_000, count: 20, restMs: 2000 },
      new ManualClock(),
      wire.create,
      fixed(0.5),
    );
    const pair = await opened(pool);
    expect([pair.rtpPort, pair.rtcpPort]).toEqual([10_010, 10_011]);
    expect([...wire.bound]).toEqual([10_010, 10_011]);
    expect(pool.inUse).toBe(1);
  });

  it('hands out every pair once, also when asked for all at the same time, and then fails with no-ports', async () => {
    const wire = new FakeWire();
    const pool = new PortPool({ first: 10_000, count: 9, restMs: 0 }, new ManualClock(), wire.create);
    const results = await Promise.all([1, 2, 3, 4, 5].map(() => pool.open(4, '127.0.0.1')));
    const ports = results.flatMap(result => (result.ok ? [result.value.rtpPort] : [])).sort();
    expect(ports).toEqual([10_000, 10_002, 10_004, 10_006]);
    const failed = results.find(result => !result.ok);
    expect(failed?.ok === false && failed.failure.code).toBe('no-ports');
    expect(failed?.ok === false && failed.failure.message).toContain('10000-10007');
    expect(pool.inUse).toBe(pool.capacity);
  });

  it('tells want of descriptors from want of ports', async () => {
    const wire = new FakeWire();
    wire.refuse = () => 'EMFILE';
    const pool = new PortPool({ first: 10_000, count: 4, restMs: 0 }, new ManualClock(), wire.create);
    const code = await refused(pool);
    expect(legEnding(new Failure(code, ''))).toEqual(ending('no-descriptors'));
    expect(pool.inUse).toBe(0);
  });

  it('lets a used pair rest before it is handed out again', async () => {
    const clock = new ManualClock();
    const pool = new PortPool({ first: 10_000, count: 2, restMs: 2000 }, clock, new FakeWire().create);
    (await opened(pool)).close();
    expect(pool.inUse).toBe(0);
    clock.advance(1999);
    expect(await refused(pool)).toBe('no-ports');
    clock.advance(1);
    expect((await opened(pool)).rtpPort).toBe(10_000);
  });

  it('passes over pairs of which either port belongs to somebody else, and closes the half it had', async () => {
    const wire = new FakeWire();
    wire.bound.add(10_000).add(10_003);
    const pool = new PortPool(
      { first: 10_000, count: 6, restMs: 0 },
      new ManualClock(),
      wire.create,
      fixed(0),
    );
    expect((await opened(pool)).rtpPort).toBe(10_004);
    expect([...wire.bound].sort()).toEqual([10_000, 10_003, 10_004, 10_005]);
    expect(pool.inUse).toBe(1);
  });

  it('gives up at once, and says why, when the address itself cannot be bound', async () => {
    const wire = new FakeWire();
    wire.refuse = () => 'EADDRNOTAVAIL';
    const pool = new PortPool({ first: 10_000, count: 1000, restMs: 0 }, new ManualClock(), wire.create);
    const result = await pool.open(4, '192.0.2.1');
    expect(result.ok === false && result.failure.code).toBe('no-ports');
    expect(result.ok === false && result.failure.message).toContain('192.0.2.1: bind EADDRNOTAVAIL');
    expect(wire.options.length).toBe(1);
    expect(pool.inUse).toBe(0);
  });

  it('counts a pair that is closed twice once', async () => {
    const pool = new PortPool(
      { first: 10_000, count: 4, restMs: 0 },
      new ManualClock(),
      new FakeWire().create,
    );
    const first = await opened(pool);
    await opened(pool);
    first.close();
    first.close();
    expect(pool.inUse).toBe(1);
  });

  it('survives what ICMP reports on a bound socket', async () => {
    const pool = new PortPool(
      { first: 10_000, count: 2, restMs: 0 },
      new ManualClock(),
      new FakeWire().create,
    );
    const pair = await opened(pool);
    const error = Object.assign(new Error('recvmsg ECONNREFUSED'), { code: 'ECONNREFUSED' });
    expect(() => pair.rtp.emit('error', error)).not.toThrow();
    expect(() => pair.rtcp.emit('error', error)).not.toThrow();
    expect(pool.inUse).toBe(1);
  });

  it('opens sockets of the family that was asked for, and IPv6 ones for IPv6 alone', async () => {
    const wire = new FakeWire();
    const pool = new PortPool({ first: 10_000, count: 4, restMs: 0 }, new ManualClock(), wire.create);
    await pool.open(4, '127.0.0.1');
    await pool.open(6, '::1');
    const kinds = wire.options.map(options => `${options.type} ${options.ipv6Only}`);
    expect(kinds).toEqual(['udp4 false', 'udp4 false', 'udp6 true', 'udp6 true']);
  });

  it('refuses a range that begins on an odd port or holds no pair', () => {
    const range = { first: 10_001, count: 10, restMs: 0 };
    expect(() => new PortPool(range, new ManualClock())).toThrow('not even');
    expect(() => new PortPool({ ...range, first: 10_000, count: 1 }, new ManualClock())).toThrow('no pair');
  });
});

describe('PortPool on real sockets', () => {
  const closing: { close(): void }[] = [];
  afterEach(() => {
    for (const socket of closing.splice(0)) socket.close();
  });

  it('carries a datagram between two pairs and passes over a port that is taken', async () => {
    const taken = dgram.createSocket('udp4');
    closing.push(taken);
    await new Promise<void>(resolve =>
      taken.bind({ port: 0, address: '127.0.0.1', exclusive: true }, resolve),
    );
    const even = taken.address().port & ~1;
    const pool = new PortPool({ first: even, count: 400, restMs: 0 }, new ManualClock(), undefined, fixed(0));
    const [one, two] = [await opened(pool), await opened(pool)];
    closing.push(one, two);
    expect([one.rtpPort, two.rtpPort]).not.toContain(even);
    const heard = new Promise<string>(resolve => {
      two.rtp.once('message', (packet, from) => resolve(`${packet} from ${from.address}:${from.port}`));
    });
    one.rtp.send(Buffer.from('hello'), two.rtpPort, '127.0.0.1');
    expect(await heard).toBe(`hello from 127.0.0.1:${one.rtpPort}`);
  });
});
