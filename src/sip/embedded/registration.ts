import type { Clock, Timer } from '../../core/clock.ts';
import { deferred } from '../../core/deferred.ts';
import { messageOf, type Result } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { NextHop, RegisterOptions, Registration, Source } from '../signalling.ts';
import { Challenges } from './challenges.ts';
import { allowLine, userAgentLine } from './dialog/capabilities.ts';
import { contactLine, type HostPort, viaOf } from './dialog/path.ts';
import { escapeUser } from './dialog/uac-invite.ts';
import { noResponse } from './dialog/uac-outcome.ts';
import { Headers } from './message/headers.ts';
import type { SipResponse } from './message/message.ts';
import { parseNameAddrList, type SipUri } from './message/uri.ts';
import { formatRequest } from './message/writer.ts';
import {
  type RegistrationAction,
  type RegistrationInput,
  type RegistrationState,
  registrationTable,
} from './registration-table.ts';
import type { RequestOutcome } from './transaction/client.ts';
import type { TransactionLayer } from './transaction/layer.ts';
import { accepts, step } from './transaction/table.ts';
import { newToken } from './transaction/token.ts';
import type { Connection } from './transport/connection.ts';
import { placeOf } from './transport/pool.ts';

/** Limits of keeping a registration up. Times in ms unless they say otherwise. */
export const registrationLimits = {
  /** The pause after the first failure, and the longest one: it doubles each time (RFC 5626 section 4.5). */
  pauseMs: 5_000,
  longestPauseMs: 600_000,
  /** When it is refreshed, as a share of the time that it holds; and the shortest such time, s. */
  refreshAt: 0.8,
  leastSeconds: 30,
  /** Longest interval that a 423 may ask for, s. */
  mostSeconds: 86_400,
} as const;

export interface RegistrationEnvironment {
  readonly clock: Clock;
  readonly log: Logger;
  readonly layer: TransactionLayer;
  readonly contactFor: (source: Source) => HostPort;
  readonly connect: (hop: NextHop) => Promise<Result<{ readonly connection: Connection }>>;
  readonly onEnd: (registration: KeptRegistration) => void;
  /** 0 <= x < 1; spreads the tries of many bridges over time. */
  readonly random?: () => number;
}

/** A registration that is refreshed in time and tried again when it fails: runs `registrationTable`. */
export class KeptRegistration implements Registration {
  readonly #env: RegistrationEnvironment;
  readonly #options: RegisterOptions;
  readonly #route: () => Promise<readonly NextHop[]>;
  readonly #challenges: Challenges;
  readonly #callId = newToken();
  readonly #tag = newToken();
  readonly #ended = deferred<void>();
  #state: RegistrationState = 'connecting';
  #connection: Connection | undefined;
  /** Where that leads, and where nobody has answered the last time. */
  #hop: NextHop | undefined;
  #deaf: NextHop | undefined;
  #timer: Timer | undefined;
  #sequence = 0;
  #failures = 0;
  #seconds: number;
  #response: SipResponse | undefined;
  /** Where the registrar was told to find us. */
  #us: HostPort | undefined;
  #holds = false;
  /** Why the last try came to nothing. */
  #why = '';

  constructor(
    route: () => Promise<readonly NextHop[]>,
    options: RegisterOptions,
    env: RegistrationEnvironment,
  ) {
    this.#env = env;
    this.#options = options;
    this.#route = route;
    this.#seconds = options.seconds;
    this.#challenges = new Challenges(options.authorize);
    this.#connect();
  }

  get registered(): boolean {
    return this.#holds;
  }

  get state(): RegistrationState {
    return this.#state;
  }

