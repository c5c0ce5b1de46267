import type { Clock } from '../core/clock.ts';
import { toE164 } from '../core/e164.ts';
import { Failure, fail, ok, type Result } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { DocumentAuthor, DocumentChange } from '../store/document.ts';
import { type AccountFacts, causeOf, checkAccount } from './account-check.ts';
import type { AccountShelf, GivenConnection } from './account-shelf.ts';
import { TwilioClient } from './client.ts';
import type { TwilioSenders, TwilioStatus } from './connection.ts';
import type { TwilioAccount, TwilioCredentials } from './credentials.ts';
import type { ConnectionSource, LiveConnection } from './live-connection.ts';

/** Credentials as a person hands them over. */
export interface GivenCredentials {
  readonly apiKeySid?: string | undefined;
  readonly apiKeySecret?: string | undefined;
  readonly authToken?: string | undefined;
}

/** Senders as a person hands them over: null takes one back. */
export type GivenSenders = { readonly [Name in keyof TwilioSenders]?: string | null | undefined };

export interface DeskParts {
  readonly connection: LiveConnection;
  readonly shelf: AccountShelf;
  /** What is configured now, whatever was given over the API. */
  readonly configured: () => ConnectionSource;
  /** Country of numbers without one. */
  readonly country: () => string | undefined;
  readonly history: (size: number) => Promise<readonly DocumentChange[]>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The connection as people may see it: no secret is in it. */
export interface ConnectionView {
  readonly status: TwilioStatus;
  readonly source: 'api' | 'configuration' | undefined;
  /** There are credentials in the configuration, used or not. */
  readonly configured: boolean;
  readonly accountSid: string | undefined;
  readonly kind: TwilioCredentials['kind'] | undefined;
  readonly keySid: string | undefined;
  readonly signatures: boolean;
  readonly senders: TwilioSenders;
  readonly phoneNumberSetting: string | undefined;
  readonly facts: AccountFacts | undefined;
}

/** Where operators connect, rotate and disconnect while the daemon runs. Rejects when the store is down. */
export class ConnectionDesk {
  readonly #parts: DeskParts;

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  view(): ConnectionView {
    const { connection, shelf, configured } = this.#parts;
    const given = shelf.given;
    const account = this.#account();
    const source = given !== undefined && ownsAccount(given) ? 'api' : 'configuration';
    const { phoneNumber } = sourceOf(configured(), given).senders;
    return {
      status: connection.status,
      source: account === undefined && source === 'configuration' ? undefined : source,
      configured: configured().account !== undefined,
      accountSid: account?.accountSid,
      kind: account?.credentials.kind,
      keySid: account?.credentials.kind === 'key' ? account.credentials.keySid : undefined,
      signatures: account?.credentials.authToken !== undefined,
      senders: connection.senders,
      phoneNumberSetting: phoneNumber,
      facts: connection.facts,
    };
  }

  async check(): Promise<ConnectionView> {
    await this.#parts.shelf.refresh();
    await this.#parts.connection.check();
    await this.#parts.connection.attend();
    return this.view();
  }

  history(size: number): Promise<readonly DocumentChange[]> {
    return this.#parts.history(size);
  }

  /** Connects with these credentials, once Twilio has taken them unless `unchecked`. */
  async connect(
    accountSid: string,
    given: GivenCredentials,
    senders: GivenSenders,
    author: DocumentAuthor,
    unchecked = false,
  ): Promise<Result<ConnectionView>> {
    const read = this.#senders({}, senders);
    if (!read.ok) return read;
    return this.#use({ accountSid, ...given }, read.value, author, 'connected', unchecked);
  }

  /** Other credentials of the same account; senders and what is not given stay. */
  async rotate(
    given: GivenCredentials,
    author: DocumentAuthor,
    unchecked = false,
  ): Promise<Result<ConnectionView>> {
    await this.#parts.shelf.refresh();
    const account = this.#account();
    if (account === undefined)
      return refused('not-connected', 'There is no connection to rotate: connect first.');
    const stored = this.#parts.shelf.given;
    const senders = stored?.state === 'connected' ? stored.senders : {};
    // What is not given stays: a new key leaves the token that signatures are checked with, and a new token the key.
    const kept = { ...inputOf(account), ...present(given) };
    return this.#use(kept, senders, author, 'rotated', unchecked);
  }

  /** Other senders; what is not given stays. */
  async update(senders: GivenSenders, author: DocumentAuthor): Promise<Result<ConnectionView>> {
    const { shelf } = this.#parts;
    await shelf.refresh();
    const { given } = shelf;
    if (given?.state === 'disconnected' || given?.state === 'unreadable')
      return refused('not-connected', 'Twilio is disconnected: connect first.');
    const read = this.#senders(given?.senders ?? {}, senders);
    if (!read.ok) return read;
    const account = given?.account;
    return this.#put(
      { state: 'connected', senders: read.value, ...(account === undefined ? {} : { account }) },
      author,
      'updated',
    );
  }

  /** Nothing is connected from now on, whatever is configured. */
  disconnect(author: DocumentAuthor): Promise<Result<ConnectionView>> {
    return this.#put({ state: 'disconnected' }, author, 'disconnected');
  }

