import type { Clock, Timer } from '../../../core/clock.ts';
import { sipTimers } from '../limits.ts';
import { Headers } from '../message/headers.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { formatRequest } from '../message/writer.ts';
import type { Connection } from '../transport/connection.ts';
import {
  type InviteClientAction,
  type InviteClientInput,
  type InviteClientState,
  inviteClient,
} from './invite-client.ts';
import { accepts, step } from './table.ts';

/** What an INVITE of ours tells its user. `timedOut` and `lost` come at most once, and never behind a final response. */
export interface InviteListener {
  /** Each provisional response, the final one, and after a 2xx every further 2xx for 64*T1; and what it came over. */
  response(response: SipResponse, over: Connection): void;
  /** Timer B: nobody has answered at all. */
  timedOut(): void;
  /** The connection is gone; when a provisional response had come, a final one may still. */
  lost(): void;
}

export interface InviteClientOptions {
  /** The INVITE as it is sent, our Via on top. */
  readonly request: SipRequest;
  readonly connection: Connection;
  readonly clock: Clock;
  readonly listener: InviteListener;
  readonly onEnd: () => void;
}

/** An INVITE client transaction over one connection: acknowledges refusals, leaves the ACK of a 2xx to its user. */
export class InviteClientTransaction {
  readonly connection: Connection;
  readonly request: SipRequest;
  readonly #options: InviteClientOptions;
  #state: InviteClientState = 'calling';
  #timers: Partial<Record<'timerB' | 'timerM', Timer>> = {};
  #response: SipResponse | undefined;
  #over: Connection | undefined;
  #reads = 0;

  constructor(options: InviteClientOptions) {
    this.#options = options;
    this.connection = options.connection;
    this.request = options.request;
  }

  get state(): InviteClientState {
    return this.#state;
  }

  /** Sends the INVITE and starts timer B. */
  start(): void {
    this.#start('timerB');
    this.#reads = this.connection.reads;
    const { method, uri, headers, body } = this.request;
    if (!this.connection.send(formatRequest(method, uri, headers, body))) this.connectionLost();
  }

  receive(response: SipResponse, over: Connection): void {
    const input = inputOf(response.status);
    if (!accepts(inviteClient, this.#state, input)) return;
    this.#response = response;
    this.#over = over;
    this.#feed(input);
  }

  connectionLost(): void {
    if (accepts(inviteClient, this.#state, 'transportError')) this.#feed('transportError');
  }

  /** Ends the transaction without another word; its user hears nothing more. */
  abandon(): void {
    if (accepts(inviteClient, this.#state, 'abandon')) this.#feed('abandon');
  }

  #feed(input: InviteClientInput): void {
    const [next, ...actions] = step<InviteClientState, InviteClientInput, InviteClientAction>(
      inviteClient,
      this.#state,
      input,
    );
    this.#state = next;
    for (const action of actions) this.#act(action);
  }

  #act(action: InviteClientAction): void {
    const { listener, onEnd } = this.#options;
    switch (action) {
      case 'pass':
        if (this.#response !== undefined) listener.response(this.#response, this.#over ?? this.connection);
        return;
      case 'acknowledge':
        if (this.#response !== undefined) this.connection.send(refusalAck(this.request, this.#response));
        return;
      case 'stopB':
        return this.#timers.timerB?.cancel();
      case 'stopM':
        return this.#timers.timerM?.cancel();
      case 'startM':
        return this.#start('timerM');
      // Timer D is zero on a reliable transport (RFC 3261 table 4).
      case 'startD':
        return this.#feed('timerD');
      case 'timedOut':
        this.connection.unanswered(this.#reads);
        return listener.timedOut();
      case 'lost':
        return listener.lost();
      case 'end':
        return onEnd();
    }
  }

  #start(name: 'timerB' | 'timerM'): void {
    this.#timers[name] = this.#options.clock.timer(sipTimers.transaction, () => this.#feed(name));
  }
}

function inputOf(status: number): InviteClientInput {
  if (status < 200) return 'provisional';
  return status < 300 ? 'final2xx' : 'final3to6xx';
}

/** RFC 3261 section 17.1.1.3: the ACK to a refusal has the INVITE's own Via, Route and From, and the To of the response. */
function refusalAck(invite: SipRequest, response: SipResponse): Buffer {
  return withinTransaction('ACK', invite, response.headers.get('To') ?? invite.headers.get('To') ?? '');
}

/** RFC 3261 section 9.1: CANCEL repeats the INVITE's Request-URI, Via, Route, From, To and Call-ID. */
export function cancelOf(invite: SipRequest): Buffer {
  return withinTransaction('CANCEL', invite, invite.headers.get('To') ?? '');
}

function withinTransaction(method: 'ACK' | 'CANCEL', invite: SipRequest, to: string): Buffer {
  const headers = new Headers();
  const number = (invite.headers.get('CSeq') ?? '').split(' ', 1)[0] ?? '';
  headers.add('Via', invite.headers.get('Via') ?? '').add('Max-Forwards', '70');
  for (const route of invite.headers.all('Route')) headers.add('Route', route);
  headers
    .add('From', invite.headers.get('From') ?? '')
    .add('To', to)
    .add('Call-ID', invite.headers.get('Call-ID') ?? '')
    .add('CSeq', `${number} ${method}`);
  return formatRequest(method, invite.uri, headers);
}
