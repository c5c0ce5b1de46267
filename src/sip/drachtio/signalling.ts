import type { Socket } from 'node:net';
import type { Clock } from '../../core/clock.ts';
import { deferred } from '../../core/deferred.ts';
import { type Ending, ending } from '../../core/ending.ts';
import { Failure, messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { within } from '../../core/within.ts';
import { CountingClock } from '../embedded/transaction/counting-clock.ts';
import type { RefusalCause } from '../embedded/transport/connection.ts';
import type {
  Admission,
  ListenAddress,
  NextHop,
  OnInvite,
  OutboundDialogue,
  OutboundOptions,
  RegisterOptions,
  Registration,
  RequestFacts,
  Signalling,
  Source,
} from '../signalling.ts';
import { Doorway } from './doorway.ts';
import type { Environment } from './environment.ts';
import { type DrachtioLimits, drachtioLimits } from './limits.ts';
import { type AdminAddress, Link, type LinkListener } from './link.ts';
import { Reception } from './reception.ts';
import { type NewSrf, newSrf, type Srf } from './srf.ts';
import { DrachtioUac } from './uac.ts';
import type { DrachtioUas } from './uas.ts';

/** How the server and we find each other. */
export type DrachtioConnection =
  /** We connect to the server, and it gives us all calls. */
  | ({ readonly mode: 'inbound' } & AdminAddress)
  /** The server connects to us for each call, from an address that `admits` takes: it is told the secret. */
  | {
      readonly mode: 'outbound';
      readonly listen: { readonly address: string; readonly port: number };
      readonly secret: string;
      readonly admits: (address: string) => boolean;
    };

export interface DrachtioOptions {
  readonly connection: DrachtioConnection;
  /** Why a peer at this IP literal may not talk to us now. */
  readonly objection: (address: string) => RefusalCause | undefined;
  /** Asked for each request outside of any dialogue. `drop` becomes 403. */
  readonly gate?: (request: RequestFacts) => Admission;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onInvite: OnInvite;
  readonly onRefused: (cause: RefusalCause, address: string) => void;
  readonly onInviteRefused?: (status: number, end: Ending, address: string) => void;
  /** Sees the messages that the package shows; what the server answers by itself is not among them. */
  readonly tap?: (direction: 'in' | 'out', source: Source, head: Buffer) => void;
  readonly limits?: Partial<DrachtioLimits>;
  readonly newSrf?: NewSrf;
}

type Call = DrachtioUas | DrachtioUac;

/** SIP by a drachtio-server: the `drachtio` backend. Transports, transactions and TLS are that server's. */
export class DrachtioSignalling implements Signalling {
  readonly #options: DrachtioOptions;
  readonly #limits: DrachtioLimits;
  readonly #clock: CountingClock;
  readonly #environment: Environment;
  readonly #reception: Reception;
  readonly #calls = new Set<Call>();
  readonly #link: Link | undefined;
  readonly #door: Doorway | undefined;
  #draining = false;
  #firstLink: (outcome: readonly ListenAddress[] | Failure | undefined) => void = () => undefined;

  constructor(options: DrachtioOptions) {
    this.#options = options;
    const { log, connection } = options;
    this.#limits = { ...drachtioLimits, ...options.limits };
    this.#clock = new CountingClock(options.clock, error => {
      log.error('a fault in a timer', { error: messageOf(error) });
    });
    this.#environment = {
      clock: this.#clock,
      limits: this.#limits,
      log,
      tap: (direction, source, raw) => this.#show(direction, source, raw),
      release: socket => {
        if (this.#door !== undefined) socket.end();
      },
      onEnd: call => this.#forget(call),
    };
    this.#reception = new Reception({
      clock: this.#clock,
      limits: this.#limits,
      log,
      environment: this.#environment,
      objection: options.objection,
      gate: options.gate ?? (() => ({ verdict: 'pass' })),
      onInvite: options.onInvite,
      onRefused: options.onRefused,
      onInviteRefused: options.onInviteRefused ?? (() => undefined),
      calls: () => this.#calls.size,
      onCall: call => void this.#calls.add(call),
    });
    const shared = {
      newSrf: options.newSrf ?? newSrf,
      clock: this.#clock,
      limits: this.#limits,
      log,
      listener: this.#listener(),
    };
    if (connection.mode === 'inbound') this.#link = new Link({ ...shared, admin: connection });
    else {
      const onRefused = (address: string) => options.onRefused('source-not-allowed', address);
      this.#door = new Doorway({ ...shared, ...connection, onRefused });
    }
  }

  /**
   * Settles with what the server listens on, or with nothing when it is not there yet: calls come as soon as it is.
   * Rejects with a `Failure` when the server refuses the secret, or the port cannot be had.
   */
  async listen(): Promise<readonly ListenAddress[]> {
    if (this.#door !== undefined) {
      const opened = await this.#door.open();
      if (!opened.ok) throw opened.failure;
      this.#options.log.info('waiting for drachtio-servers', { port: opened.value });
      return [];
    }
    const first = deferred<readonly ListenAddress[] | Failure | undefined>();
    this.#firstLink = first.resolve;
    const limit = this.#clock.timer(this.#limits.firstLinkMs, () => first.resolve(undefined));
    this.#link?.open();
    const outcome = await first.promise;
    limit.cancel();
    if (outcome instanceof Failure) {
      await this.#link?.close();
      throw outcome;
    }
    if (outcome === undefined) this.#options.log.warn('the drachtio-server is not there yet');
    return outcome ?? [];
  }

  call(route: readonly NextHop[], offer: string, options: OutboundOptions): OutboundDialogue {
    const call = new DrachtioUac(this.#way, route, offer, options, this.#environment);
    this.#calls.add(call);
    return call;
  }

  /** Not to be had here: it never holds, and says so once. */
  register(_route: () => Promise<readonly NextHop[]>, options: RegisterOptions): Registration {
    this.#options.log.warn('a trunk wants to be registered with, which sip.backend drachtio cannot do');
    queueMicrotask(() => options.onChange(false, 0, 'sip.backend drachtio cannot register'));
    return { registered: false, stop: () => Promise.resolve() };
  }

  /** The server is told as well, so that it can give new calls to others. */
  drain(): void {
    this.#reception.drain();
    const srf = this.#link?.srf;
    if (this.#draining || srf === undefined) return;
    this.#draining = true;
    srf.unregisterForMessages('invite');
  }

  /** What calls of ours go over. */
  get #way(): { readonly srf: Srf; readonly socket: Socket } | undefined {
    const srf = this.#link?.srf;
    const socket = this.#link?.socket;
    return srf === undefined || socket === undefined ? undefined : { srf, socket };
  }

  async close(graceMs: number): Promise<void> {
    this.drain();
    const end = ending('shutdown');
    const ended = [...this.#calls].map(call => {
      call.dismiss(end);
      return call.ended;
    });
    if (ended.length > 0) await within(this.#clock, graceMs, Promise.all(ended));
    for (const call of [...this.#calls]) call.drop(end);
    await this.#link?.close();
    this.#door?.close();
  }

  /** Gauges that are all zero when nothing goes on. */
  stats(): { connections: number; transactions: number; dialogs: number; timers: number } {
    const connections = this.#link?.state === 'up' ? 1 : (this.#door?.connections ?? 0);
    return { connections, transactions: 0, dialogs: this.#calls.size, timers: this.#clock.running };
  }

  #listener(): LinkListener {
    return {
      prepare: srf => this.#prepare(srf),
      up: addresses => this.#firstLink(addresses),
      refused: () =>
        this.#firstLink(
          new Failure(
            'drachtio-secret',
            'sip.drachtio.secret: the drachtio-server does not take this secret',
          ),
        ),
      down: socket => {
        for (const call of [...this.#calls]) if (call.socket === socket) call.linkLost();
      },
    };
  }

  #prepare(srf: Srf): void {
    srf.invite((request, response) => this.#reception.request(srf, request, response));
    srf.options((request, response) => this.#reception.request(srf, request, response));
    srf.use((request, response) => this.#reception.stray(request, response));
  }

  #show(direction: 'in' | 'out', source: Source, raw: string): void {
    // Messages that the package made up hold no text.
    if (this.#options.tap === undefined || typeof raw !== 'string') return;
    this.#options.tap(direction, source, Buffer.from(raw, 'utf8'));
  }

  #forget(call: object): void {
    this.#calls.delete(call as Call);
    this.#reception.forget(call);
  }
}
