import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../core/clock.ts';
import { Failure, fail, ok, type Result } from '../core/errors.ts';
import { type AccountFacts, causeOf, checkAccount, isTelling } from './account-check.ts';
import { TwilioClient } from './client.ts';
import type { TwilioConnection, TwilioSenders, TwilioStatus } from './connection.ts';
import type { TwilioAccount } from './credentials.ts';
import type { TwilioFailure } from './failure.ts';
import { connectionLimits, twilioLimits } from './limits.ts';
import { firstThatTexts } from './sender-search.ts';

/** What there is to connect with at a moment. */
export interface ConnectionSource {
  /** Undefined: there are no credentials. */
  readonly account?: TwilioAccount;
  /** Why there are none, where it is not that nobody gave any. */
  readonly cause?: string;
  /** The phone number may be `auto`. */
  readonly senders: TwilioSenders;
  /** Stand-in for all of Twilio's hosts. */
  readonly baseUrl?: string;
}

export interface LiveConnectionParts {
  /** Asked at each use. */
  readonly source: () => ConnectionSource;
  readonly clock: Clock;
  /** Told when the status is another than before. */
  readonly onStatus?: (status: TwilioStatus) => void;
}

/** What has to be set where nothing is. */
export const notConnected =
  'Twilio is not connected: set TWILIO_ACCOUNT_SID with TWILIO_API_KEY_SID and TWILIO_API_KEY_SECRET (or TWILIO_AUTH_TOKEN), ' +
  'or connect it over the API (PUT /v1/twilio/connection).';

/** A client with all that is known of the credentials it was made with. */
interface Made {
  readonly account: TwilioAccount;
  readonly baseUrl: string | undefined;
  readonly client: TwilioClient;
  status: Exclude<TwilioStatus, { state: 'disconnected' }>;
  facts?: AccountFacts;
  /** When they were last checked, monotonic. */
  tried?: number;
  /** The number that `auto` stands for; undefined in it: there is none. */
  sender?: { readonly number: string | undefined; readonly at: number };
}

/** The connection as its source has it: one client for as long as the credentials stay the same. */
export class LiveConnection implements TwilioConnection {
  readonly #parts: LiveConnectionParts;
  #made: Made | undefined;

  constructor(parts: LiveConnectionParts) {
    this.#parts = parts;
  }

  client(): Result<TwilioClient> {
    const made = this.#current();
    return made.ok ? ok(made.value.client) : made;
  }

  get accountSid(): string | undefined {
    return this.#parts.source().account?.accountSid;
  }

  authToken(): string | undefined {
    return this.#parts.source().account?.credentials.authToken;
  }

  get senders(): TwilioSenders {
    const { senders } = this.#parts.source();
    if (senders.phoneNumber !== 'auto') return senders;
    const { phoneNumber: _, ...others } = senders;
    const made = this.#current();
    const number = made.ok ? made.value.sender?.number : undefined;
    return number === undefined ? others : { ...others, phoneNumber: number };
  }

  get status(): TwilioStatus {
    const made = this.#current();
    if (made.ok) return made.value.status;
    return { state: 'disconnected', cause: made.failure.message };
  }

  /** What the last check found out; undefined before one. */
  get facts(): AccountFacts | undefined {
    const made = this.#current();
    return made.ok ? made.value.facts : undefined;
  }

  /** Asks Twilio whether it takes the credentials. */
  async check(): Promise<TwilioStatus> {
    const made = this.#current();
    if (!made.ok) return this.status;
    const { client, account } = made.value;
    made.value.tried = this.#parts.clock.now();
    const checked = await checkAccount(client, account.credentials.kind);
    if (checked.ok) {
      made.value.facts = checked.value;
      this.#is(made.value, { state: 'active', checkedAt: this.#parts.clock.wall() });
    } else {
      delete made.value.facts;
      this.#failed(made.value, checked.failure);
    }
    return this.status;
  }

  /** What is due: credentials are checked that never were or are not taken, and `auto` becomes a number. Never rejects. */
  async attend(): Promise<void> {
    const made = this.#current();
    if (!made.ok) return;
    const { clock } = this.#parts;
    const { status, sender, tried } = made.value;
    const unknown = status.state === 'error' || status.checkedAt === undefined;
    if (unknown && (tried === undefined || clock.now() - tried >= connectionLimits.recheckMs))
      await this.check();
    if (this.#parts.source().senders.phoneNumber !== 'auto' || made.value.status.state === 'error') return;
    if (sender !== undefined && clock.now() - sender.at < connectionLimits.searchMs) return;
    const found = await firstThatTexts(made.value.client);
    const number = found.ok ? found.value : sender?.number;
    made.value.sender = { number, at: clock.now() };
  }

  /** Drops the client and its connections. */
  close(): void {
    this.#made?.client.close();
    this.#made = undefined;
  }

  #current(): Result<Made> {
    const { account, baseUrl, cause } = this.#parts.source();
    const made = this.#made;
    if (made !== undefined && made.baseUrl === baseUrl && isDeepStrictEqual(made.account, account)) {
      return ok(made);
    }
    this.#retire();
    if (account === undefined) return fail(new Failure('twilio-disconnected', cause ?? notConnected));
    const { credentials, accountSid } = account;
    const client = TwilioClient.create({
      ...{ accountSid, baseUrl, clock: this.#parts.clock },
      ...(credentials.kind === 'key'
        ? { apiKeySid: credentials.keySid, apiKeySecret: credentials.keySecret }
        : { authToken: credentials.authToken }),
      onEnd: (path, failure) => this.#heard(fresh, path, failure),
    });
    if (!client.ok) return client;
    const fresh: Made = { account, baseUrl, client: client.value, status: { state: 'active' } };
    this.#made = fresh;
    return ok(fresh);
  }

  /** Every request tells something about the credentials that it was made with. */
  #heard(made: Made, path: string, failure: TwilioFailure | undefined): void {
    if (!isTelling(path)) return;
    if (failure === undefined) this.#is(made, { state: 'active', checkedAt: this.#parts.clock.wall() });
    else if (failure.status === 401) this.#failed(made, failure);
  }

  #failed(made: Made, failure: TwilioFailure | 'suspended'): void {
    const cause = causeOf(failure, made.account.credentials.kind);
    const code = failure === 'suspended' ? undefined : failure.errorCode;
    const { status } = made;
    const since = status.state === 'error' && status.cause === cause ? status.at : this.#parts.clock.wall();
    this.#is(made, { state: 'error', cause, at: since, ...(code === undefined ? {} : { code }) });
  }

  #is(made: Made, status: Made['status']): void {
    const before = made.status;
    made.status = status;
    const same =
      before.state === 'error' && status.state === 'error'
        ? before.cause === status.cause
        : before.state === status.state;
    if (made === this.#made && !same) this.#parts.onStatus?.(status);
  }

  /** What is still asked with the old credentials may come to its end. */
  #retire(): void {
    const old = this.#made?.client;
    this.#made = undefined;
    if (old !== undefined) this.#parts.clock.timer(twilioLimits.budgetMs, () => old.close());
  }
}
