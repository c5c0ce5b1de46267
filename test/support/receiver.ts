import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { until } from './until.ts';

/** A request that came to the operator's own server. */
export interface Received {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** As it was on the wire. */
  readonly body: string;
  /** performance.now, ms. */
  readonly at: number;
}

/** How the server answers; `received` is undefined while the body has not come. */
export type Answering = (response: ServerResponse, received: Received) => void;

/** Answers with JSON. */
export const json =
  (body: unknown, status = 200): Answering =>
  response => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };

/** A server of the operator's, as good or as bad as a test wants it. */
export class Receiver {
  readonly received: Received[] = [];
  /** TCP connections that were taken. */
  connections = 0;
  readonly url: string;
  #answering: Answering;
  readonly #server: Server;

  static async start(
    answering: Answering = json({}),
    tls?: { readonly key: string; readonly cert: string },
  ): Promise<Receiver> {
    const server = tls === undefined ? createServer() : createTlsServer(tls);
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return new Receiver(server, `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`, answering);
  }

  private constructor(server: Server, url: string, answering: Answering) {
    this.#server = server;
    this.url = url;
    this.#answering = answering;
    server.on('connection', () => (this.connections += 1));
    server.on('request', (request, response) => void this.#take(request, response));
  }

  /** From now on it answers otherwise. */
  answer(answering: Answering): void {
    this.#answering = answering;
  }

  /** From now on it shows another certificate, to connections that are made anew. */
  present(tls: { readonly key: string; readonly cert: string }): void {
    if (!(this.#server instanceof TlsServer)) throw new Error('this one speaks plain http');
    this.#server.setSecureContext(tls);
  }

  /** Bodies of what came, read. */
  get bodies(): Record<string, unknown>[] {
    return this.received.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
  }

  /** Settles when so many requests have come. */
  async count(wanted: number, timeoutMs = 10_000): Promise<readonly Received[]> {
    await until(
      () => this.received.length >= wanted,
      () => `${wanted} requests, there are ${this.received.length}`,
      timeoutMs,
    );
    return this.received;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>(resolve => this.#server.close(() => resolve()));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    try {
      for await (const piece of request) pieces.push(piece as Buffer);
    } catch {
      return;
    }
    const received = {
      path: request.url ?? '',
      headers: request.headers,
      body: Buffer.concat(pieces).toString('utf8'),
      at: performance.now(),
    };
    this.received.push(received);
    this.#answering(response, received);
  }
}
