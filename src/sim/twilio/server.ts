import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, systemClock } from '../../core/clock.ts';
import { type SimAnswer, type SimErrorCode, simError } from './errors.ts';
import { isFinal, pause, playFault, type SimFault } from './failures.ts';
import { type SimText, SimVerify } from './verify.ts';

export interface SimTwilioOptions {
  /** 0 (the default) takes a free port. */
  readonly port?: number;
  readonly clock?: Clock;
  readonly codeLength?: number;
  /** How long a verification lives, ms; 10 minutes, as at Twilio. */
  readonly lifeMs?: number;
  /** The credential to ask for, where a stand-in takes the place of an earlier one; else it is made up. */
  readonly credentials?: Pick<SimTwilio, 'accountSid' | 'apiKeySid' | 'apiKeySecret'>;
  /** Called with each code that would have reached a telephone. */
  readonly onText?: (text: SimText) => void;
}

/** A request as it came in; fields that were repeated are arrays. */
export interface SimRequest {
  readonly method: string;
  readonly path: string;
  readonly params: Readonly<Record<string, string | readonly string[]>>;
}

/** Forms above this are refused, bytes. */
const maxBody = 64 * 1024;

/**
 * A Twilio that runs here: one server on loopback that has the paths of all of Twilio's hosts. It checks the
 * credential, keeps Verify's state, answers errors in Twilio's shape, and fails when it is told to.
 */
export class SimTwilio {
  readonly accountSid: string;
  readonly apiKeySid: string;
  readonly apiKeySecret: string;
  readonly authToken = randomBytes(16).toString('hex');
  readonly verifyServiceSid = `VA${randomBytes(16).toString('hex')}`;
  /** Every request that came with the right credential, oldest first. */
  readonly requests: SimRequest[] = [];
  /** Every message that would have reached a telephone, oldest first. */
  readonly texts: SimText[] = [];
  readonly #clock: Clock;
  readonly #server: Server;
  readonly #verify: SimVerify;
  readonly #faults: SimFault[] = [];
  readonly #waiting = new Set<() => void>();
  #answers = 0;
  #connections = 0;

