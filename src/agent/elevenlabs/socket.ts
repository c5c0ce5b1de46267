import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { type AgentLimits, agentLimits } from './limits.ts';
import { isLoopback } from './loopback.ts';
import { Wires } from './wire.ts';

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
  /** Whether it is open and nothing waits in it: the moment for `write`. */
  readonly idle: boolean;
  /**
   * Writes a whole frame that is masked already. Only while it is `idle`: the memory is the caller's again once it is idle
   * the next time. True when that is at once, because the frame has left.
   */
  write(frame: Buffer): boolean;
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

/**
 * Connects with the `ws` package: no compression, no Origin, no subprotocol, plain text only to loopback. `stepped` is called
 * behind each thing that happens on a WebSocket: many may happen in one turn of the loop, and some take a millisecond.
 */
export function connectWith(
  limits: AgentLimits = agentLimits,
  stepped: () => void = () => undefined,
  wires: Wires = new Wires({ stepped }),
): ConnectAgent {
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
    return new WsSocket(listener, target, options, wires, stepped);
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
  const nothing = () => undefined;
  return { bufferedBytes: 0, idle: false, write: () => false, send: nothing, close: nothing };
}

class WsSocket implements AgentSocket {
  readonly #listener: SocketListener;
  readonly #stepped: () => void;
  /** Undefined where it could not even begin. */
  #ws: WebSocket | undefined;
  #wire: Socket | undefined;
  #over = false;

  constructor(
    listener: SocketListener,
    target: URL,
    options: SocketOptions,
    wires: Wires,
    stepped: () => void,
  ) {
    this.#listener = listener;
    this.#stepped = stepped;
    const secure = target.protocol === 'wss:';
    const connect = ({ host, port }: { readonly host: string; readonly port: number }): Socket => {
      const wire = wires.open({ secure, host, port });
      wire.setTimeout(options.handshakeTimeout ?? 0);
      this.#wire = wire;
      return wire;
    };
    // The type is that of `net.createConnection` in all its forms; the request uses this one.
    const createConnection = connect as NonNullable<SocketOptions['createConnection']>;
    let ws: WebSocket;
    try {
      ws = new WebSocket(target, { ...options, createConnection });
    } catch (error) {
      queueMicrotask(() => this.#end({ kind: 'failed', code: codeOf(error) }));
      return;
    }
    this.#ws = ws;
    ws.on('open', () => {
      if (!this.#over) this.#listener.opened();
      stepped();
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
    return this.#ws?.bufferedAmount ?? 0;
  }

  get idle(): boolean {
    // Without compression `ws` holds nothing back: what it has not handed to the wire there is not.
    return this.#ws?.readyState === WebSocket.OPEN && this.#wire?.writableLength === 0;
  }

  /** What `ws` itself has to send it sends at once and in whole frames: a frame of ours never falls into one of those. */
  write(frame: Buffer): boolean {
    const wire = this.#wire;
    if (wire === undefined) return false;
    wire.write(frame);
    return wire.writableLength === 0;
  }

  send(message: string | Buffer): void {
    if (this.#ws?.readyState === WebSocket.OPEN) this.#ws.send(message, textFrame);
  }

  close(code: number): void {
    if (this.#ws !== undefined && this.#ws.readyState !== WebSocket.CLOSED) this.#ws.close(code);
  }

  #message(data: Buffer, isBinary: boolean): void {
    if (this.#over) return;
    if (isBinary) this.#listener.binary(data.length);
    else this.#listener.text(data);
    this.#stepped();
  }

  #end(end: SocketEnd): void {
    if (this.#over) return;
    this.#over = true;
    this.#listener.ended(end);
    this.#stepped();
  }
}

const textFrame = { binary: false };

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : 'HANDSHAKE';
}
