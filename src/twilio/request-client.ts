import http from 'node:http';
import https from 'node:https';
import twilio from 'twilio';
import type SdkRequestClient from 'twilio/lib/base/RequestClient.js';
import type { Clock } from '../core/clock.ts';
import { isPassing, networkFailure, refusal, requestFailure, requestIdOf, TwilioFailure } from './failure.ts';
import type { TwilioLimits } from './limits.ts';
import { RequestContext } from './request-context.ts';

/** One call into the client: what every HTTP request made during it shares. */
export interface RunningCall {
  /** Aborts when nobody waits for the outcome any more. */
  readonly signal: AbortSignal | undefined;
  /** Monotonic time at which the call's budget is used up, ms. */
  readonly deadline: number;
  /** Told Twilio's id (RQ…) of each request that was answered well. */
  readonly answered?: ((requestId: string) => void) | undefined;
  /** Whether Twilio answered anything well: what goes wrong afterwards is wrong with an answer. */
  hasAnswer?: boolean;
}

export interface RequestClientOptions {
  readonly baseUrl: URL | undefined;
  readonly clock: Clock;
  readonly limits: TwilioLimits;
  /** 0 up to 1, for the jitter. */
  readonly random: () => number;
  /** Told how each request ended, retries included, by the path that it asked Twilio for. */
  readonly onEnd?: OnRequestEnd | undefined;
}

export type OnRequestEnd = (path: string, failure: TwilioFailure | undefined) => void;

type Options<T> = SdkRequestClient.RequestOptions<T>;
type Answer<T> = Awaited<ReturnType<SdkRequestClient['request']>> & { body: T };

/** Twilio's hosts that this program has business with, at any edge and region. */
const knownHost = /^(api|verify|lookups|content|messaging)(\.[a-z0-9-]+){0,2}\.twilio\.com$/;

/**
 * Carries the SDK's requests: to one stand-in where a base URL is set, to Twilio's known hosts and nowhere else
 * otherwise; with a deadline, an abort signal, and retries only for what was not processed. Whatever goes wrong is
 * thrown as a `TwilioFailure`.
 */
export class BridgeRequestClient extends twilio.RequestClient {
  readonly #options: RequestClientOptions;
  readonly #calls = new RequestContext<RunningCall>();
  readonly #attempts = new RequestContext<AbortSignal>();
  readonly #agents: readonly [http.Agent, https.Agent];

  constructor(options: RequestClientOptions) {
    const { timeoutMs, sockets, answerBytes } = options.limits;
    super({ timeout: timeoutMs });
    this.#options = options;
    // The SDK's own agent obeys HTTP_PROXY and then drops socket limits and private CAs: it is replaced.
    const settings = { keepAlive: true, maxSockets: sockets, timeout: timeoutMs };
    this.#agents = [new http.Agent(settings), new https.Agent(settings)];
    this.axios.defaults.httpAgent = this.#agents[0];
    this.axios.defaults.httpsAgent = this.#agents[1];
    this.axios.defaults.maxContentLength = answerBytes;
    this.axios.interceptors.request.use(config => {
      const signal = this.#attempts.current;
      return signal === undefined ? config : Object.assign(config, { signal });
    });
    // The SDK remembers the last request with its credential and body, for tests that nobody here runs.
    const forgotten = { get: () => undefined, set: () => undefined };
    Object.defineProperties(this, { lastRequest: forgotten, lastResponse: forgotten });
  }

  /** Runs `work` with its requests bound to `call`. */
  within<T>(call: RunningCall, work: () => Promise<T>): Promise<T> {
    return this.#calls.run(call, work);
  }