  private constructor(options: SimTwilioOptions) {
    const { credentials } = options;
    this.accountSid = credentials?.accountSid ?? `AC${randomBytes(16).toString('hex')}`;
    this.apiKeySid = credentials?.apiKeySid ?? `SK${randomBytes(16).toString('hex')}`;
    this.apiKeySecret = credentials?.apiKeySecret ?? randomBytes(16).toString('hex');
    this.#clock = options.clock ?? systemClock;
    this.#verify = new SimVerify({
      clock: this.#clock,
      accountSid: this.accountSid,
      serviceSid: this.verifyServiceSid,
      codeLength: options.codeLength ?? 6,
      lifeMs: options.lifeMs ?? 600_000,
      onText: text => {
        this.texts.push(text);
        options.onText?.(text);
      },
    });
    this.#server = createServer((request, response) => {
      response.once('finish', () => {
        this.#answers += 1;
        this.#wake();
      });
      this.#serve(request, response).catch(() => response.destroy());
    });
    this.#server.on('connection', () => {
      this.#connections += 1;
    });
  }

  static async start(options: SimTwilioOptions = {}): Promise<SimTwilio> {
    const sim = new SimTwilio(options);
    await new Promise<void>((resolve, reject) => {
      sim.#server.once('error', reject);
      sim.#server.listen(options.port ?? 0, '127.0.0.1', resolve);
    });
    return sim;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The code last "texted" to a number. Throws when there was none. */
  codeFor(to: string): string {
    const code = this.#verify.codeFor(to);
    if (code === undefined) throw new Error('No code was sent to that number');
    return code;
  }

  /** The next `times` requests meet with `fault`. Faults queue up in the order of these calls. */
  failNext(fault: SimFault, times = 1): void {
    for (let n = 0; n < times; n += 1) this.#faults.push(fault);
  }

  /** Sends to `to` are refused with `code` (60205 lets voice calls through) until that is taken back with undefined. */
  refuse(to: string, code: SimErrorCode | undefined): void {
    this.#verify.refuse(to, code);
  }

  /** Connections that were made to it since the start. */
  get connections(): number {
    return this.#connections;
  }

  /** Settles once `count` requests have come in since the start. */
  received(count: number): Promise<void> {
    return this.#until(() => this.requests.length >= count);
  }

  /** Settles once `count` answers have gone out since the start. */
  answered(count: number): Promise<void> {
    return this.#until(() => this.#answers >= count);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await read(request);
    const url = new URL(request.url ?? '/', this.baseUrl);
    const method = request.method ?? 'GET';
    if (!this.#authorized(request.headers.authorization)) return write(response, simError(20003));
    const form = new URLSearchParams(body ?? '');
    this.requests.push({
      method,
      path: url.pathname,
      params: fields(method === 'GET' ? url.searchParams : form),
    });
    this.#wake();
    const fault = this.#faults.shift();
    if (fault?.delayMs !== undefined) await pause(this.#clock, fault.delayMs);
    if (fault !== undefined && isFinal(fault)) return playFault(fault, response);
    const answer = this.#answer(method, url.pathname, request.headers['content-type'], body, form);
    if (fault?.lost === true) request.socket.destroy();
    else write(response, answer);
  }

  async #until(reached: () => boolean): Promise<void> {
    while (!reached()) await new Promise<void>(resolve => this.#waiting.add(resolve));
  }

  #wake(): void {
    for (const go of this.#waiting) go();
    this.#waiting.clear();
  }

  #authorized(header: string | undefined): boolean {
    const [scheme, token] = (header ?? '').split(' ');
    if (scheme?.toLowerCase() !== 'basic') return false;
    const given = Buffer.from(token ?? '', 'base64');
    const pairs = [`${this.apiKeySid}:${this.apiKeySecret}`, `${this.accountSid}:${this.authToken}`];
    return pairs.some(pair => pair.length === given.length && timingSafeEqual(Buffer.from(pair), given));
  }

  #answer(
    method: string,
    path: string,
    type: string | undefined,
    body: string | undefined,
    form: URLSearchParams,
  ): SimAnswer {
    if (body === undefined) return simError(20001, '', 413);
    if (method === 'POST' && type?.startsWith('application/x-www-form-urlencoded') !== true) {
      return simError(20001, '', 415);
    }
    const [, version, services, service, kind, name, ...rest] = path.split('/');
    const verify = version === 'v2' && services === 'Services' && service === this.verifyServiceSid;
    if (!verify || rest.length > 0) return simError(20404, path);
    switch (`${method} ${kind}${name === undefined ? '' : '/'}`) {
      case 'POST Verifications':
        return this.#verify.create(form);
      case 'POST VerificationCheck':
        return this.#verify.check(form);
      case 'GET Verifications/':
        return this.#verify.fetch(decodeURIComponent(name ?? ''));
      case 'POST Verifications/':
        return this.#verify.update(decodeURIComponent(name ?? ''), form);
      default:
        return simError(20404, path);
    }
  }
}

/** The body as text; undefined when it is larger than a form may be. */
async function read(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= maxBody) chunks.push(chunk);
  }
  return size <= maxBody ? Buffer.concat(chunks).toString('utf8') : undefined;
}

function fields(form: URLSearchParams): Record<string, string | readonly string[]> {
  return Object.fromEntries(
    [...new Set(form.keys())].map(key => {
      const values = form.getAll(key);
      return [key, values.length === 1 ? (values[0] as string) : values];
    }),
  );
}

function write(response: ServerResponse, answer: SimAnswer): void {
  const id = `RQ${randomBytes(16).toString('hex')}`;
  response.writeHead(answer.status, {
    'Content-Type': 'application/json',
    'Twilio-Request-Id': id,
    ...answer.headers,
  });
  response.end(JSON.stringify(answer.body));
}
