import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Clock } from '../../../core/clock.ts';
import type { Source } from '../../signalling.ts';
import { certificateNames } from './certificate-names.ts';
import type { Wire, WireListener } from './wire.ts';

/** IPv4 addresses that a dual-stack socket shows as `::ffff:192.0.2.1` in their usual form; a zone is left out. */
export function plainAddress(address: string | undefined): string {
  const text = (address ?? '').replace(/%.*$/, '');
  return text.toLowerCase().startsWith('::ffff:') && text.includes('.') ? text.slice(7) : text;
}

/**
 * What is wrong with TLS where an error is about that, as constant text: an alert of the peer, or its certificate. In
 * TLS 1.3 the alert of a peer that wants a certificate comes only after the handshake.
 */
export function tlsFault(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const alert = /^ERR_SSL_(?:TLSV1_3_|TLSV13_|TLSV1_|SSLV3_)?ALERT_([A-Z_]+)$/.exec(code)?.[1];
  if (alert !== undefined) return `the peer ended TLS: ${alert.toLowerCase().replaceAll('_', ' ')}`;
  return /^(ERR_SSL_|ERR_TLS_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)[A-Z0-9_/]*$/.test(code)
    ? `TLS could not be agreed on: ${code}`
    : undefined;
}

/** A TCP or TLS socket as a wire. A peer that half-closes is closed. */
export class SocketWire implements Wire {
  readonly source: Source;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #lingerMs: number;
  #corked = false;
  #fault: string | undefined;
  readonly #uncork = (): void => {
    this.#corked = false;
    this.#socket.uncork();
  };

  constructor(socket: Socket, transport: 'tcp' | 'tls', clock: Clock, lingerMs: number) {
    this.#socket = socket;
    this.#clock = clock;
    this.#lingerMs = lingerMs;
    this.source = {
      transport,
      address: plainAddress(socket.remoteAddress),
      port: socket.remotePort ?? 0,
      localAddress: plainAddress(socket.localAddress),
      ...verifiedNames(socket),
    };
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
  }

  get backlog(): number {
    return this.#socket.writableLength;
  }

  get fault(): string | undefined {
    return this.#fault;
  }

  listen(listener: WireListener): void {
    // An error is always followed by close, and there is nothing to do about it but that.
    this.#socket.on('error', error => {
      this.#fault ??= tlsFault(error);
      this.#socket.destroy();
    });
    this.#socket.once('close', () => listener.closed());
    this.#socket.on('data', chunk => listener.data(chunk));
    if (this.#socket.closed) listener.closed();
  }

  write(bytes: Buffer): void {
    if (!this.#socket.writable) return;
    // What one turn has to say to a peer goes out in one piece: a trunk's connection gets the answers of many calls.
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(this.#uncork);
    }
    this.#socket.write(bytes);
  }

  hold(on: boolean): void {
    if (on) this.#socket.pause();
    else this.#socket.resume();
  }

  end(): void {
    // What the peer still sends is read and dropped for a moment: closing over unread bytes would reset the
    // connection and take our last answer with it.
    this.#socket.end();
    const linger = this.#clock.timer(this.#lingerMs, () => this.#socket.destroy());
    this.#socket.once('close', () => linger.cancel());
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** Names in the certificate of a peer that was asked for one and gave a good one. */
function verifiedNames(socket: Socket): { certificateNames?: readonly string[] } {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return {};
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return {};
  const commonName = /^CN=(.*)$/m.exec(certificate.subject)?.[1];
  return { certificateNames: certificateNames(certificate.subjectAltName, commonName) };
}
