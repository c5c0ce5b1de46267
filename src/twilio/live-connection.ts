import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../core/clock.ts';
import { Failure, fail, ok, type Result } from '../core/errors.ts';
import { TwilioClient } from './client.ts';
import type { TwilioConnection, TwilioSenders, TwilioStatus } from './connection.ts';
import type { TwilioAccount } from './credentials.ts';
import { twilioLimits } from './limits.ts';

/** What there is to connect with at a moment. */
export interface ConnectionSource {
  /** Undefined: nobody gave credentials. */
  readonly account?: TwilioAccount;
  readonly senders: TwilioSenders;
  /** Stand-in for all of Twilio's hosts. */
  readonly baseUrl?: string;
}

export interface LiveConnectionParts {
  /** Asked at each use. */
  readonly source: () => ConnectionSource;
  readonly clock: Clock;
}

/** What has to be set where nothing is. */
export const notConnected =
  'Twilio is not connected: set TWILIO_ACCOUNT_SID with TWILIO_API_KEY_SID and TWILIO_API_KEY_SECRET (or TWILIO_AUTH_TOKEN).';

interface Made {
  readonly account: TwilioAccount;
  readonly baseUrl: string | undefined;
  readonly client: TwilioClient;
}

/** The connection as its source has it: one client for as long as the credentials stay the same. */
export class LiveConnection implements TwilioConnection {
  readonly #parts: LiveConnectionParts;
  #made: Made | undefined;

  constructor(parts: LiveConnectionParts) {
    this.#parts = parts;
  }

  client(): Result<TwilioClient> {
    const { account, baseUrl } = this.#parts.source();
    const made = this.#made;
    if (made !== undefined && made.baseUrl === baseUrl && isDeepStrictEqual(made.account, account)) {
      return ok(made.client);
    }
    this.#retire();
    if (account === undefined) return fail(new Failure('twilio-disconnected', notConnected));
    const client = clientOf(account, baseUrl, this.#parts.clock);
    if (client.ok) this.#made = { account, baseUrl, client: client.value };
    return client;
  }

  get accountSid(): string | undefined {
    return this.#parts.source().account?.accountSid;
  }

  authToken(): string | undefined {
    return this.#parts.source().account?.credentials.authToken;
  }

  get senders(): TwilioSenders {
    return this.#parts.source().senders;
  }

  get status(): TwilioStatus {
    return this.accountSid === undefined
      ? { state: 'disconnected', cause: notConnected }
      : { state: 'active' };
  }

  /** Drops the client and its connections. */
  close(): void {
    this.#made?.client.close();
    this.#made = undefined;
  }

  /** What is still asked with the old credentials may come to its end. */
  #retire(): void {
    const old = this.#made?.client;
    this.#made = undefined;
    if (old !== undefined) this.#parts.clock.timer(twilioLimits.budgetMs, () => old.close());
  }
}

function clientOf(
  { accountSid, credentials }: TwilioAccount,
  baseUrl: string | undefined,
  clock: Clock,
): Result<TwilioClient> {
  const way =
    credentials.kind === 'key'
      ? { apiKeySid: credentials.keySid, apiKeySecret: credentials.keySecret }
      : { authToken: credentials.authToken };
  return TwilioClient.create({ accountSid, ...way, baseUrl, clock });
}
