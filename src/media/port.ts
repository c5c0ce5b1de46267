import dgram from 'node:dgram';
import type { Clock } from '../core/clock.ts';
import { Failure, fail, messageOf, ok, outOfDescriptors, type Result } from '../core/errors.ts';

/** The range a pool hands out: even `first`, `count` ports; a used pair rests for `restMs` before it is used again. */
export interface PortRange {
  readonly first: number;
  readonly count: number;
  readonly restMs: number;
}

/** Makes an unbound socket; `node:dgram` as a rule. */
export type CreateSocket = (options: dgram.SocketOptions) => dgram.Socket;

/** Two bound sockets: RTP on an even port, RTCP on the next one (RFC 3550 section 11). */
export interface PortPair {
  readonly rtp: dgram.Socket;
  readonly rtcp: dgram.Socket;
  readonly rtpPort: number;
  readonly rtcpPort: number;
  /** Closes both sockets and lets the ports rest. Idempotent. */
  close(): void;
}

/** What ICMP has to say about a peer (`ECONNREFUSED`) ends nothing: signalling and the media timeout decide. */
const survive = (_error: Error): void => undefined;

/** Peers are IP literals already: the resolver, its thread pool and its deferred callback are left out. */
const literal: dgram.SocketOptions['lookup'] = (address, _options, callback) =>
  callback(null, address, address.includes(':') ? 6 : 4);

/** Hands out port pairs of one range. Ports that belong to somebody else are passed over. */
export class PortPool {
  readonly #range: PortRange;
  readonly #clock: Clock;
  readonly #createSocket: CreateSocket;
  readonly #pairs: number;
  readonly #taken: Uint8Array;
  /** When a pair may be used again, ms of the clock. */
  readonly #restedAt: Float64Array;
  readonly #random: () => number;
  #inUse = 0;

  /** Throws when the range is not even-numbered or holds no pair. */
  constructor(
    range: PortRange,
    clock: Clock,
    createSocket: CreateSocket = options => dgram.createSocket(options),
    random: () => number = Math.random,
  ) {
    this.#pairs = Math.floor(range.count / 2);
    if (range.first % 2 !== 0) throw new Error(`first port ${range.first} of a range is not even`);
    if (this.#pairs < 1) throw new Error(`a range of ${range.count} ports holds no pair`);
    this.#range = range;
    this.#clock = clock;
    this.#createSocket = createSocket;
    this.#random = random;
    this.#taken = new Uint8Array(this.#pairs);
    this.#restedAt = new Float64Array(this.#pairs).fill(Number.NEGATIVE_INFINITY);
  }

  /** Pairs that are open now, or being opened. */
  get inUse(): number {
    return this.#inUse;
  }

  /** Pairs this pool could ever hand out at once. */
  get capacity(): number {
    return this.#pairs;
  }

  /**
   * Binds the next free pair, starting at a random one. Fails with `no-ports` when every pair is in use or resting,
   * and when the address itself cannot be bound.
   */
  async open(family: 4 | 6, bindAddress: string): Promise<Result<PortPair>> {
    const start = Math.floor(this.#random() * this.#pairs);
    for (let step = 0; step < this.#pairs; step++) {
      const index = (start + step) % this.#pairs;
      if (this.#taken[index] === 1 || this.#restedAt[index]! > this.#clock.now()) continue;
      this.#taken[index] = 1;
      this.#inUse++;
      const bound = await this.#bind(index, family, bindAddress);
      if (bound.ok) return bound;
      this.#taken[index] = 0;
      this.#inUse--;
      if (bound.failure.code !== 'port-taken') return bound;
    }
    const last = this.#range.first + this.#pairs * 2 - 1;
    return fail(
      new Failure(
        'no-ports',
        `no free port pair in ${this.#range.first}-${last}: widen RTP_PORTS or take fewer calls`,
      ),
    );
  }

  async #bind(index: number, family: 4 | 6, address: string): Promise<Result<PortPair>> {
    const port = this.#range.first + index * 2;
    const rtp = await this.#bindOne(port, family, address);
    if (!rtp.ok) return rtp;
    const rtcp = await this.#bindOne(port + 1, family, address);
    if (!rtcp.ok) {
      rtp.value.close();
      return rtcp;
    }
    let open = true;
    const close = (): void => {
      if (!open) return;
      open = false;
      rtp.value.close();
      rtcp.value.close();
      this.#taken[index] = 0;
      this.#restedAt[index] = this.#clock.now() + this.#range.restMs;
      this.#inUse--;
    };
    return ok({ rtp: rtp.value, rtcp: rtcp.value, rtpPort: port, rtcpPort: port + 1, close });
  }

  #bindOne(port: number, family: 4 | 6, address: string): Promise<Result<dgram.Socket>> {
    const socket = this.#createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      ipv6Only: family === 6,
      lookup: literal,
    });
    return new Promise(resolve => {
      socket.once('error', error => {
        socket.close();
        resolve(fail(refusal(error, address, port)));
      });
      socket.bind({ port, address, exclusive: true }, () => {
        socket.removeAllListeners('error');
        socket.on('error', survive);
        resolve(ok(socket));
      });
    });
  }
}

/** A port that is somebody else's, or that we may not have, is passed over; anything else is about the address. */
function refusal(error: Error, address: string, port: number): Failure {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EADDRINUSE' || code === 'EACCES') {
    return new Failure('port-taken', `port ${port} is taken`, { cause: error });
  }
  const reason = outOfDescriptors(code) ? 'no-descriptors' : 'no-ports';
  return new Failure(reason, `cannot bind UDP port ${port} on ${address}: ${messageOf(error)}`, {
    cause: error,
  });
}
