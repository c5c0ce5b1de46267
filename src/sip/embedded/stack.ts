import type { Clock } from '../../core/clock.ts';
import { type Ending, ending } from '../../core/ending.ts';
import { Failure, fail, messageOf, ok, type Result } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { within } from '../../core/within.ts';
import type {
  Admission,
  ListenAddress,
  NextHop,
  OnInvite,
  OutboundDialogue,
  OutboundOptions,
  Registering,
  RegisterOptions,
  Registration,
  RequestFacts,
  Signalling,
  Source,
} from '../signalling.ts';
import type { HostPort } from './dialog/path.ts';
import { Reception } from './dialog/reception.ts';
import { placeInWords } from './dialog/uac-outcome.ts';
import { type StackLimits, stackLimits } from './limits.ts';
import { type MessageLimits, messageLimits } from './message/limits.ts';
import type { SipMessage } from './message/message.ts';
import { Outgoing } from './outgoing.ts';
import { type Absent, reach } from './reach.ts';
import { CountingClock } from './transaction/counting-clock.ts';
import { TransactionLayer } from './transaction/layer.ts';
import { Census } from './transport/census.ts';
import { Connection, type ConnectionListener, type RefusalCause, type Tap } from './transport/connection.ts';
import { dial } from './transport/dialer.ts';
import { Listener, type TlsMaterial } from './transport/listener.ts';
import { ConnectionPool } from './transport/pool.ts';
import { Turns } from './transport/rate.ts';
import { stampVia } from './transport/received.ts';
import type { Wire } from './transport/wire.ts';

/** Why a peer was turned away: its connection, or a request inside a dialogue that is not its own. */
export type PeerRefusal = RefusalCause | 'not-its-dialogue';

export interface EmbeddedOptions {
  /** Port 0 takes any free one. */
  readonly listen: readonly ListenAddress[];
  /** Needed as soon as one of `listen` is tls. */
  readonly tls?: TlsMaterial;
  /** Whether a peer at this IP literal may talk to us, and may be connected to. */
  readonly admit: (address: string) => boolean;
  /** Why a peer may not talk to us now, in the place of `admit` and named. */
  readonly objection?: (address: string) => RefusalCause | undefined;
  /** Whether we may open a connection to an address that a peer has named; default: whoever `admit` lets in. */
  readonly mayDial?: (address: string) => boolean;
  /** Where a trunk is, for calls of it whose connection is gone; default: nobody knows. */
  readonly wayTo?: (trunk: string) => Promise<readonly NextHop[]>;
  /** True for peers that share the smaller limits of those who are nobody yet; default: nobody is. */
  readonly isStranger?: (address: string) => boolean;
  /** Asked for each request outside of any dialogue, ACK and CANCEL excepted, before anything is kept of it. */
  readonly gate?: (request: RequestFacts) => Admission;
  /**
   * Whether a peer at another address than that of a call may speak inside it, because both are one trunk's; default:
   * nobody may.
   */
  readonly speaksFor?: (trunk: string, source: Source) => boolean;
  /** Opens wires; default: over the network. */
  readonly dial?: (hop: NextHop) => Promise<Result<Wire>>;
  /** Host and port of our Contact for this peer. */
  readonly contactFor: (source: Source) => HostPort;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onInvite: OnInvite;
  /** A connection or request was refused; `address` is an IP literal, or empty when it is not known. */
  readonly onRefused: (cause: PeerRefusal, address: string) => void;
  /** An INVITE was refused before `onInvite` could hear of it. */
  readonly onInviteRefused?: (status: number, end: Ending, address: string, callId?: string) => void;
  /** Sees every message that comes or goes, as bytes. */
  readonly tap?: Tap;
  readonly limits?: Partial<StackLimits>;
  readonly messageLimits?: Partial<MessageLimits>;
}