  /** Drops kept connections. */
  close(): void {
    for (const agent of this.#agents) agent.destroy();
  }

  override async request<T>(options: Options<T>): Promise<Answer<T>> {
    const { onEnd } = this.#options;
    const path = URL.canParse(options.uri) ? new URL(options.uri).pathname : '';
    try {
      const answer = await this.#tried(options);
      onEnd?.(path, undefined);
      return answer;
    } catch (error) {
      onEnd?.(path, requestFailure(error));
      throw error;
    }
  }

  async #tried<T>(options: Options<T>): Promise<Answer<T>> {
    const { clock, limits } = this.#options;
    const call = this.#calls.current ?? { signal: undefined, deadline: clock.now() + limits.budgetMs };
    const uri = this.#target(options.uri);
    for (let retry = 0; ; retry += 1) {
      try {
        return await this.#attempt(options, uri, call);
      } catch (error) {
        const failure = networkFailure(error);
        const wait = this.#pause(failure, retry);
        if (wait === undefined || clock.now() + wait >= call.deadline) throw failure;
        await this.#sleep(wait, call.signal);
      }
    }
  }

  /** Where a request really goes: scheme, host and path prefix come from the base URL, path and query stay. */
  #target(uri: string): string {
    const url = new URL(uri);
    if (!knownHost.test(url.hostname)) throw new TwilioFailure('twilio-bad-request', { word: 'host' });
    const base = this.#options.baseUrl;
    if (base === undefined) return uri;
    return `${base.origin}${base.pathname.replace(/\/+$/, '')}${url.pathname}${url.search}`;
  }

  async #attempt<T>(options: Options<T>, uri: string, call: RunningCall): Promise<Answer<T>> {
    const { clock, limits } = this.#options;
    const givenUp = () => call.signal?.aborted === true;
    if (givenUp()) throw new TwilioFailure('twilio-aborted');
    const late = new AbortController();
    const signal = call.signal === undefined ? late.signal : AbortSignal.any([late.signal, call.signal]);
    // Axios' own timeout watches the idle socket only; an answer that trickles would never end.
    const timer = clock.timer(Math.min(limits.timeoutMs, call.deadline - clock.now()), () => late.abort());
    try {
      // The SDK writes the Authorization header into the object it gets and prints at log level debug.
      const request = {
        ...options,
        uri,
        headers: { ...options.headers },
        logLevel: '',
        timeout: limits.timeoutMs,
      };
      const answer = await this.#attempts.run(signal, () => super.request<T>(request));
      if (answer.statusCode < 200 || answer.statusCode > 299) {
        throw refusal(answer.statusCode, answer.body, answer.headers);
      }
      if (options.method !== 'delete' && (typeof answer.body !== 'object' || answer.body === null)) {
        throw new TwilioFailure('twilio-bad-answer', { status: answer.statusCode });
      }
      call.hasAnswer = true;
      const requestId = requestIdOf(answer.headers);
      if (requestId !== undefined) call.answered?.(requestId);
      return answer as Answer<T>;
    } catch (error) {
      if (error instanceof TwilioFailure) throw error;
      if (givenUp()) throw new TwilioFailure('twilio-aborted');
      throw late.signal.aborted ? new TwilioFailure('twilio-timeout') : networkFailure(error);
    } finally {
      timer.cancel();
    }
  }

  /** How long to wait before the request is sent again, ms; undefined when it must not be. */
  #pause(failure: TwilioFailure, retry: number): number | undefined {
    const { limits, random } = this.#options;
    if (!isPassing(failure)) return undefined;
    if (retry >= (failure.errorCode === 60212 ? Math.min(1, limits.retries) : limits.retries))
      return undefined;
    const backoff = Math.min(limits.backoffCapMs, limits.backoffMs * 2 ** retry);
    if (failure.retryAfterSeconds === undefined) return backoff / 2 + (backoff / 2) * random();
    const asked = failure.retryAfterSeconds * 1_000;
    return asked > limits.retryAfterCapMs ? undefined : asked + limits.backoffMs * random();
  }

  #sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        timer.cancel();
        reject(new TwilioFailure('twilio-aborted'));
      };
      const timer = this.#options.clock.timer(ms, () => {
        signal?.removeEventListener('abort', giveUp);
        resolve();
      });
      if (signal?.aborted === true) giveUp();
      else signal?.addEventListener('abort', giveUp, { once: true });
    });
  }
}
