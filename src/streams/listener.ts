import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { passHeader } from '../core/stream-pass.ts';
import { streamLimits } from './limits.ts';
import { type ClaimStream, StreamSocket } from './socket.ts';

export interface StreamListenerParts {
  /** Only who knows this gets in: the main thread. */
  readonly pass: string;
  readonly claim: ClaimStream;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Where media streams end: a WebSocket server on loopback, one in each worker. The main thread has checked Twilio's signature
 * before it passes a connection on; whose stream it is, its `start` says.
 */
export class StreamServer {
  readonly port: number;
  readonly #parts: StreamListenerParts;
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
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
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket as Socket, head));
  }

  static async start(parts: StreamListenerParts): Promise<StreamServer> {
    const server = createServer((_request, response) => response.writeHead(404).end());
    server.requestTimeout = streamLimits.startMs;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return new StreamServer(parts, server);
  }

  close(): void {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const { pass, claim, clock, log } = this.#parts;
    if (!equal(request.headers[passHeader], pass) || this.#strangers >= streamLimits.strangers) {
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    socket.setNoDelay(true);
    this.#sockets.handleUpgrade(request, socket, head, ws => {
      this.#strangers++;
      const stream = new StreamSocket(ws, socket, log, claim);
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

function equal(given: string | string[] | undefined, wanted: string): boolean {
  if (typeof given !== 'string' || given.length !== wanted.length) return false;
  return timingSafeEqual(Buffer.from(given), Buffer.from(wanted));
}