/** Gauges that are all zero when nothing goes on. */
export interface StackStats {
  readonly connections: number;
  readonly transactions: number;
  readonly dialogs: number;
  readonly timers: number;
}

/** SIP over TCP and TLS, user agent server: the `embedded` backend. */
export class EmbeddedSignalling implements Signalling, Registering {
  readonly #options: EmbeddedOptions;
  readonly #limits: StackLimits;
  readonly #messageLimits: MessageLimits;
  readonly #clock: CountingClock;
  readonly #census: Census;
  readonly #layer: TransactionLayer;
  readonly #reception: Reception;
  readonly #outgoing: Outgoing;
  readonly #connections = new Set<Connection>();
  /** Hops of calls come from the configuration, and what a peer names is looked at before. */
  readonly #pool = new ConnectionPool(hop => this.#dial(hop));
  readonly #listeners: readonly Listener[];
  #tls: TlsMaterial | undefined;
  /** Nothing is dialled any more. */
  #closed = false;

  constructor(options: EmbeddedOptions) {
    this.#options = options;
    this.#limits = { ...stackLimits, ...options.limits };
    this.#messageLimits = { ...messageLimits, ...options.messageLimits };
    this.#clock = new CountingClock(options.clock, error => {
      options.log.error('a fault in a timer', { error: messageOf(error) });
    });
    this.#tls = options.tls;
    this.#census = new Census(this.#clock, this.#limits, options.isStranger);
    this.#layer = new TransactionLayer(this.#clock);
    const searches = new Turns(this.#clock, this.#limits.searchesPerSecond);
    const turn = () => searches.take();
    this.#reception = new Reception({
      clock: this.#clock,
      limits: this.#limits,
      log: options.log,
      layer: this.#layer,
      contactFor: options.contactFor,
      reach: absent => this.#reach(absent),
      turn,
      gate: options.gate ?? (() => ({ verdict: 'pass' })),
      speaksFor: options.speaksFor ?? (() => false),
      onInvite: options.onInvite,
      onInviteRefused: options.onInviteRefused ?? (() => undefined),
      onStranger: address => options.onRefused('not-its-dialogue', address),
    });
    this.#outgoing = new Outgoing({
      clock: this.#clock,
      limits: this.#limits,
      log: options.log,
      layer: this.#layer,
      contactFor: options.contactFor,
      connect: hop => this.#pool.open(hop),
      reach: absent => this.#reach(absent),
      turn,
      onConfirmed: call => this.#reception.adopt(call),
      onEnd: call => this.#reception.forget(call),
    });
    this.#listeners = options.listen.map(where => new Listener(where, this.#listenerOptions(), options.tls));
  }

  listen(): Promise<readonly ListenAddress[]> {
    return Promise.all(this.#listeners.map(listener => listener.open()));
  }

  call(route: readonly NextHop[], offer: string, options: OutboundOptions): OutboundDialogue {
    return this.#outgoing.call(route, offer, options);
  }

  register(route: () => Promise<readonly NextHop[]>, options: RegisterOptions): Registration {
    return this.#outgoing.register(route, options);
  }

  drain(): void {
    this.#reception.drain();
  }

  async close(graceMs: number): Promise<void> {
    this.drain();
    for (const listener of this.#listeners) listener.close();
    await this.#hangUpAll(graceMs);
    this.#closed = true;
    for (const dialogue of [...this.#reception.dialogs.values()]) dialogue.drop(ending('shutdown'));
    this.#outgoing.drop(ending('shutdown'));
    this.#layer.abandonAll();
    for (const connection of [...this.#connections]) connection.close();
    const limit = this.#clock.timer(this.#limits.lingerMs, () => this.#census.destroyAll());
    await this.#census.empty();
    limit.cancel();
  }

  stats(): StackStats {
    return {
      connections: this.#census.size,
      transactions: this.#layer.size,
      dialogs: this.#reception.dialogs.size + this.#outgoing.unanswered,
      timers: this.#clock.running,
    };
  }

  /** From now on handshakes use this certificate. */
  setSecureContext(material: TlsMaterial): void {
    for (const listener of this.#listeners) listener.setSecureContext(material);
    this.#tls = material;
  }

  /** Takes a wire that speaks SIP, as listeners do for each connection they accept. */
  attach(wire: Wire): Connection {
    const connection = new Connection(wire, {
      clock: this.#clock,
      limits: this.#limits,
      messageLimits: this.#messageLimits,
      listener: this.#connectionListener(),
      ...(this.#options.tap === undefined ? {} : { tap: this.#options.tap }),
    });
    if (connection.open) this.#connections.add(connection);
    return connection;
  }

  /** Ends every dialogue, and waits at most `graceMs` for the peers to hear of it. */
  async #hangUpAll(graceMs: number): Promise<void> {
    const end = ending('shutdown');
    const ended: Promise<unknown>[] = [...this.#reception.dialogs.values()].map(dialogue => {
      dialogue.dismiss(end);
      return dialogue.ended;
    });
    ended.push(...this.#outgoing.dismiss(end));
    if (ended.length === 0) return;
    await within(this.#clock, graceMs, Promise.all(ended));
  }

  #listenerOptions() {
    const { admit, onRefused } = this.#options;
    const objection = (address: string) => (admit(address) ? undefined : 'source-not-allowed');
    return {
      clock: this.#clock,
      limits: this.#limits,
      census: this.#census,
      objection: this.#options.objection ?? objection,
      onWire: (wire: Wire) => void this.attach(wire),
      onRefused,
    };
  }

  #connectionListener(): ConnectionListener {
    return {
      message: (connection, message) => this.#message(connection, message),
      fault: (connection, fault) => this.#reception.fault(fault, connection),
      refused: (cause, address) => this.#options.onRefused(cause, address),
      crashed: error => this.#options.log.error('a fault in a connection', { error: messageOf(error) }),
      closed: connection => {
        this.#connections.delete(connection);
        this.#layer.connectionClosed(connection);
        this.#reception.connectionClosed(connection);
        this.#outgoing.connectionClosed(connection);
        this.#pool.connectionClosed(connection);
      },
    };
  }

  #message(connection: Connection, message: SipMessage): void {
    // A response that belongs to nothing is dropped (RFC 3261 section 18.1.2).
    if (message.kind === 'response') this.#layer.response(message, connection);
    else this.#reception.request(stampVia(message, connection.source), connection);
  }

  #reach(absent: Absent): Promise<Connection | undefined> {
    const { mayDial, admit, wayTo } = this.#options;
    return reach(absent, {
      connect: hop => this.#pool.open(hop),
      mayDial: mayDial ?? admit,
      wayTo: wayTo ?? (() => Promise.resolve([])),
      mostHops: this.#limits.callHops,
    });
  }

  async #dial(hop: NextHop): Promise<Result<Connection>> {
    const { address, port, transport } = hop;
    const failed = (code: string, why: string) => fail(new Failure(code, `${placeInWords(hop)}: ${why}`));
    if (this.#closed) return failed('closed', 'this bridge is shutting down');
    const options = { clock: this.#clock, limits: this.#limits, census: this.#census };
    const dialled = await (this.#options.dial?.(hop) ?? dial(hop, options, this.#tls));
    if (!dialled.ok) {
      const { code, message } = dialled.failure;
      const where = { address, port, transport };
      this.#options.log.info('the peer could not be connected to', { code, why: message, ...where });
      return failed(code, message);
    }
    if (this.#closed) {
      dialled.value.destroy();
      return failed('closed', 'this bridge is shutting down');
    }
    const connection = this.attach(dialled.value);
    connection.keepAlive();
    return connection.open
      ? ok(connection)
      : failed('connect-failed', connection.fault ?? 'the connection broke');
  }
}
