import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { Clock } from '../core/clock.ts';
import { Failure, fail, ok, type Result } from '../core/errors.ts';
import type { AddressGuard } from './address-guard.ts';
import { authorities, unreachable } from './certificate.ts';
import { webhookLimits } from './limits.ts';
import { literalObjection, NameLookup, type Resolve } from './name-lookup.ts';

/** How long the stages of one request may take, ms. */
export interface Timing {
  readonly connectMs: number;
  /** From the connection to the first byte of the answer. */
  readonly firstByteMs: number;
  readonly totalMs: number;
}

export interface WebhookRequest {
  readonly url: string;
  /** May hold secrets: they go to the URL and nowhere else. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly body: string;
  readonly timing: Timing;
  /** Largest answer that is read, bytes. */
  readonly answerBytes: number;
  /** Whether an answer that is too large is cut off instead of refused. */
  readonly cutAnswer?: true;
  readonly signal?: AbortSignal;
}

export interface WebhookAnswer {
  readonly status: number;
  readonly contentType: string;
  /** Text of Retry-After. */
  readonly retryAfter?: string;
  readonly body: Buffer;
}

export interface WebhookClientOptions {
  /** Asked for each connection: a reload gives another. */
  readonly guard: () => AddressGuard;
  readonly clock: Clock;
  /** PEM text of authorities besides those of the system. */
  readonly ca?: string;
  readonly resolve?: Resolve;
  readonly userAgent?: string;
}

/**
 * Posts to the URLs of the operator: to addresses that were checked and to none else, without following redirects, each stage
 * under a time limit and the answer under a size limit. Every failure is a value whose message names neither URL nor header.
 */
export class WebhookClient {
  readonly #options: WebhookClientOptions;
  readonly #plain: http.Agent;
  readonly #secure: https.Agent;
  #inFlight = 0;

  constructor(options: WebhookClientOptions) {
    this.#options = options;
    const names = new NameLookup(options.clock, options.resolve);
    const shared = { keepAlive: true, maxSockets: webhookLimits.sockets, timeout: webhookLimits.idleMs };
    this.#plain = new http.Agent({ ...shared, lookup: names.checked(options.guard, false) });
    this.#secure = new https.Agent({
      ...shared,
      lookup: names.checked(options.guard, true),
      ...(options.ca === undefined ? {} : { ca: authorities(options.ca) }),
    });
  }

  /** Requests that are under way. */
  get inFlight(): number {
    return this.#inFlight;
  }

  async post(request: WebhookRequest): Promise<Result<WebhookAnswer>> {
    const url = new URL(request.url);
    const objection = literalObjection(url.hostname, this.#options.guard(), url.protocol === 'https:');
    if (objection !== undefined) return fail(new Failure('webhook-forbidden-address', objection));
    if (this.#inFlight >= webhookLimits.inFlight) {
      return fail(new Failure('webhook-busy', `${webhookLimits.inFlight} requests are under way already`));
    }
    this.#inFlight += 1;
    try {
      return await this.#withinTime(url, request);
    } finally {
      this.#inFlight -= 1;
    }
  }

  /** Drops every connection; requests that are under way fail. */
  close(): void {
    this.#plain.destroy();
    this.#secure.destroy();
  }

  async #withinTime(url: URL, request: WebhookRequest): Promise<Result<WebhookAnswer>> {
    const { clock } = this.#options;
    const exchange = new Exchange(clock, request);
    for (let attempt = 0; ; attempt += 1) {
      const answer = await exchange.run(this.#send(url, request), address =>
        this.#options.guard().objection(address, url.protocol === 'https:'),
      );
      // The receiver closed a kept connection just as it was used again: it has not seen the request.
      if (!answer.ok && answer.failure.code === stale && attempt === 0) continue;
      exchange.end();
      return answer;
    }
  }

  #send(url: URL, { headers, body }: WebhookRequest): http.ClientRequest {
    const secure = url.protocol === 'https:';
    const { request } = secure ? https : http;
    return request(url, {
      method: 'POST',
      agent: secure ? this.#secure : this.#plain,
      maxHeaderSize: webhookLimits.headerBytes,
      headers: {
        ...headers,
        'content-type': 'application/json; charset=utf-8',
        'content-length': Buffer.byteLength(body),
        accept: 'application/json',
        'accept-encoding': 'identity',
        'user-agent': this.#options.userAgent ?? 'trunkbridge',
      },
    });
  }
}

/** Code of a failure that is worth one more try on a connection of its own; never seen outside. */
const stale = 'webhook-stale-connection';

