import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import type { Clock } from '../core/clock.ts';
import { sameSecret } from '../core/constant-time.ts';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { passHeader } from '../core/stream-pass.ts';
import { FrameDoor } from './frame-door.ts';
import { streamLimits } from './limits.ts';
import { type ClaimStream, StreamSocket } from './socket.ts';

export interface StreamListenerParts {
  /** Loopback and any free port unless given. */
  readonly at?: { readonly address: string; readonly port: number };
  /** Whether an upgrade is let in; whose stream it is, its `start` says. */
  readonly admits: (request: IncomingMessage) => boolean;
  readonly claim: ClaimStream;
  readonly clock: Clock;
  readonly log: Logger;
}

const nothing = Buffer.alloc(0);

/** Where media streams end: a WebSocket server in each worker, on loopback for the main thread or where a proxy reaches it. */
export class StreamServer {
  readonly port: number;
  readonly #parts: StreamListenerParts;
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  /** Connections that nobody has let in. */
  readonly #outside = new Set<Socket>();
  /** Streams that were let in and have not said yet whose they are. */
  #strangers = 0;

  private constructor(parts: StreamListenerParts, server: Server) {
    this.#parts = parts;
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    this.#sockets = new WebSocketServer({
      noServer: true,
      clientTracking: true,
      perMessageDeflate: false,
      maxPayload: streamLimits.messageBytes,
    });
    server.on('connection', socket => this.#meet(socket));
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket as Socket, head));
  }

  static async start(parts: StreamListenerParts): Promise<StreamServer> {
    const { address, port } = parts.at ?? { address: '127.0.0.1', port: 0 };
    const server = createServer({ connectionsCheckingInterval: streamLimits.checkMs }, (_request, response) =>
      response.writeHead(404, { Connection: 'close' }).end(),
    );
    server.requestTimeout = streamLimits.startMs;
    server.headersTimeout = streamLimits.startMs;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, address, resolve);
    });
    // Accepting can fail for want of descriptors; the next one may work again.
    server.on('error', error =>
      parts.log.warn('a media stream could not be accepted', { error: messageOf(error) }),
    );
    return new StreamServer(parts, server);
  }

  close(): void {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #meet(socket: Socket): void {
    if (this.#outside.size >= streamLimits.outside) {
      socket.destroy();
      return;
    }
    this.#outside.add(socket);
    socket.once('close', () => this.#outside.delete(socket));
  }

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const { admits, claim, clock, log } = this.#parts;
    if (this.#strangers >= streamLimits.strangers) return refuse(socket, '503 Service Unavailable');
    if (!admits(request)) return refuse(socket, '403 Forbidden');
    this.#outside.delete(socket);
    socket.setNoDelay(true);
    const door = new FrameDoor(socket, head);
    this.#sockets.handleUpgrade(request, door, nothing, ws => {
      this.#strangers++;
      const stream = new StreamSocket(ws, door, log, claim);
      const late = clock.timer(streamLimits.startMs, () => stream.close());
      let settled = false;
      stream.onSettled = () => {
        late.cancel();
        if (!settled) this.#strangers--;
        settled = true;
      };
    });
  }
}

function refuse(socket: Socket, status: string): void {
  socket.on('error', () => socket.destroy());
  socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  socket.destroySoon();
}

/** The main thread has checked whom it passes on, and shows that it is the main thread. */
export function showsPass(pass: string): (request: IncomingMessage) => boolean {
  return ({ headers }) => {
    const shown = headers[passHeader];
    return typeof shown === 'string' && sameSecret(pass, shown);
  };
}