  /** Forgets what was given over the API: what is configured holds. */
  reset(author: DocumentAuthor): Promise<Result<ConnectionView>> {
    return this.#put(undefined, author, 'reset');
  }

  #account(): TwilioAccount | undefined {
    return sourceOf(this.#parts.configured(), this.#parts.shelf.given).account;
  }

  async #use(
    given: GivenCredentials & { readonly accountSid: string },
    senders: TwilioSenders,
    author: DocumentAuthor,
    what: string,
    unchecked: boolean,
  ): Promise<Result<ConnectionView>> {
    const { accountSid, authToken } = given;
    const credentials = credentialsOf(given);
    const tried: GivenCredentials[] = [given];
    // What signs in is not what signatures are checked with.
    if (credentials.kind === 'key' && authToken !== undefined) tried.push({ authToken });
    for (const each of tried) {
      const refusal = await this.#tried(accountSid, each, unchecked);
      if (refusal !== undefined) return fail(refusal);
    }
    return this.#put({ state: 'connected', account: { accountSid, credentials }, senders }, author, what);
  }

  /** Why these cannot be used; undefined when they can. */
  async #tried(
    accountSid: string,
    given: GivenCredentials,
    unchecked: boolean,
  ): Promise<Failure | undefined> {
    const { baseUrl } = this.#parts.configured();
    const client = TwilioClient.create({ accountSid, ...given, baseUrl, clock: this.#parts.clock });
    if (!client.ok) return client.failure;
    if (unchecked) return undefined;
    const { kind } = credentialsOf(given);
    const checked = await checkAccount(client.value, kind);
    client.value.close();
    if (checked.ok) return undefined;
    const { failure } = checked;
    const code = failure === 'suspended' ? 'twilio-refused' : failure.code;
    return new Failure(code, `Nothing was changed. ${causeOf(failure, kind)}`);
  }

  async #put(
    given: Exclude<GivenConnection, { state: 'unreadable' }> | undefined,
    author: DocumentAuthor,
    what: string,
  ): Promise<Result<ConnectionView>> {
    const { shelf, connection, log } = this.#parts;
    await shelf.put(given, author, what);
    log.info('twilio connection changed', { who: author.who, what });
    await connection.attend();
    return ok(this.view());
  }

  #senders(before: TwilioSenders, given: GivenSenders): Result<TwilioSenders> {
    const senders: Record<string, string> = { ...before };
    for (const [name, value] of Object.entries(given)) {
      if (value === undefined) continue;
      if (value === null) delete senders[name];
      else if (value === 'auto' || name.endsWith('Sid')) senders[name] = value;
      else {
        const number = toE164(value.replace(/^whatsapp:/i, ''), this.#parts.country());
        if (!number.ok) return refused('phone-number', `The sender ${number.failure.message}.`);
        senders[name] = number.value;
      }
    }
    return ok(senders);
  }
}

/** What there is to connect with: what was given over the API wins, one by one; what it does not say is configured. */
export function sourceOf(configured: ConnectionSource, given: GivenConnection | undefined): ConnectionSource {
  if (given === undefined) return configured;
  const { account: _, ...rest } = configured;
  switch (given.state) {
    case 'disconnected':
      return { ...rest, cause: disconnectedCause };
    case 'unreadable':
      return { ...rest, cause: unreadableCause };
    case 'connected': {
      const account = given.account ?? configured.account;
      const senders = { ...configured.senders, ...given.senders };
      return { ...rest, senders, ...(account === undefined ? {} : { account }) };
    }
  }
}

const disconnectedCause =
  'Twilio was disconnected over the API: connect it again (PUT /v1/twilio/connection), or go back to what is configured ' +
  '(POST /v1/twilio/connection/reset).';
const unreadableCause =
  'The connection that was made over the API cannot be read, because DATA_KEY has changed: give the old key too, or connect ' +
  'again (PUT /v1/twilio/connection).';

/** Whether what was given decides about the account. */
const ownsAccount = (given: GivenConnection): boolean =>
  given.state !== 'connected' || given.account !== undefined;

function credentialsOf({ apiKeySid, apiKeySecret, authToken }: GivenCredentials): TwilioCredentials {
  if (apiKeySid === undefined || apiKeySecret === undefined)
    return { kind: 'token', authToken: authToken ?? '' };
  const token = authToken === undefined ? {} : { authToken };
  return { kind: 'key', keySid: apiKeySid, keySecret: apiKeySecret, ...token };
}

/** The account as it would be handed over. */
function inputOf({
  accountSid,
  credentials,
}: TwilioAccount): GivenCredentials & { readonly accountSid: string } {
  const { authToken } = credentials;
  return credentials.kind === 'key'
    ? { accountSid, apiKeySid: credentials.keySid, apiKeySecret: credentials.keySecret, authToken }
    : { accountSid, authToken };
}

/** What is there of it. */
const present = (given: GivenCredentials): GivenCredentials =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));

const refused = (code: string, message: string) => fail(new Failure(code, message));