/** One request with its clock: the total time runs over a second try too. */
class Exchange {
  readonly #clock: Clock;
  readonly #request: WebhookRequest;
  readonly #deadline: number;
  #give: (result: Result<WebhookAnswer>) => void = () => undefined;
  #sent: http.ClientRequest | undefined;
  #stage: { cancel(): void } | undefined;
  readonly #total: { cancel(): void };
  readonly #abort = () => this.#stop(new Failure('webhook-aborted', 'nobody waits for it any more'));

  constructor(clock: Clock, request: WebhookRequest) {
    this.#clock = clock;
    this.#request = request;
    const { totalMs } = request.timing;
    this.#deadline = clock.now() + totalMs;
    this.#total = clock.timer(totalMs, () => this.#late('answer in time', totalMs));
    request.signal?.addEventListener('abort', this.#abort, { once: true });
  }

  run(
    sent: http.ClientRequest,
    objection: (address: string) => string | undefined,
  ): Promise<Result<WebhookAnswer>> {
    this.#sent = sent;
    return new Promise(resolve => {
      this.#give = resolve;
      if (this.#request.signal?.aborted === true) return this.#abort();
      if (this.#clock.now() >= this.#deadline)
        return this.#late('answer in time', this.#request.timing.totalMs);
      sent.on('error', error => this.#failed(error));
      sent.on('response', response => this.#read(response));
      sent.on('socket', socket => this.#watch(sent, socket, objection));
      this.#arm(this.#request.timing.connectMs, 'let itself be connected to');
      sent.end(this.#request.body);
    });
  }

  end(): void {
    this.#stage?.cancel();
    this.#total.cancel();
    this.#request.signal?.removeEventListener('abort', this.#abort);
  }

  #watch(sent: http.ClientRequest, socket: Socket, objection: (address: string) => string | undefined): void {
    const connected = () => {
      const wrong = objection(socket.remoteAddress ?? '');
      if (wrong !== undefined) return this.#stop(new Failure('webhook-forbidden-address', wrong));
      this.#arm(this.#request.timing.firstByteMs, 'begin to answer');
    };
    if (sent.reusedSocket) return connected();
    socket.once(sent.protocol === 'https:' ? 'secureConnect' : 'connect', connected);
  }

  #read(response: IncomingMessage): void {
    this.#stage?.cancel();
    const { statusCode: status = 0, headers } = response;
    const { answerBytes, cutAnswer } = this.#request;
    const retryAfter = headers['retry-after'];
    const answer = (body: Buffer): Result<WebhookAnswer> =>
      ok({
        status,
        contentType: headers['content-type'] ?? '',
        ...(retryAfter === undefined ? {} : { retryAfter }),
        body,
      });
    const tooLarge = () =>
      cutAnswer === true
        ? this.#finish(answer(Buffer.alloc(0)), true)
        : this.#stop(new Failure('webhook-too-large', `it answered more than ${answerBytes} bytes`));
    if (Number(headers['content-length'] ?? 0) > answerBytes) return tooLarge();
    const pieces: Buffer[] = [];
    let length = 0;
    response.on('data', (piece: Buffer) => {
      length += piece.length;
      if (length > answerBytes) return tooLarge();
      pieces.push(piece);
    });
    response.on('error', error => this.#failed(error));
    response.on('end', () => this.#finish(answer(Buffer.concat(pieces))));
    response.on('close', () => {
      if (!response.complete) this.#stop(new Failure('webhook-reset', 'it broke off its answer'));
    });
  }

  #failed(error: Error): void {
    if (error instanceof Failure) return this.#stop(error);
    const code = (error as NodeJS.ErrnoException).code ?? '';
    const reset = code === 'ECONNRESET' || code === 'EPIPE';
    if (reset && this.#sent?.reusedSocket === true) {
      return this.#finish(fail(new Failure(stale, 'its connection was stale')));
    }
    if (/^HPE_\w{1,60}$/.test(code))
      return this.#stop(new Failure('webhook-bad-answer', `it does not speak HTTP (${code})`));
    this.#stop(reset ? new Failure('webhook-reset', `it broke the connection (${code})`) : unreachable(code));
  }

  #arm(ms: number, what: string): void {
    this.#stage?.cancel();
    this.#stage = this.#clock.timer(ms, () => this.#late(what, ms));
  }

  #late(what: string, ms: number): void {
    this.#stop(new Failure('webhook-timeout', `it did not ${what} (${ms} ms)`));
  }

  #stop(failure: Failure): void {
    this.#finish(fail(failure), true);
  }

  #finish(result: Result<WebhookAnswer>, cut = false): void {
    this.#stage?.cancel();
    this.#give(result);
    this.#give = () => undefined;
    if (cut) this.#sent?.destroy();
  }
}
