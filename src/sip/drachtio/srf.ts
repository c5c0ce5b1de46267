import type { Server, Socket } from 'node:net';
import Package from 'drachtio-srf';

/**
 * The part of drachtio-srf that is used here, with the types that it really has: those of the package leave out what
 * callbacks get and claim more than they give. This file alone knows the package.
 */
export interface SrfRequest {
  readonly method: string;
  /** The message as the server wrote it down. */
  readonly raw: string;
  readonly source_address: string;
  readonly source_port: number;
  /** `tcp`, `tls`, `udp`, `ws` or `wss`. */
  readonly protocol: string;
  /** `address:port` of the server that the request came to. */
  readonly receivedOn?: string;
  readonly socket: Socket;
  readonly meta: { readonly source: string };
  has(name: string): boolean;
  /** Throws when it cannot be parsed. */
  getParsedHeader(name: string): unknown;
  on(event: 'cancel', listener: (cancel: { readonly raw: string }) => void): unknown;
  on(event: 'update', listener: (request: SrfRequest, response: SrfResponse) => void): unknown;
  /** Gives up an INVITE of ours. */
  cancel(done: (error: unknown) => void): void;
}

/** Header fields and body of what is sent. `headers` holds one value for each name. */
export interface SrfContent {
  readonly headers: Record<string, string>;
  readonly body?: string;
}

export interface SrfResponse {
  readonly status: number;
  readonly raw: string;
  readonly finalResponseSent: boolean;
  readonly socket: Socket;
  send(
    status: number,
    reason: string,
    content: SrfContent,
    /** The error may be a plain string; the message is the one that went out. */
    done: (error: unknown, sent?: { readonly raw: string }) => void,
  ): void;
}

export interface SrfDialog {
  readonly id: string;
  /** Our Contact, which the server chose. */
  readonly local: { readonly contact: string };
  /** Of a call of ours: the 200 of the peer. */
  readonly res: { readonly raw: string };
  on(event: 'ack', listener: (ack: SrfRequest) => void): unknown;
  on(event: 'destroy', listener: (bye: SrfRequest, reason: string) => void): unknown;
  on(
    event: 'modify' | 'update' | 'info' | 'refer' | 'notify' | 'options' | 'message',
    listener: (request: SrfRequest, response: SrfResponse) => void,
  ): unknown;
  /** Sends a BYE. */
  destroy(content: { readonly headers: Record<string, string> }, done: (error: unknown) => void): unknown;
  request(
    content: SrfContent & { readonly method: string },
    done: (error: unknown, response?: SrfResponse) => void,
  ): unknown;
  removeAllListeners(): unknown;
}

/** What `createUAC` fails with when the peer refuses. */
export interface SrfRefusal {
  readonly status: number;
  readonly res: SrfResponse;
}

export interface Srf {
  /** `hostports`: `tcp/127.0.0.1:5060,tls/...`, what the server listens on. */
  on(event: 'connect', listener: (error: unknown, hostports?: string) => void): unknown;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  invite(handler: (request: SrfRequest, response: SrfResponse) => void): unknown;
  /** Whatever else comes; without a handler the package answers 404 and closes the connection to the server. */
  use(handler: (request: SrfRequest, response: SrfResponse) => void): unknown;
  options(handler: (request: SrfRequest, response: SrfResponse) => void): unknown;
  /** Takes each connection that `server` emits for one to a drachtio-server. Has to come before any handler. */
  listen(options: {
    readonly server: Server;
    readonly secret: string;
    readonly enablePing: boolean;
    readonly pingInterval: number;
  }): unknown;
  /** The server gives requests of this method to other applications, or refuses them. */
  unregisterForMessages(method: string): void;
  createUAS(
    request: SrfRequest,
    response: SrfResponse,
    options: { readonly localSdp: string; readonly headers: Record<string, string> },
    done: (error: unknown, dialog?: SrfDialog) => void,
  ): unknown;
  createUAC(
    uri: string,
    options: {
      readonly localSdp: string;
      readonly proxy: string;
      readonly headers: Record<string, string>;
    },
    progress: {
      readonly cbRequest: (error: unknown, request?: SrfRequest) => void;
      readonly cbProvisional: (response: SrfResponse) => void;
    },
    done: (error: unknown, dialog?: SrfDialog) => void,
  ): unknown;
  removeDialog(dialog: SrfDialog): void;
}

export type NewSrf = () => Srf;

export const newSrf: NewSrf = () => new Package() as unknown as Srf;
