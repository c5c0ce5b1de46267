import net from 'node:net';
import tls from 'node:tls';

/** Where a connection goes. */
export interface Place {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
}

export interface WireOptions {
  /** Whose certificates are believed; the ones that Node comes with unless given. */
  readonly trust?: tls.SecureContextOptions;
  /** Called behind TCP's part of a connection and behind that of TLS, each of which may take a millisecond. */
  readonly stepped?: () => void;
  readonly limits?: WireLimits;
}

export interface WireLimits {
  /** Hosts whose TLS session is remembered: one, as a rule. */
  readonly hosts: number;
  /** Connections that were begun ahead and that nobody has taken yet. */
  readonly ahead: number;
  /** How long one of those is kept, ms: a server closes what says nothing. */
  readonly aheadMs: number;
}

export const wireLimits: WireLimits = { hosts: 16, ahead: 32, aheadMs: 4_000 };

/**
 * Opens the connections that WebSockets run over. The TLS session of each host is remembered, and what certificates are checked
 * with is made once: handshakes happen in the thread that sends the sound. A connection can be begun before it is known what
 * is asked for over it.
 */
export class Wires {
  readonly #trust: tls.SecureContextOptions;
  readonly #stepped: () => void;
  readonly #limits: WireLimits;
  readonly #sessions = new Map<string, Buffer>();
  #context: tls.SecureContext | undefined;
  /** Where the last one went: where the next one will. */
  #last: Place | undefined;
  /** Those that nobody has taken yet, the oldest first, with where they go and what watches them. */
  readonly #ahead = new Map<net.Socket, { readonly key: string; readonly drop: () => void }>();

  constructor({ trust = {}, stepped = () => undefined, limits = wireLimits }: WireOptions = {}) {
    this.#trust = trust;
    this.#stepped = stepped;
    this.#limits = limits;
  }

  /** A connection, which may be through already, or just being opened; without a timeout. */
  open(place: Place): net.Socket {
    this.#last = place;
    return this.#taken(place) ?? this.#connect(place);
  }

  /**
   * Begins a connection to where the last one went, for whoever is the next to go there: a call needs one when its ticket
   * has come, and TCP and TLS are through by then. Does nothing before there was one, or when enough wait already.
   */
  ahead(): void {
    const place = this.#last;
    if (place === undefined || this.#ahead.size >= this.#limits.ahead) return;
    const wire = this.#connect(place);
    const drop = () => {
      this.#ahead.delete(wire);
      wire.destroy();
    };
    this.#ahead.set(wire, { key: keyOf(place), drop });
    // A server that speaks first, or closes, is not one to ask anything of over this.
    for (const event of endings) wire.on(event, drop);
    wire.setTimeout(this.#limits.aheadMs);
  }

  /** Lets go of what nobody has taken. */
  close(): void {
    for (const { drop } of [...this.#ahead.values()]) drop();
  }

  #taken(place: Place): net.Socket | undefined {
    const wanted = keyOf(place);
    for (const [wire, { key, drop }] of this.#ahead) {
      if (key !== wanted) continue;
      this.#ahead.delete(wire);
      for (const event of endings) wire.off(event, drop);
      wire.setTimeout(0);
      return wire;
    }
    return undefined;
  }

  #connect(place: Place): net.Socket {
    const wire = place.secure ? this.#secure(place) : net.connect({ host: place.host, port: place.port });
    wire.once('connect', this.#stepped);
    wire.once('secureConnect', this.#stepped);
    return wire;
  }

  #secure(place: Place): tls.TLSSocket {
    const { host, port } = place;
    const key = keyOf(place);
    const session = this.#sessions.get(key);
    this.#context ??= tls.createSecureContext(this.#trust);
    const socket = tls.connect({
      host,
      port,
      secureContext: this.#context,
      servername: net.isIP(host) === 0 ? host : '',
      ...(session === undefined ? {} : { session }),
    });
    socket.on('session', newest => this.#remember(key, newest));
    // A session that the far end does not like is not tried a second time.
    socket.once('error', () => this.#sessions.delete(key));
    return socket;
  }

  #remember(key: string, session: Buffer): void {
    if (this.#sessions.size >= this.#limits.hosts && !this.#sessions.has(key)) this.#sessions.clear();
    this.#sessions.set(key, session);
  }
}

/** What ends a connection that is kept for somebody. */
const endings = ['error', 'end', 'close', 'timeout', 'data'] as const;

function keyOf({ secure, host, port }: Place): string {
  return `${secure ? 'tls' : 'tcp'} ${host}:${port}`;
}
