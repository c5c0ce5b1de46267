import type { Clock, Timer } from '../../../core/clock.ts';
import type { ReofferAnswer } from '../../signalling.ts';
import { parseCSeq } from '../message/cseq.ts';
import type { SipRequest } from '../message/message.ts';
import type { Answer, ServerTransaction } from '../transaction/server.ts';
import { retrySeconds } from '../transaction/token.ts';
import { allowLine, sdpType, supportedLine } from './capabilities.ts';
import { contentObjection, sdpOf } from './content.ts';
import { refusal } from './refusal.ts';
import { Repeater } from './repeater.ts';

export interface ReofferOptions {
  readonly clock: Clock;
  readonly limitMs: number;
  /** Our Contact. */
  readonly contact: string;
  /** Asks the session. */
  readonly ask: (offer: string | undefined) => Promise<ReofferAnswer>;
  /** A request of ours is out that changes the session. */
  readonly crossed: () => boolean;
  /** What is wrong with the session interval that the request asks for. */
  readonly objection: (request: SipRequest) => Answer | undefined;
  /** The request was taken: it may move the peer's target, and refreshes the session. Gives fields for the 2xx. */
  readonly taken: (request: SipRequest) => readonly Line[];
  /** The SDP of a 2xx that goes out now. */
  readonly described: (sdp: string) => void;
  /** Nothing of the peer's is being answered any more. */
  readonly free: () => void;
  /** Sends once more, over whatever connection the dialogue has by now. */
  readonly resend: (bytes: Buffer) => void;
  readonly ackTimeout: () => void;
  readonly fault: (error: unknown) => void;
}

type Line = readonly [name: string, value: string];

/**
 * How far the INVITE that made the dialogue is; `exchanged` is early, with offer and answer settled by a reliable
 * provisional response.
 */
export type Standing = 'early' | 'exchanged' | 'unacknowledged' | 'confirmed';

interface Unacknowledged {
  readonly transaction: ServerTransaction;
  readonly sequence: number;
  readonly repeater: Repeater;
  /** Of a re-INVITE without SDP: takes the answer that the ACK holds. */
  readonly answered: ((sdp: string | undefined) => void) | undefined;
}

/** re-INVITEs and UPDATEs of one dialogue, one at a time (RFC 3261 section 14.2, RFC 3311 section 5.2). */
export class Reoffers {
  readonly #options: ReofferOptions;
  /** The request that the session is thinking about. */
  #current: ServerTransaction | undefined;
  #limit: Timer | undefined;
  /** A re-INVITE that was answered and not acknowledged yet. */
  #unacknowledged: Unacknowledged | undefined;

  constructor(options: ReofferOptions) {
    this.#options = options;
  }

  /** A re-INVITE or UPDATE of the peer is not answered yet, or its answer not acknowledged. */
  get busy(): boolean {
    return this.#current !== undefined || this.#unacknowledged !== undefined;
  }

  /** Takes a re-INVITE or UPDATE, or a PRACK with an offer, and answers it in the end. */
  handle(transaction: ServerTransaction, standing: Standing): void {
    const { request } = transaction;
    const objection = contentObjection(request) ?? this.#options.objection(request);
    if (objection !== undefined) {
      transaction.respond(objection);
      return;
    }
    const offer = sdpOf(request);
    const invite = request.method === 'INVITE';
    if (!invite && offer === undefined) {
      // RFC 3311 section 5.1: without an offer it refreshes the target, and a session timer, and no more.
      const lines = this.#options.taken(request);
      transaction.respond({ status: 200, headers: [...this.#lines(), ...lines] });
    } else if (this.#current !== undefined || standing === 'early' || (invite && standing === 'exchanged')) {
      // The peer has an offer or an INVITE here that was not answered yet.
      transaction.respond(refusal(500, { retryAfter: retrySeconds() }));
    } else if (
      standing === 'unacknowledged' ||
      this.#unacknowledged !== undefined ||
      this.#options.crossed()
    ) {
      // RFC 3261 section 14.2, RFC 3311 section 5.2: an offer or an INVITE of ours is not settled.
      transaction.respond({ status: 491 });
    } else this.#decide(transaction, offer);
  }

  /** An ACK with a CSeq that is not the first INVITE's, and the SDP in it. */
  ack(sequence: number, sdp: string | undefined): void {
    const waiting = this.#unacknowledged;
    if (waiting?.sequence !== sequence) return;
    this.#settleAck();
    waiting.answered?.(sdp);
    this.#options.free();
  }

  /** The dialogue is over: what waits for an answer gets 487 (RFC 3261 section 15.1.2). */
  stop(): void {
    this.#settleAck();
    const waiting = this.#current;
    this.#forget();
    waiting?.respond({ status: 487 });
  }

  #decide(transaction: ServerTransaction, offer: string | undefined): void {
    const { clock, limitMs, ask, fault } = this.#options;
    this.#current = transaction;
    const settle = (answer: ReofferAnswer) => {
      if (this.#current !== transaction) return;
      this.#forget();
      this.#answer(transaction, answer);
    };
    const refuse = () => settle({ status: 500, reason: 'Server Internal Error' });
    this.#limit = clock.timer(limitMs, refuse);
    transaction.onCancel = () => {
      if (this.#current !== transaction) return;
      this.#forget();
      transaction.respond({ status: 487 });
      this.#options.free();
    };
    transaction.onLost = () => {
      const mine = this.#current === transaction;
      if (mine) this.#forget();
      transaction.abandon();
      if (mine) this.#options.free();
    };
    if (transaction.request.method === 'INVITE') transaction.respond({ status: 100 });
    Promise.resolve()
      .then(() => ask(offer))
      .then(settle)
      .catch((error: unknown) => {
        refuse();
        transaction.respond({ status: 500 });
        fault(error);
      });
  }

  #answer(transaction: ServerTransaction, answer: ReofferAnswer): void {
    if ('status' in answer) {
      transaction.respond(refusal(answer.status, answer, answer.reason));
      transaction.release();
      this.#options.free();
      return;
    }
    const { request } = transaction;
    const { clock, taken, described, resend, ackTimeout } = this.#options;
    const lines = taken(request);
    described(answer.sdp);
    answer.sent?.();
    if (request.method === 'INVITE') {
      const sequence = parseCSeq(request.headers.get('CSeq') ?? '')?.number ?? 0;
      const repeater = new Repeater(clock, () => bytes !== undefined && resend(bytes), ackTimeout);
      this.#unacknowledged = { transaction, sequence, repeater, answered: answer.answered };
      repeater.start();
    }
    const body = { type: sdpType, text: answer.sdp };
    const bytes = transaction.respond({ status: 200, headers: [...this.#lines(), ...lines], body });
    transaction.release();
    if (this.#unacknowledged === undefined) this.#options.free();
    // RFC 6026 section 7.1: an ACK with the branch of its INVITE, or with none, comes by way of the transaction.
    else transaction.onAck = ack => this.#acknowledged(ack);
  }

  #acknowledged(ack: SipRequest): void {
    const sequence = parseCSeq(ack.headers.get('CSeq') ?? '')?.number;
    if (sequence !== undefined) this.ack(sequence, sdpOf(ack));
  }

  /** No ACK is waited for any more. */
  #settleAck(): void {
    this.#unacknowledged?.repeater.stop();
    this.#unacknowledged?.transaction.release();
    this.#unacknowledged = undefined;
  }

  #lines(): Line[] {
    return [['Contact', this.#options.contact], allowLine, supportedLine];
  }

  #forget(): void {
    this.#current = undefined;
    this.#limit?.cancel();
    this.#limit = undefined;
  }
}
