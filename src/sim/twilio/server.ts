import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, systemClock } from '../../core/clock.ts';
import { SimAccount } from './account.ts';
import { SimCallbacks } from './callbacks.ts';
import { SimCalls } from './calls.ts';
import { SimContent } from './content.ts';
import { SimCredentials, type SimKeyKind } from './credentials.ts';
import { type SimAnswer, type SimErrorCode, simError } from './errors.ts';
import { isFinal, pause, playFault, type SimFault, type SimFaultFilter, SimFaults } from './failures.ts';
import { fields, read, write } from './form.ts';
import { SimLookup } from './lookup.ts';
import { type SimMessagePace, SimMessages } from './messages.ts';
import { SimNumbers } from './numbers.ts';
import { newSid } from './resource.ts';
import { SimRouter } from './router.ts';
import { SimSenders } from './senders.ts';
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
  /** What the API key may do; `main` unless given. */
  readonly keyKind?: SimKeyKind;
  /** The account's first number, which can do everything; it is the WhatsApp sender too. */
  readonly phoneNumber?: string;
  /** When messages are sent and delivered; soon after they were accepted unless given. */
  readonly messagePace?: SimMessagePace;
  /** Who answers what is below `/sim/`: `runSimCommand`, where it can be told over HTTP what to do. */
  readonly commands?: SimCommandDoor;
  /** Called with each code that would have reached a telephone. */
  readonly onText?: (text: SimText) => void;
  /** Called with each answer that the stand-in gives of its own, so not where it fails or lies because it was told to. */
  readonly onAnswer?: (request: SimRequest, answer: SimAnswer) => void;
}

/** Answers one request to `/sim/{name}`. */
export type SimCommandDoor = (
  sim: SimTwilio,
  method: string,
  name: string,
  json: string,
) => Promise<SimAnswer>;

/** A request as it came in; fields that were repeated are arrays. */
export interface SimRequest {
  readonly method: string;
  readonly path: string;
  readonly params: Readonly<Record<string, string | readonly string[]>>;
}

/** Commands are under this path: Twilio has nothing there. */
const commandPath = '/sim/';
const defaultPace: SimMessagePace = { sentMs: 200, deliveredMs: 500 };

/**
 * A Twilio that runs here: one server on loopback that has the paths of all of Twilio's hosts. It checks the
 * credential, keeps what it was told, answers errors in Twilio's shape, calls back, and fails when it is told to.
 */
export class SimTwilio {
  readonly accountSid: string;
  readonly verifyServiceSid = newSid('VA');
  readonly messagingServiceSid = newSid('MG');
  /** The account's first number: texts, calls and WhatsApp messages may come from it. */
  readonly phoneNumber: string;
  readonly credentials: SimCredentials;
  readonly account: SimAccount;
  readonly messages: SimMessages;
  readonly calls: SimCalls;
  readonly numbers: SimNumbers;
  readonly lookup = new SimLookup();
  readonly content: SimContent;
  readonly verify: SimVerify;
  readonly senders: SimSenders;
  readonly callbacks: SimCallbacks;
  /** Every request that came with the right credential, oldest first. */
  readonly requests: SimRequest[] = [];
  /** Every code that would have reached a telephone, oldest first. */
  readonly texts: SimText[] = [];
  readonly #clock: Clock;
  readonly #server: Server;
  readonly #router: SimRouter;
  readonly #faults = new SimFaults();
  readonly #onAnswer: NonNullable<SimTwilioOptions['onAnswer']>;
  readonly #commands: SimCommandDoor | undefined;
  readonly #waiting = new Set<() => void>();
  #answers = 0;
  #connections = 0;

