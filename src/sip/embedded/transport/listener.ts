import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import tls from 'node:tls';
import type { Clock } from '../../../core/clock.ts';
import { Failure } from '../../../core/errors.ts';
import { whyNotListening } from '../../../core/listening.ts';
import type { ListenAddress } from '../../signalling.ts';
import type { StackLimits } from '../limits.ts';
import type { Census } from './census.ts';
import type { RefusalCause } from './connection.ts';
import {
  type ClientCertificate,
  contextOptions,
  NamedContexts,
  type TlsMaterial,
  tlsPolicy,
} from './secure-contexts.ts';
import { plainAddress, SocketWire } from './socket-wire.ts';
import type { Wire } from './wire.ts';

export type { ClientCertificate, TlsMaterial };

export interface ListenerOptions {
  readonly clock: Clock;
  readonly limits: StackLimits;
  readonly census: Census;
  readonly objection: (address: string) => RefusalCause | undefined;
  readonly onWire: (wire: Wire) => void;
  readonly onRefused: (cause: RefusalCause, address: string) => void;
}

/** One address that peers connect to. Who may not is dropped before a byte is read, or a handshake made. */
export class Listener {
  readonly #where: ListenAddress;
  readonly #options: ListenerOptions;
  readonly #server: Server;
  /** Never listens itself: it only makes TLS of the sockets that were let in. */
  readonly #tls: tls.Server | undefined;
  #named: NamedContexts | undefined;

  constructor(where: ListenAddress, options: ListenerOptions, material?: TlsMaterial) {
    this.#where = where;
    this.#options = options;
    if (where.transport === 'tls') {
      if (material === undefined) throw new Error('a tls listener needs a certificate and a key');
      this.#tls = this.#secure(material);
    }
    this.#server = createServer({ noDelay: true }, socket => this.#accept(socket));
  }

  /** Settles with the port that was bound; rejects with a `Failure` for the operator when it cannot be. */
  open(): Promise<ListenAddress> {
    return new Promise((resolve, reject) => {
      const { transport, address, port: wanted } = this.#where;
      const onError = (error: Error) => {
        const what = `SIP over ${transport.toUpperCase()} cannot be listened for on ${address} port ${wanted}`;
        reject(new Failure('sip-listen', `${what}: ${whyNotListening(error)}. Change SIP_LISTEN.`));
      };
      this.#server.once('error', onError);
      this.#server.listen({ host: address, port: wanted, backlog: 1_024 }, () => {
        this.#server.off('error', onError);
        // Accepting can fail for want of descriptors; the next one may work again.
        this.#server.on('error', () => this.#options.onRefused('too-many-connections', ''));
        const { port } = this.#server.address() as AddressInfo;
        resolve({ ...this.#where, port });
      });
    });
  }

  /** New handshakes use this certificate; connections that are up keep theirs. */
  setSecureContext(material: TlsMaterial): void {
    if (this.#tls === undefined) return;
    // Made first: what throws here leaves everything as it was.
    const named = new NamedContexts(material);
    this.#tls.setSecureContext(contextOptions(material, material.ca));
    this.#named = named;
  }

  /** Accepts nobody any more. Connections stay. */
  close(): void {
    this.#server.close();
  }

  #secure(material: TlsMaterial): tls.Server {
    const wanted: ClientCertificate = this.#where.clientCertificate ?? 'none';
    const server = tls.createServer({
      ...tlsPolicy,
      ...contextOptions(material, material.ca),
      handshakeTimeout: this.#options.limits.handshakeMs,
      requestCert: wanted !== 'none',
      // An optional certificate that is not good is as good as none: the peer proves nothing by it.
      rejectUnauthorized: wanted === 'required',
      SNICallback: (name, done) => {
        try {
          done(null, this.#named?.find(name));
        } catch (error) {
          // Thrown further it would end the process.
          done(error instanceof Error ? error : new Error('no context'));
        }
      },
    });
    this.#named = new NamedContexts(material);
    server.on('secureConnection', socket => this.#wire(socket));
    server.on('tlsClientError', (_error, socket) => {
      this.#options.onRefused('handshake-failed', plainAddress(socket.remoteAddress));
      socket.destroy();
    });
    return server;
  }

  #accept(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    const address = plainAddress(socket.remoteAddress);
    const objection = this.#objection(address);
    if (objection !== undefined) {
      socket.destroy();
      this.#options.onRefused(objection, address);
      return;
    }
    this.#options.census.enter(socket, address);
    if (this.#tls === undefined) this.#wire(socket);
    else this.#tls.emit('connection', socket);
  }

  #objection(address: string): RefusalCause | undefined {
    const { census, objection } = this.#options;
    const refused = objection(address);
    if (refused !== undefined) return refused;
    return census.objection(address) ?? (this.#tls === undefined ? undefined : census.handshake(address));
  }

  #wire(socket: Socket): void {
    const { clock, limits, onWire } = this.#options;
    onWire(new SocketWire(socket, this.#where.transport, clock, limits.lingerMs));
  }
}
