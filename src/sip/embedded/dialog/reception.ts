import type { Clock } from '../../../core/clock.ts';
import { type Ending, ending } from '../../../core/ending.ts';
import { messageOf } from '../../../core/errors.ts';
import type { Logger } from '../../../core/logger.ts';
import type { Admission, OnInvite, Replaceable, RequestFacts, Source } from '../../signalling.ts';
import type { StackLimits } from '../limits.ts';
import type { ParseFault, SipRequest } from '../message/message.ts';
import { formatResponse, responseTo } from '../message/writer.ts';
import type { Absent } from '../reach.ts';
import { tagOf } from '../transaction/key.ts';
import type { TransactionLayer } from '../transaction/layer.ts';
import type { Answer, ServerTransaction } from '../transaction/server.ts';
import { newToken } from '../transaction/token.ts';
import type { Connection } from '../transport/connection.ts';
import { RateWindow } from '../transport/rate.ts';
import { capabilityLines } from './capabilities.ts';
import { DialogDirectory } from './directory.ts';
import { requestFactsOf } from './facts.ts';
import { dialogKeyOf, type HostPort } from './path.ts';
import { findReplaced, type NamedDialogue } from './replaces.ts';
import { screen } from './screening.ts';
import { UasDialogue } from './uas.ts';

/** A dialogue as requests find it, whichever side made it. */
export interface StandingDialogue extends NamedDialogue, Replaceable {
  readonly key: string;
  readonly ended: Promise<Ending>;
  /** Where its INVITE came from, or went to. */
  readonly peer: Source | undefined;
  /** True for the connection that it goes over by now. */
  uses(connection: Connection): boolean;
  ack(ack: SipRequest, connection: Connection): void;
  request(transaction: ServerTransaction): void;
  connectionClosed(connection: Connection): void;
  /** Ends it because the stack closes. */
  dismiss(end: Ending): void;
  /** Ends it at once without a word to the peer. */
  drop(end: Ending): void;
}

export interface ReceptionOptions {
  readonly clock: Clock;
  readonly limits: StackLimits;
  readonly log: Logger;
  readonly layer: TransactionLayer;
  readonly contactFor: (source: Source) => HostPort;
  readonly reach: (absent: Absent) => Promise<Connection | undefined>;
  readonly turn: () => number;
  readonly gate: (request: RequestFacts) => Admission;
  /** Whether a peer at another address than that of a call of this trunk may speak inside it. */
  readonly speaksFor: (trunk: string, source: Source) => boolean;
  readonly onInvite: OnInvite;
  /** An INVITE that was turned away before anyone heard of it. */
  readonly onInviteRefused: (status: number, end: Ending, address: string, callId?: string) => void;
  /** A request inside a dialogue from somebody who has no part in it. */
  readonly onStranger: (address: string) => void;
}

/** The user agent core: each request finds its transaction, its dialogue, or its refusal. */
export class Reception {
  readonly #options: ReceptionOptions;
  readonly #dialogs = new DialogDirectory<StandingDialogue>();
  readonly #unreadSeen: RateWindow;
  #draining = false;

  constructor(options: ReceptionOptions) {
    this.#options = options;
    this.#unreadSeen = new RateWindow(options.clock, 1_000);
  }

  get dialogs(): DialogDirectory<StandingDialogue> {
    return this.#dialogs;
  }

  /** A call of ours was answered: its peer may speak inside the dialogue. */
  adopt(dialogue: StandingDialogue): void {
    this.#dialogs.add(dialogue);
  }

  /** It is over. */
  forget(dialogue: StandingDialogue): void {
    this.#dialogs.delete(dialogue);
  }

  drain(): void {
    this.#draining = true;
  }

  /** Handles one request. What goes wrong in here costs the request a 500, and nothing else anything. */
  request(request: SipRequest, connection: Connection): void {
    const { layer, log } = this.#options;
    let transaction: ServerTransaction | undefined;
    try {
      const known = layer.match(request, connection);
      if (known !== undefined) known.receive(request, connection);
      else if (request.method === 'ACK') this.#ack(request, connection);
      else {
        const admission = this.#admission(request, connection);
        if (admission?.verdict === 'drop') {
          if (!connection.pinned) connection.close();
        } else if (admission?.verdict === 'refuse') this.#turnAway(request, connection, admission);
        else {
          transaction = layer.createServer(request, connection);
          this.#dispatch(transaction, admission?.trunk);
        }
      }
    } catch (error) {
      log.error('a fault in handling a request', {
        method: request.method.slice(0, 32),
        error: messageOf(error),
      });
      transaction?.respond({ status: 500 });
    }
  }

  /** Answers what could not be parsed, as far as there is somebody to answer (no transaction, RFC 3261 section 8.2.7). */
  fault(fault: ParseFault, connection: Connection): void {
    const { request, status } = fault;
    if (status === 0 || request === undefined || request.method === 'ACK')
      return this.#unread(fault, connection);
    try {
      connection.send(
        formatResponse(status, fault.reason, responseTo(request, status, fault.reason, newToken())),
      );
    } catch (error) {
      this.#options.log.debug('a bad request could not be answered', { status, error: messageOf(error) });
    }
    if (request.method === 'INVITE') {
      this.#inviteRefused(request, status, ending('bad-request'), connection);
    }
  }

  /** What nobody is told of by an answer is told in the log: without it a call or registration just comes to nothing. */
  #unread({ reason }: ParseFault, { source }: Connection): void {
    if (this.#unreadSeen.count() > unreadPerSecond) return;
    this.#options.log.info('a response or ACK could not be read', { reason, source: source.address });
  }