  private constructor(options: SimTwilioOptions) {
    const { credentials, keyKind = 'main' } = options;
    const clock = options.clock ?? systemClock;
    this.#clock = clock;
    this.#onAnswer = options.onAnswer ?? (() => undefined);
    this.#commands = options.commands;
    this.accountSid = credentials?.accountSid ?? newSid('AC');
    this.phoneNumber = options.phoneNumber ?? '+14155550100';
    this.credentials = new SimCredentials(this.accountSid, {
      kind: keyKind,
      ...(credentials === undefined ? {} : { sid: credentials.apiKeySid, secret: credentials.apiKeySecret }),
    });
    const owner = { clock, accountSid: this.accountSid };
    const authToken = () => this.authToken;
    const keys = () => this.credentials.keys.map(({ sid }) => sid);
    this.callbacks = new SimCallbacks({ authToken });
    this.account = new SimAccount({ ...owner, keys, authToken });
    this.numbers = new SimNumbers(owner);
    this.numbers.buy(this.phoneNumber);
    this.content = new SimContent(owner);
    this.calls = new SimCalls({
      ...owner,
      callbacks: this.callbacks,
      mayCall: number => this.numbers.mayCall(number),
    });
    this.messages = new SimMessages({
      ...owner,
      callbacks: this.callbacks,
      pace: options.messagePace ?? defaultPace,
      senders: {
        texts: number => this.numbers.find(number)?.capabilities.sms === true,
        whatsapp: new Set([this.phoneNumber]),
        messagingServiceSid: this.messagingServiceSid,
        template: (sid, variables) => this.content.render(sid, variables),
      },
      serviceNumber: () => this.phoneNumber,
      webhookOf: number => this.numbers.find(number)?.settings.get('SmsUrl'),
    });
    this.verify = new SimVerify({
      ...owner,
      serviceSid: this.verifyServiceSid,
      codeLength: options.codeLength ?? 6,
      lifeMs: options.lifeMs ?? 600_000,
      onText: text => {
        this.texts.push(text);
        options.onText?.(text);
      },
    });
    const { messagingServiceSid } = this;
    this.senders = new SimSenders({ ...owner, messagingServiceSid, whatsapp: [this.phoneNumber] });
    const parts = [
      this.senders,
      this.account,
      this.numbers,
      this.messages,
      this.calls,
      this.lookup,
      this.content,
    ];
    this.#router = new SimRouter([...parts, this.verify].flatMap(({ routes }) => routes));
    this.#server = this.#createServer();
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

  /** The oldest API key that is still valid. */
  get apiKeySid(): string {
    return this.credentials.keys[0]?.sid ?? '';
  }

  get apiKeySecret(): string {
    return this.credentials.keys[0]?.secret ?? '';
  }

  get authToken(): string {
    return this.credentials.authToken;
  }

  /** The code last "texted" to a number. Throws when there was none. */
  codeFor(to: string): string {
    const code = this.verify.codeFor(to);
    if (code === undefined) throw new Error('No code was sent to that number');
    return code;
  }

  /**
   * The next `times` requests that pass the filter meet with `fault`; each request meets with the oldest fault that is
   * for it. The function that comes back takes back what is left.
   */
  failNext(fault: SimFault, times = 1, filter: SimFaultFilter = {}): () => void {
    return this.#faults.add(fault, times, filter);
  }

  /** From now on nothing fails any more. */
  recover(): void {
    this.#faults.clear();
  }

  /** Codes to `to` are refused with `code` (60205 lets voice calls through) until that is taken back with undefined. */
  refuse(to: string, code: SimErrorCode | undefined): void {
    this.verify.refuse(to, code);
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
    this.messages.close();
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  #createServer(): Server {
    const server = createServer((request, response) => {
      response.once('finish', () => {
        this.#answers += 1;
        this.#wake();
      });
      this.#serve(request, response).catch(() => response.destroy());
    });
    server.on('connection', () => {
      this.#connections += 1;
    });
    return server;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await read(request);
    const url = new URL(request.url ?? '/', this.baseUrl);
    const method = request.method ?? 'GET';
    if (this.#commands !== undefined && url.pathname.startsWith(commandPath)) {
      // A page in a browser on this machine must not give commands.
      if (request.headers.origin !== undefined) return write(response, simError(20001, '', 403));
      const name = url.pathname.slice(commandPath.length);
      return write(response, await this.#commands(this, method, name, body ?? ''));
    }
    if (!this.credentials.opens(request.headers.authorization, url.pathname)) {
      return write(response, simError(20003));
    }
    const form = new URLSearchParams(body ?? '');
    const params = fields(method === 'GET' ? url.searchParams : form);
    const came: SimRequest = { method, path: url.pathname, params };
    this.requests.push(came);
    this.#wake();
    const fault = this.#faults.take(method, url.pathname);
    if (fault?.delayMs !== undefined) await pause(this.#clock, fault.delayMs);
    await fault?.until;
    if (fault !== undefined && isFinal(fault)) return playFault(fault, response);
    const answer = this.#answer(method, url, request.headers['content-type'], body, form);
    this.#onAnswer(came, answer);
    if (fault?.lost === true) request.socket.destroy();
    else write(response, fault?.lie === undefined ? answer : told(answer, fault.lie));
  }

  async #until(reached: () => boolean): Promise<void> {
    while (!reached()) await new Promise<void>(resolve => this.#waiting.add(resolve));
  }

  #wake(): void {
    for (const go of this.#waiting) go();
    this.#waiting.clear();
  }

  #answer(
    method: string,
    { pathname: path, searchParams: query }: URL,
    type: string | undefined,
    body: string | undefined,
    form: URLSearchParams,
  ): SimAnswer {
    if (body === undefined) return simError(20001, '', 413);
    if (method === 'POST' && type?.startsWith('application/x-www-form-urlencoded') !== true) {
      return simError(20001, '', 415);
    }
    const account = /^\/2010-04-01\/Accounts\/([^/.]+)/.exec(path)?.[1] ?? this.accountSid;
    const answer = account === this.accountSid ? this.#router.answer(method, path, query, form) : undefined;
    return answer ?? simError(20404, path);
  }
}

/** The answer with some of its fields changed. */
function told(answer: SimAnswer, lie: Readonly<Record<string, unknown>>): SimAnswer {
  return { ...answer, body: { ...(answer.body as object), ...lie } };
}
