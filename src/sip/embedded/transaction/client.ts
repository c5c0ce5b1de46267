import type { Clock, Timer } from '../../../core/clock.ts';
import { sipTimers } from '../limits.ts';
import type { SipResponse } from '../message/message.ts';
import type { Connection } from '../transport/connection.ts';
import {
  type NonInviteClientAction,
  type NonInviteClientInput,
  nonInviteClient,
} from './non-invite-client.ts';
import { accepts, step } from './table.ts';

/** How a request of ours went: its final response, timer F, or a connection that is gone. */
export type RequestOutcome = SipResponse | 'timeout' | 'lost';

export interface ClientTransactionOptions {
  readonly bytes: Buffer;
  readonly connection: Connection;
  readonly clock: Clock;
  /** Called exactly once. */
  readonly done: (outcome: RequestOutcome) => void;
  readonly onEnd: () => void;
}

/** A non-INVITE client transaction over one connection. */
export class ClientTransaction {
  readonly connection: Connection;
  readonly #options: ClientTransactionOptions;
  #state: keyof typeof nonInviteClient = 'trying';
  #timerF: Timer | undefined;
  #reads = 0;
  #response: SipResponse | undefined;

  constructor(options: ClientTransactionOptions) {
    this.connection = options.connection;
    this.#options = options;
  }

  /** Sends the request and starts timer F. */
  start(): void {
    this.#timerF = this.#options.clock.timer(sipTimers.transaction, () => this.#feed('timerF'));
    this.#reads = this.connection.reads;
    if (!this.connection.send(this.#options.bytes)) this.connectionLost();
  }

  receive(response: SipResponse): void {
    this.#response = response;
    const input = response.status < 200 ? 'provisional' : 'final';
    if (accepts(nonInviteClient, this.#state, input)) this.#feed(input);
  }

  connectionLost(): void {
    if (accepts(nonInviteClient, this.#state, 'transportError')) this.#feed('transportError');
  }

  #feed(input: NonInviteClientInput): void {
    const [next, ...actions] = step<
      keyof typeof nonInviteClient,
      NonInviteClientInput,
      NonInviteClientAction
    >(nonInviteClient, this.#state, input);
    this.#state = next;
    for (const action of actions) this.#act(action);
  }

  #act(action: NonInviteClientAction): void {
    switch (action) {
      case 'pass':
        if (this.#response !== undefined && this.#response.status >= 200) this.#options.done(this.#response);
        return;
      case 'stopF':
        this.#timerF?.cancel();
        return;
      case 'startK':
        // Timer K is zero on a reliable transport (RFC 3261 table 4).
        this.#feed('timerK');
        return;
      case 'timedOut':
        this.connection.unanswered(this.#reads);
        this.#options.done('timeout');
        return;
      case 'lost':
        this.#options.done('lost');
        return;
      case 'end':
        this.#options.onEnd();
        return;
    }
  }
}