  connectionClosed(connection: Connection): void {
    for (const dialogue of [...this.#dialogs.values()]) dialogue.connectionClosed(connection);
  }

  /** An ACK is never answered; one that belongs nowhere is dropped. */
  #ack(ack: SipRequest, connection: Connection): void {
    const dialogue = this.#dialogs.get(dialogKeyOf(ack));
    if (dialogue === undefined) return;
    if (this.#trusts(dialogue, connection)) dialogue.ack(ack, connection);
    else this.#options.onStranger(connection.source.address);
  }

  /**
   * Whether a request over `connection` may speak for the peer of a dialogue: over the dialogue's own connection, from
   * the peer's address, or from another one of the same trunk; a call over TLS is not to be had over TCP.
   */
  #trusts(dialogue: StandingDialogue, connection: Connection): boolean {
    if (dialogue.uses(connection)) return true;
    const { peer, trunk } = dialogue;
    const { source } = connection;
    if (source.transport !== peer?.transport) return false;
    if (source.address === peer.address) return true;
    return trunk !== undefined && this.#options.speaksFor(trunk, source);
  }

  /** RFC 3261 section 22.1 exempts ACK and CANCEL; who is in a dialogue has been let in before. */
  #admission(request: SipRequest, connection: Connection): Admission | undefined {
    if (request.method === 'CANCEL' || this.#dialogs.has(dialogKeyOf(request))) return undefined;
    return this.#options.gate(requestFactsOf(request, connection.source, connection.behindMs));
  }

  /** Refuses without a transaction (RFC 3261 section 8.2.7): a flood of refusals leaves nothing behind. */
  #turnAway(
    request: SipRequest,
    connection: Connection,
    { status, end, headers }: Extract<Admission, { verdict: 'refuse' }>,
  ): void {
    const response = responseTo(request, status, undefined, newToken());
    for (const [name, value] of headers) response.add(name, value);
    connection.send(formatResponse(status, undefined, response));
    if (request.method === 'INVITE') this.#inviteRefused(request, status, end, connection);
  }

  #inviteRefused({ headers }: SipRequest, status: number, end: Ending, { source }: Connection): void {
    this.#options.onInviteRefused(status, end, source.address, headers.get('Call-ID'));
  }

  #dispatch(transaction: ServerTransaction, trunk: string | undefined): void {
    const { request } = transaction;
    if (request.method === 'CANCEL') this.#cancel(transaction);
    else if (tagOf(request.headers.get('To')) !== undefined) this.#inDialog(transaction);
    else this.#outOfDialog(transaction, trunk);
  }

  /** RFC 3261 section 9.2. */
  #cancel(transaction: ServerTransaction): void {
    const invite = this.#options.layer.matchInvite(transaction.request, transaction.connection);
    if (invite === undefined) {
      transaction.respond({ status: 481 });
      return;
    }
    transaction.respond({ status: 200, toTag: invite.toTag });
    if (invite.pending) invite.onCancel(transaction.request);
  }

  #inDialog(transaction: ServerTransaction): void {
    const { request, connection } = transaction;
    const dialogue = this.#dialogs.get(dialogKeyOf(request));
    if (dialogue === undefined) transaction.respond({ status: 481 });
    else if (!this.#trusts(dialogue, connection)) {
      this.#options.onStranger(connection.source.address);
      transaction.respond({ status: 403 });
    } else dialogue.request(transaction);
  }

  #outOfDialog(transaction: ServerTransaction, trunk: string | undefined): void {
    const { request, connection } = transaction;
    const { layer, limits } = this.#options;
    const { target, objection: denied } = findReplaced(request, trunk, this.#dialogs);
    const objection = screen(request, {
      looped: layer.looped(request),
      merged: request.method === 'INVITE' && layer.merged(transaction),
      // Who takes over a call makes none.
      draining: this.#draining && target === undefined,
      full: layer.size > limits.transactions * limits.shedAt,
      retryAfter: limits.retryAfterSeconds,
      bounds: limits,
      ...(denied === undefined ? {} : { replaces: denied }),
    });
    if (objection !== undefined) {
      transaction.respond(objection.answer);
      if (request.method === 'INVITE')
        this.#inviteRefused(request, objection.answer.status, objection.end, connection);
    } else if (request.method === 'OPTIONS') transaction.respond(options200);
    else this.#invite(transaction, trunk, target);
  }

  #invite(transaction: ServerTransaction, trunk: string | undefined, replaces?: Replaceable): void {
    const { connection } = transaction;
    const { clock, limits, log, layer, contactFor, reach, turn, onInvite } = this.#options;
    transaction.respond({ status: 100 });
    const us = contactFor(connection.source);
    const dialogue = new UasDialogue(transaction, {
      clock,
      limits,
      log,
      layer,
      us,
      trunk,
      reach,
      turn,
      ...(replaces === undefined ? {} : { replaces }),
      onEnd: ended => this.#dialogs.delete(ended),
    });
    this.#dialogs.add(dialogue);
    try {
      onInvite(dialogue);
    } catch (error) {
      log.error('a fault in taking a call', { sipCallId: dialogue.facts.sipCallId, error: messageOf(error) });
      dialogue.reject(500, ending('internal-error'));
    }
  }
}

/** Log lines a second about messages that could not be read. */
const unreadPerSecond = 5;

const options200: Answer = { status: 200, headers: capabilityLines };
