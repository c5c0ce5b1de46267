import { createServer, Server, type Socket } from 'node:net';
import { Failure, fail, messageOf, ok, type Result } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { speakOver } from './admin-stream.ts';
import type { DrachtioLimits } from './limits.ts';
import type { LinkListener } from './link.ts';
import type { NewSrf, Srf } from './srf.ts';

export interface DoorwayOptions {
  /** Where servers connect to; port 0 takes any free one. */
  readonly listen: { readonly address: string; readonly port: number };
  readonly secret: string;
  /** Whether a server may connect from this IP literal: whoever connects is told the secret. */
  readonly admits: (address: string) => boolean;
  readonly newSrf: NewSrf;
  readonly limits: DrachtioLimits;
  readonly log: Logger;
  readonly listener: Pick<LinkListener, 'prepare' | 'down'>;
  readonly onRefused: (address: string) => void;
}

/** Outbound mode: the server connects to us, once for each call, after its routing has named us. */
export class Doorway {
  readonly #options: DoorwayOptions;
  readonly #sockets = new Set<Socket>();
  readonly #srf: Srf;
  readonly #server: Server;
  /** What the package takes for its listener: it is only told of connections that were let in. */
  readonly #inner = new Server();

  constructor(options: DoorwayOptions) {
    this.#options = options;
    const { log, limits, newSrf } = options;
    const srf = newSrf();
    this.#srf = srf;
    srf.on('connect', error => {
      if (error) log.error('the drachtio-server does not take the secret');
    });
    srf.on('error', error =>
      log.debug('a connection of the drachtio-server broke', { error: messageOf(error) }),
    );
    this.#server = createServer(socket => this.#admit(socket));
    this.#server.maxConnections = limits.dialogs;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** Settles with the port that was bound. */
  open(): Promise<Result<number>> {
    const { listen, secret, log, limits, listener } = this.#options;
    this.#srf.listen({ server: this.#inner, secret, enablePing: true, pingInterval: limits.pingMs });
    listener.prepare(this.#srf);
    return new Promise(resolve => {
      const refuse = (error: Error) =>
        resolve(
          fail(new Failure('listen-failed', `sip.drachtio.listen: ${error.message}`, { cause: error })),
        );
      this.#server.once('error', refuse);
      this.#server.listen(listen.port, listen.address, () => {
        this.#server.off('error', refuse);
        this.#server.on('error', error => log.warn('a fault at the door', { error: messageOf(error) }));
        const address = this.#server.address();
        resolve(ok(typeof address === 'object' && address !== null ? address.port : listen.port));
      });
    });
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #admit(socket: Socket): void {
    const { admits, onRefused, listener, log } = this.#options;
    const address = (socket.remoteAddress ?? '').replace(/^::ffff:/i, '');
    if (!admits(address)) {
      socket.destroy();
      return onRefused(address);
    }
    this.#sockets.add(socket);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      listener.down(socket);
    });
    speakOver(socket, this.#inner, error => {
      log.error('a fault in what the drachtio-server said', { error: messageOf(error) });
    });
  }
}
