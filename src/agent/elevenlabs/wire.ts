import net from 'node:net';
import tls from 'node:tls';

/** Hosts whose TLS session is remembered: one, as a rule. */
const mostHosts = 16;

/** What `ws` asks for a connection with: where it goes, with everything that `tls` is to know. */
export type WireOptions = tls.ConnectionOptions & { readonly host: string; readonly port: number };

/**
 * Opens the connections that WebSockets run over. The TLS session of each host is remembered, and what certificates are checked
 * with is made once: handshakes happen in the thread that sends the sound.
 */
export class Wires {
  readonly #trust: tls.SecureContextOptions;
  readonly #sessions = new Map<string, Buffer>();
  #context: tls.SecureContext | undefined;

  /** `trust` tells whose certificates are believed; the ones that Node comes with unless given. */
  constructor(trust: tls.SecureContextOptions = {}) {
    this.#trust = trust;
  }

  plain(options: WireOptions): net.Socket {
    return net.connect({ host: options.host, port: options.port });
  }

  secure(options: WireOptions): tls.TLSSocket {
    const { host, port } = options;
    const key = `${host}:${port}`;
    const session = this.#sessions.get(key);
    this.#context ??= tls.createSecureContext(this.#trust);
    const socket = tls.connect({
      ...options,
      secureContext: this.#context,
      // Of an HTTP request, where it names the resource; here it would name a pipe.
      path: undefined as never,
      servername: options.servername || (net.isIP(host) === 0 ? host : ''),
      ...(session === undefined ? {} : { session }),
    });
    socket.on('session', newest => this.#remember(key, newest));
    // A session that the far end does not like is not tried a second time.
    socket.once('error', () => this.#sessions.delete(key));
    return socket;
  }

  #remember(key: string, session: Buffer): void {
    if (this.#sessions.size >= mostHosts && !this.#sessions.has(key)) this.#sessions.clear();
    this.#sessions.set(key, session);
  }
}
