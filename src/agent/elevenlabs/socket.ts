import { WebSocket } from 'ws';
import { type AgentLimits, agentLimits } from './limits.ts';
import { isLoopback } from './loopback.ts';

/** How a socket ended. `refused` is an HTTP answer that was no upgrade; `failed` is an error with its code. */
export type SocketEnd =
  | { readonly kind: 'close'; readonly code: number; readonly reason: string }
  | { readonly kind: 'refused'; readonly status: number }
  | { readonly kind: 'failed'; readonly code: string };

/** What a socket tells its session. `ended` comes once and last. */
export interface SocketListener {
  opened(): void;
  /** One whole text message, UTF-8; valid during the call. */
  text(data: Buffer): void;
  binary(length: number): void;
  ended(end: SocketEnd): void;
}

/** The WebSocket as the session uses it. Members do nothing once it is closed. */
export interface AgentSocket {
  /** Bytes that were sent and have not left the process. */
  readonly bufferedBytes: number;
  /** Sends a text message. The bytes of a Buffer are copied before this returns. */
  send(message: string | Buffer): void;
  close(code: number): void;
}

/** Opens a WebSocket. Nothing is told to the listener before this has returned. */
export type ConnectAgent = (url: string, listener: SocketListener) => AgentSocket;

interface SocketOptions extends WebSocket.ClientOptions {
  /** In the package since 8.19, not yet in its types. */
  readonly closeTimeout: number;
}

/** Connects with the `ws` package: no compression, no Origin, no subprotocol, plain text only to loopback. */
export function connectWith(limits: AgentLimits = agentLimits): ConnectAgent {
  const options: SocketOptions = {
    perMessageDeflate: false,
    maxPayload: limits.maxMessageBytes,
    maxFragments: limits.maxFragments,
    maxBufferedChunks: limits.maxBufferedChunks,
    handshakeTimeout: limits.handshakeMs,
    closeTimeout: limits.closeMs,
  };
  return (url, listener) => {
    const target = secureTarget(url);
    if (target === undefined) return refuse(listener);
    return new WsSocket(new WebSocket(target, options), listener);
  };
}

function secureTarget(url: string): URL | undefined {
  if (!URL.canParse(url)) return undefined;
  const target = new URL(url);
  if (target.protocol === 'wss:') return target;
  return target.protocol === 'ws:' && isLoopback(target.hostname) ? target : undefined;
}

function refuse(listener: SocketListener): AgentSocket {
  queueMicrotask(() => listener.ended({ kind: 'failed', code: 'INSECURE_URL' }));
  return { bufferedBytes: 0, send: () => undefined, close: () => undefined };
}

class WsSocket implements AgentSocket {
  readonly #ws: WebSocket;
  readonly #listener: SocketListener;
  #over = false;

  constructor(ws: WebSocket, listener: SocketListener) {
    this.#ws = ws;
    this.#listener = listener;
    ws.on('open', () => {
      if (!this.#over) listener.opened();
    });
    ws.on('message', (data, isBinary) => this.#message(data as Buffer, isBinary));
    ws.on('unexpected-response', (request, response) => {
      this.#end({ kind: 'refused', status: response.statusCode ?? 0 });
      request.destroy();
    });
    // After a protocol error `ws` sends its close frame and cuts the connection by itself.
    ws.on('error', error => this.#end({ kind: 'failed', code: codeOf(error) }));
    ws.on('close', (code, reason) => this.#end({ kind: 'close', code, reason: reason.toString('utf8') }));
  }

  get bufferedBytes(): number {
    return this.#ws.bufferedAmount;
  }

  send(message: string | Buffer): void {
    if (this.#ws.readyState === WebSocket.OPEN) this.#ws.send(message, textFrame);
  }

  close(code: number): void {
    if (this.#ws.readyState === WebSocket.CLOSED) return;
    this.#ws.close(code);
  }

  #message(data: Buffer, isBinary: boolean): void {
    if (this.#over) return;
    if (isBinary) this.#listener.binary(data.length);
    else this.#listener.text(data);
  }

  #end(end: SocketEnd): void {
    if (this.#over) return;
    this.#over = true;
    this.#listener.ended(end);
  }
}

const textFrame = { binary: false };

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : 'HANDSHAKE';
}
