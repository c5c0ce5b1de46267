import type { Clock, Timer } from '../../../core/clock.ts';
import { sipTimers } from '../limits.ts';
import type { SipRequest } from '../message/message.ts';
import { formatResponse, responseTo } from '../message/writer.ts';
import type { Connection } from '../transport/connection.ts';
import { type InviteServerAction, inviteServer } from './invite-server.ts';
import { type NonInviteServerAction, nonInviteServer } from './non-invite-server.ts';
import { accepts, step, type Table } from './table.ts';
import { newToken } from './token.ts';

type Action = InviteServerAction | NonInviteServerAction;

/** A response as the user agent core says it; the transaction adds what every response to its request has. */
export interface Answer {
  readonly status: number;
  /** Default: the usual phrase of the status. */
  readonly reason?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: { readonly type: string; readonly text: string };
  /** Default: the transaction's own. */
  readonly toTag?: string;
}

export interface ServerTransactionOptions {
  readonly key: string;
  readonly request: SipRequest;
  readonly connection: Connection;
  readonly clock: Clock;
  readonly onEnd: (transaction: ServerTransaction) => void;
}

/** Nobody listens, or not any more. */
const unheard = (): void => undefined;

/** A server transaction, INVITE or not: runs the table, owns its timers, and writes to the connection of its request. */
export class ServerTransaction {
  readonly key: string;
  readonly request: SipRequest;
  /** The tag that our responses put on a To without one. */
  readonly toTag: string = newToken();
  /** Where responses go: the connection of the request, or of its latest retransmission (RFC 3261 section 18.2.2). */
  connection: Connection;
  /** An ACK that matched this transaction although a 2xx was sent. */
  onAck: (ack: SipRequest) => void = unheard;
  /** A CANCEL came before the final response. */
  onCancel: (cancel: SipRequest) => void = unheard;
  /** A response could not be handed to the connection, or the connection went away. */
  onLost: () => void = unheard;

  readonly #clock: Clock;
  readonly #onEnd: (transaction: ServerTransaction) => void;
  readonly #table: Table<string, string, Action>;
  readonly #timers = new Map<string, Timer>();
  #state: string;
  #last: Buffer | undefined;
  #ack: SipRequest | undefined;

  constructor(options: ServerTransactionOptions) {
    this.key = options.key;
    this.request = options.request;
    this.connection = options.connection;
    this.#clock = options.clock;
    this.#onEnd = options.onEnd;
    const invite = options.request.method === 'INVITE';
    this.#table = invite ? inviteServer : nonInviteServer;
    this.#state = invite ? 'proceeding' : 'trying';
  }

  get state(): string {
    return this.#state;
  }

  /** True until a final response was given. */
  get pending(): boolean {
    return this.#state === 'proceeding' || this.#state === 'trying';
  }

  /** Sends a response. After the transaction's end, or after its final response, nothing happens. */
  respond(answer: Answer): Buffer | undefined {
    const input = this.#inputOf(answer.status);
    if (!accepts(this.#table, this.#state, input)) return undefined;
    const bytes = this.#format(answer);
    if (this.pending || this.#state === 'accepted') this.#last = bytes;
    this.#feed(input);
    return bytes;
  }

  /** The request came once more, or its ACK. */
  receive(request: SipRequest, connection: Connection): void {
    if (!this.connection.open) this.connection = connection;
    if (request.method === 'ACK') {
      this.#ack = request;
      // An ACK to a provisional response is nonsense, and nothing to answer.
      if (accepts(this.#table, this.#state, 'ack')) this.#feed('ack');
    } else if (accepts(this.#table, this.#state, 'retransmit')) this.#feed('retransmit');
  }

  /** The connection is gone: the user agent core hears of it; what only waited for an ACK is over. */
  connectionLost(): void {
    if (accepts(this.#table, this.#state, 'transportError')) this.#feed('transportError');
    if (this.#state === 'completed' || this.#state === 'trying') this.abandon();
  }

  /** Ends the transaction without another word. */
  abandon(): void {
    if (accepts(this.#table, this.#state, 'abandon')) this.#feed('abandon');
  }

  /**
   * The user agent core is through with it. An answered INVITE stays for 32 s after that to know its copies (RFC 6026 section 7.1),
   * and must not hold a call that is over for as long.
   */
  release(): void {
    this.onAck = unheard;
    this.onCancel = unheard;
    this.onLost = unheard;
  }

  #inputOf(status: number): string {
    if (status < 200) return 'provisional';
    if (this.request.method !== 'INVITE') return 'final';
    return status < 300 ? 'final2xx' : 'final3to6xx';
  }

  #format(answer: Answer): Buffer {
    const { status, body } = answer;
    // RFC 3261 section 12.1.1: responses that make a dialog repeat Record-Route.
    const recordRoute = this.request.method === 'INVITE' && status > 100 && status < 300;
    const headers = responseTo(this.request, status, answer.reason, answer.toTag ?? this.toTag, {
      recordRoute,
    });
    for (const [name, value] of answer.headers ?? []) headers.add(name, value);
    if (body !== undefined) headers.add('Content-Type', body.type);
    return formatResponse(status, answer.reason, headers, body?.text);
  }

  #feed(input: string): void {
    const [next, ...actions] = step(this.#table, this.#state, input);
    this.#state = next;
    for (const action of actions) this.#act(action);
  }

  #act(action: Action): void {
    switch (action) {
      case 'send':
      case 'resend':
        if (this.#last !== undefined && !this.connection.send(this.#last)) this.#feed('transportError');
        return;
      case 'startH':
        return this.#start('timerH');
      case 'startL':
        return this.#start('timerL');
      case 'stopH':
        return this.#stop('timerH');
      case 'stopL':
        return this.#stop('timerL');
      // Timers I and J are zero on a reliable transport (RFC 3261 table 4).
      case 'startI':
        return this.#feed('timerI');
      case 'startJ':
        return this.#feed('timerJ');
      case 'passAck':
        if (this.#ack !== undefined) this.onAck(this.#ack);
        return;
      case 'timedOut':
        return;
      case 'lost':
        this.onLost();
        return;
      case 'end':
        for (const timer of this.#timers.values()) timer.cancel();
        this.#onEnd(this);
        return;
    }
  }

  #start(name: string): void {
    this.#timers.set(
      name,
      this.#clock.timer(sipTimers.transaction, () => this.#feed(name)),
    );
  }

  #stop(name: string): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
  }
}