  stop(): Promise<void> {
    // RFC 7616 section 3.4: a nonce that was used before, with the same count, may be refused.
    if (this.#state === 'registered') this.#challenges.forget();
    this.#feed('stop');
    return this.#ended.promise;
  }

  /** Ends without a word to the registrar. */
  drop(): void {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    this.#timer?.cancel();
    this.#act('end');
  }

  connectionClosed(connection: Connection): void {
    if (connection !== this.#connection) return;
    this.#why = connection.fault ?? 'the connection broke';
    if (accepts(registrationTable, this.#state, 'flowLost')) this.#feed('flowLost');
  }

  #connect(): void {
    this.#challenges.forget();
    this.#response = undefined;
    this.#find()
      .then(connection => {
        if (this.#state !== 'connecting') return;
        this.#use(connection);
        this.#feed(connection === undefined ? 'unreachable' : 'connected');
      })
      .catch((error: unknown) => {
        this.#why = messageOf(error);
        if (this.#state === 'connecting') this.#feed('unreachable');
      });
  }

  async #find(): Promise<Connection | undefined> {
    const route = await this.#route();
    this.#why = `${this.#options.host} has no address that REGISTER can be sent to`;
    // RFC 3263 section 4.3: one that does not answer comes after all others.
    const deaf = route.filter(hop => this.#deaf !== undefined && placeOf(hop) === placeOf(this.#deaf));
    for (const hop of [...route.filter(each => !deaf.includes(each)), ...deaf]) {
      if (this.#state !== 'connecting') return undefined;
      const found = await this.#env.connect(hop);
      if (!found.ok) {
        this.#why = found.failure.message;
        continue;
      }
      this.#hop = hop;
      return found.value.connection;
    }
    return undefined;
  }

  /** The connection stays open for as long as the registrar may send calls over it. */
  #use(connection: Connection | undefined): void {
    if (connection === this.#connection) return;
    this.#connection?.unpin();
    this.#connection = connection;
    connection?.pin();
  }

  #send(seconds: number): void {
    const connection = this.#connection;
    const { layer } = this.#env;
    if (connection === undefined) throw new Error('a REGISTER without a connection');
    const branch = layer.newBranch();
    layer.request(connection, branch, this.#request(connection, branch, seconds), outcome => {
      // The transaction may end within `request`, and the table is fed from the outside alone.
      queueMicrotask(() => this.#heard(outcome));
    });
  }

  #request(connection: Connection, branch: string, seconds: number): Buffer {
    const { from, host, headers: more } = this.#options;
    const us = this.#env.contactFor(connection.source);
    this.#us = us;
    const user = escapeUser(from);
    const contact = contactLine(us, connection.source.transport).replace('sip:', `sip:${user}@`);
    this.#sequence++;
    const headers = new Headers()
      .add('Via', viaOf(connection.source, us, branch))
      .add('Max-Forwards', '70')
      .add('From', `<sip:${user}@${host}>;tag=${this.#tag}`)
      .add('To', `<sip:${user}@${host}>`)
      .add('Call-ID', this.#callId)
      .add('CSeq', `${this.#sequence} REGISTER`)
      .add('Contact', `${contact};expires=${seconds}`)
      .add('Expires', String(seconds))
      .add(...allowLine)
      .add(...userAgentLine);
    for (const { name, value } of [...more, ...this.#challenges.fields]) headers.add(name, value);
    return formatRequest('REGISTER', this.#uri, headers);
  }

  get #uri(): string {
    return `sip:${this.#options.host}`;
  }

  #heard(outcome: RequestOutcome): void {
    if (this.#state !== 'registering' && this.#state !== 'leaving') return;
    this.#deaf = outcome === 'timeout' ? this.#hop : undefined;
    this.#why = whyRefused(outcome, this.#hop, this.#connection, this.#challenges.signed);
    if (typeof outcome === 'string') return this.#feed('refused');
    this.#response = outcome;
    if (outcome.status < 300) this.#feed('accepted');
    else if (this.#challenges.take('REGISTER', this.#uri, outcome) || this.#tooBrief(outcome)) {
      this.#feed('again');
    } else this.#feed('refused');
  }

  /** RFC 3261 section 10.2.8. */
  #tooBrief({ status, headers }: SipResponse): boolean {
    const least = Number(headers.get('Min-Expires'));
    if (status !== 423 || !(least > this.#seconds) || least > registrationLimits.mostSeconds) return false;
    this.#seconds = Math.ceil(least);
    // RFC 7616 section 3.4: the nonce was used with this count.
    this.#challenges.forget();
    return true;
  }

  #feed(input: RegistrationInput): void {
    const [next, ...actions] = step<RegistrationState, RegistrationInput, RegistrationAction>(
      registrationTable,
      this.#state,
      input,
    );
    this.#state = next;
    for (const action of actions) this.#act(action);
  }

  #act(action: RegistrationAction): void {
    switch (action) {
      case 'connect':
        return this.#connect();
      case 'send':
        return this.#send(this.#seconds);
      case 'sendRemoval':
        return this.#send(0);
      case 'hold':
        return this.#hold();
      case 'letGo':
        return this.#tell(false);
      case 'backOff':
        return this.#backOff();
      case 'stopTimer':
        return this.#timer?.cancel();
      case 'end':
        this.#use(undefined);
        this.#env.onEnd(this);
        return this.#ended.resolve();
    }
  }

  #hold(): void {
    this.#failures = 0;
    this.#tell(true);
    const granted = Math.max(this.#granted(), registrationLimits.leastSeconds);
    this.#arm(granted * 1_000 * registrationLimits.refreshAt);
  }

  /** RFC 3261 section 10.2.4: the expires of our Contact, else Expires, else what was asked for. */
  #granted(): number {
    const headers = this.#response?.headers;
    const contacts = headers === undefined ? [] : (parseNameAddrList(headers.all('Contact')) ?? []);
    // Others may be registered under the same name, also at our address; some registrars leave out a port.
    const here = ({ user, host }: SipUri) => user === this.#options.from && host === this.#us?.host;
    const mine = contacts.filter(({ uri }) => here(uri));
    const exact = mine.find(({ uri }) => uri.port === this.#us?.port);
    const own = (exact ?? mine[0])?.params.get('expires');
    const seconds = Number(own ?? headers?.get('Expires') ?? this.#seconds);
    return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, this.#seconds) : this.#seconds;
  }

  /** Doubles with each failure, to half at random; a Retry-After is a lower bound. */
  #backOff(): void {
    const { pauseMs, longestPauseMs } = registrationLimits;
    const { random = Math.random } = this.#env;
    const pause = Math.min(pauseMs * 2 ** Math.min(this.#failures, 16), longestPauseMs);
    this.#failures++;
    const asked = Number.parseInt(this.#response?.headers.get('Retry-After') ?? '0', 10) * 1_000;
    const least = Number.isFinite(asked) ? Math.min(asked, longestPauseMs) : 0;
    this.#arm(Math.max(pause * (0.5 + random() / 2), least));
  }

  #arm(ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.#env.clock.timer(ms, () => this.#feed('due'));
  }

  #tell(registered: boolean): void {
    const status = this.#response?.status ?? 0;
    if (registered === this.#holds && registered) return;
    this.#holds = registered;
    const wanted = this.#state !== 'leaving' && this.#state !== 'stopped';
    this.#options.onChange(registered, status, registered || !wanted ? undefined : this.#why);
  }
}

/** `signed`: the REGISTER had credentials, which many registrars refuse with 403 when they are wrong. */
function whyRefused(
  outcome: RequestOutcome,
  hop: NextHop | undefined,
  connection: Connection | undefined,
  signed: boolean,
): string {
  if (outcome === 'timeout') return noResponse(hop);
  if (outcome === 'lost') return connection?.fault ?? 'the connection broke';
  const { status } = outcome;
  return status === 401 || status === 407 || (status === 403 && signed)
    ? `SIP ${status}: the credentials are not accepted (outbound_trunk_config.credentials)`
    : `SIP ${status}`;
}
