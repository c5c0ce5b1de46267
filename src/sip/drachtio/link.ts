import { connect, isIP, Server, type Socket } from 'node:net';
import type { Clock, Timer } from '../../core/clock.ts';
import { deferred } from '../../core/deferred.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { accepts, step } from '../embedded/transaction/table.ts';
import type { ListenAddress } from '../signalling.ts';
import { speakOver } from './admin-stream.ts';
import type { DrachtioLimits } from './limits.ts';
import { type LinkAction, type LinkInput, type LinkState, linkTable } from './link-table.ts';
import type { NewSrf, Srf } from './srf.ts';

/** Where the server waits for applications. */
export interface AdminAddress {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
}

export interface LinkListener {
  /** Registers handlers, one at least, at an instance whose server is there. */
  prepare(srf: Srf): void;
  /** The server is there, and listens for SIP on these addresses. */
  up(addresses: readonly ListenAddress[]): void;
  /** The server does not take our secret. */
  refused(): void;
  /** A connection is gone, and all calls that came over it with it. */
  down(socket: Socket): void;
}

export interface LinkOptions {
  readonly admin: AdminAddress;
  readonly newSrf: NewSrf;
  readonly clock: Clock;
  readonly limits: DrachtioLimits;
  readonly log: Logger;
  readonly listener: LinkListener;
}

interface Line {
  readonly socket: Socket;
  /** Once the connection is there. */
  srf: Srf | undefined;
}

/**
 * Inbound mode: one connection from us to the server. It is ours and not the package's, whose own way of coming back
 * forgets TLS, has no ceiling, and knocks four times a second with a wrong secret.
 */
export class Link {
  readonly #options: LinkOptions;
  #state: LinkState = 'idle';
  #line: Line | undefined;
  #timer: Timer | undefined;
  #waitMs: number;
  #addresses: readonly ListenAddress[] = [];

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#waitMs = options.limits.retryFirstMs;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** For calls of ours; undefined while the server is away. */
  get srf(): Srf | undefined {
    return this.#state === 'up' ? this.#line?.srf : undefined;
  }

  /** What `srf` speaks over. */
  get socket(): Socket | undefined {
    return this.#line?.socket;
  }

  open(): void {
    this.#feed('open');
  }

  /** Settles when the server has let go, or will not. */
  async close(): Promise<void> {
    const { clock, limits } = this.#options;
    const { promise, resolve } = deferred<void>();
    const limit = clock.timer(limits.lingerMs, resolve);
    const socket = this.#line?.socket;
    if (this.#state === 'up' && socket !== undefined) socket.once('close', () => resolve());
    else resolve();
    this.#feed('close');
    await promise;
    limit.cancel();
    socket?.destroy();
  }

  #feed(input: LinkInput): void {
    if (!accepts(linkTable, this.#state, input)) return;
    const [next, ...actions] = step<LinkState, LinkInput, LinkAction>(linkTable, this.#state, input);
    this.#state = next;
    for (const action of actions) this.#act(action);
  }

  #act(action: LinkAction): void {
    const { clock, limits, log, listener } = this.#options;
    switch (action) {
      case 'connect':
        this.#timer = clock.timer(limits.handshakeMs, () => this.#feed('slow'));
        return this.#connect();
      case 'prepare':
        return this.#prepare();
      case 'stopTimer':
        return this.#timer?.cancel();
      case 'tellUp':
        return this.#tellUp();
      case 'tellRefused':
        // It will not change its mind soon.
        this.#waitMs = limits.retryMostMs;
        log.error('the drachtio-server does not take the secret');
        return listener.refused();
      case 'tellDown':
        if (this.#line !== undefined) listener.down(this.#line.socket);
        return;
      case 'wait': {
        const waitMs = this.#waitMs;
        this.#waitMs = Math.min(waitMs * limits.retryGrowth, limits.retryMostMs);
        log.warn('the drachtio-server is away, and is tried again', { waitMs });
        this.#timer = clock.timer(waitMs, () => this.#feed('due'));
        return;
      }
      case 'drop':
        return void this.#line?.socket.destroy();
      case 'endLine':
        return void this.#line?.socket.end();
    }
  }

  #tellUp(): void {
    const { limits, log, listener } = this.#options;
    this.#waitMs = limits.retryFirstMs;
    log.info('connected to the drachtio-server');
    listener.up(this.#addresses);
  }

  /** Says which requests we take. The package does not tell when the server knows; its next word is that it does. */
  #prepare(): void {
    const line = this.#line;
    if (line?.srf === undefined) throw new Error('there is nobody to be told');
    this.#options.listener.prepare(line.srf);
    line.socket.once('data', () => this.#line === line && this.#feed('registered'));
  }

  #connect(): void {
    const { admin, log } = this.#options;
    const socket = connect({ host: admin.host, port: admin.port });
    const line: Line = { socket, srf: undefined };
    this.#line = line;
    const mine = () => this.#line === line;
    socket.on('error', error =>
      log.debug('no connection to the drachtio-server', { error: messageOf(error) }),
    );
    socket.on('close', () => mine() && this.#feed('closed'));
    socket.on('connect', () => mine() && this.#greet(line));
  }

  /** The package offers our secret by itself. */
  #greet(line: Line): void {
    const { admin, newSrf, limits, log } = this.#options;
    const srf = newSrf();
    line.srf = srf;
    srf.on('error', error => log.debug('the connection broke', { error: messageOf(error) }));
    srf.on('connect', (error, hostports = '') => {
      if (this.#line !== line) return;
      this.#addresses = addressesOf(hostports);
      this.#feed(error ? 'refused' : 'accepted');
    });
    const inner = new Server();
    srf.listen({ server: inner, secret: admin.secret, enablePing: true, pingInterval: limits.pingMs });
    speakOver(line.socket, inner, error => {
      log.error('a fault in what the drachtio-server said', { error: messageOf(error) });
    });
  }
}

/** Reads `tcp/127.0.0.1:5060,tls/[::1]:5061`; what is neither TCP nor TLS is the server's own affair. */
export function addressesOf(hostports: string): ListenAddress[] {
  const addresses: ListenAddress[] = [];
  for (const hostport of hostports.split(',')) {
    const [transport, rest = ''] = hostport.trim().split('/', 2);
    const colon = rest.lastIndexOf(':');
    const address = rest.slice(0, Math.max(colon, 0)).replace(/^\[|\]$/g, '');
    const port = Number(rest.slice(colon + 1));
    if ((transport === 'tcp' || transport === 'tls') && isIP(address) !== 0 && Number.isInteger(port)) {
      addresses.push({ transport, address, port });
    }
  }
  return addresses;
}
