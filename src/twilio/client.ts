import twilio from 'twilio';
import { type Clock, systemClock } from '../core/clock.ts';
import { Failure, fail, ok, type Result } from '../core/errors.ts';
import { answerFailure, requestFailure, type TwilioFailure } from './failure.ts';
import { type TwilioLimits, twilioLimits } from './limits.ts';
import { BridgeRequestClient, type OnRequestEnd, type RunningCall } from './request-client.ts';

/** The official SDK, as work inside of `TwilioClient.call` sees it. */
export type TwilioSdk = ReturnType<typeof twilio>;

export interface TwilioOptions {
  /** AC… */
  readonly accountSid: string;
  /** SK… with its secret; preferred to the auth token, because it can be rotated alone. */
  readonly apiKeySid?: string | undefined;
  readonly apiKeySecret?: string | undefined;
  readonly authToken?: string | undefined;
  /** One stand-in for all of Twilio's hosts: https, or http on loopback. */
  readonly baseUrl?: string | undefined;
  readonly limits?: Partial<TwilioLimits>;
  readonly clock?: Clock;
  readonly random?: () => number;
  /** Told how each request ended. */
  readonly onEnd?: OnRequestEnd;
}

/** What reaches Twilio: the client, or one that tells the ids of its requests. */
export type TwilioCaller = Pick<TwilioClient, 'accountSid' | 'call'>;

/**
 * The one way to Twilio. Everything that talks to it shares this client, its connections, its time limits and its
 * retries; see `BridgeRequestClient` for what happens to a request and `TwilioFailure` for what can come of it.
 */
export class TwilioClient {
  readonly accountSid: string;
  readonly #sdk: TwilioSdk;
  readonly #requests: BridgeRequestClient;
  readonly #clock: Clock;
  readonly #limits: TwilioLimits;

  private constructor(options: TwilioOptions, user: string, password: string, baseUrl: URL | undefined) {
    this.accountSid = options.accountSid;
    this.#clock = options.clock ?? systemClock;
    this.#limits = { ...twilioLimits, ...options.limits };
    this.#requests = new BridgeRequestClient({
      baseUrl,
      clock: this.#clock,
      limits: this.#limits,
      random: options.random ?? Math.random,
      onEnd: options.onEnd,
    });
    this.#sdk = twilio(user, password, { accountSid: options.accountSid, httpClient: this.#requests });
  }

  /** Fails with code `twilio-credentials` or `twilio-base-url` and a sentence that names the setting to change. */
  static create(options: TwilioOptions): Result<TwilioClient> {
    if (!sid('AC', options.accountSid))
      return credentials('TWILIO_ACCOUNT_SID is not AC and 32 hexadecimal digits.');
    const base = baseUrl(options.baseUrl);
    if (!base.ok) return base;
    const { apiKeySid, apiKeySecret, authToken } = options;
    if (apiKeySid) {
      if (!sid('SK', apiKeySid))
        return credentials('TWILIO_API_KEY_SID is not SK and 32 hexadecimal digits.');
      if (!apiKeySecret) return credentials('TWILIO_API_KEY_SID is set but TWILIO_API_KEY_SECRET is not.');
      return ok(new TwilioClient(options, apiKeySid, apiKeySecret, base.value));
    }
    if (authToken) return ok(new TwilioClient(options, options.accountSid, authToken, base.value));
    return credentials('Twilio needs TWILIO_API_KEY_SID with TWILIO_API_KEY_SECRET, or TWILIO_AUTH_TOKEN.');
  }

  /**
   * Runs `work` with the SDK within the call's time budget. Never rejects: what the SDK throws comes back as a
   * failure without its text. Aborting `signal` takes the request off the wire.
   */
  call<T>(work: (sdk: TwilioSdk) => Promise<T>, signal?: AbortSignal): Promise<Result<T, TwilioFailure>> {
    return this.#call(work, signal, undefined);
  }

  /** The same client; `answered` is told Twilio's id (RQ…) of each request that was answered well. */
  traced(answered: (requestId: string) => void): TwilioCaller {
    return {
      accountSid: this.accountSid,
      call: (work, signal) => this.#call(work, signal, answered),
    };
  }

  async #call<T>(
    work: (sdk: TwilioSdk) => Promise<T>,
    signal: AbortSignal | undefined,
    answered: ((requestId: string) => void) | undefined,
  ): Promise<Result<T, TwilioFailure>> {
    const deadline = this.#clock.now() + this.#limits.budgetMs;
    const running: RunningCall = { signal, deadline, answered };
    try {
      // The SDK throws on the spot for parameters it misses; the async function makes that a rejection.
      return ok(await this.#requests.within(running, async () => work(this.#sdk)));
    } catch (error) {
      return fail(running.hasAnswer === true ? answerFailure(error) : requestFailure(error));
    }
  }

  /** Drops kept connections; the client can be used again. */
  close(): void {
    this.#requests.close();
  }
}

const credentials = (message: string) => fail(new Failure('twilio-credentials', message));

function sid(prefix: string, text: string): boolean {
  return text.startsWith(prefix) && /^[0-9a-f]{32}$/i.test(text.slice(prefix.length));
}

function baseUrl(text: string | undefined): Result<URL | undefined> {
  if (text === undefined || text === '') return ok(undefined);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const loopback = url !== undefined && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && loopback)) return ok(url);
  const message = 'TWILIO_BASE_URL must be an https URL, or an http URL on loopback.';
  return fail(new Failure('twilio-base-url', message));
}
