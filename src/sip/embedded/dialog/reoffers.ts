import type { Clock, Timer } from '../../../core/clock.ts';
import type { ReofferAnswer } from '../../signalling.ts';
import { parseCSeq } from '../message/cseq.ts';
import type { SipRequest } from '../message/message.ts';
import type { ServerTransaction } from '../transaction/server.ts';
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
  /** The request was taken: it may move the peer's target. */
  readonly taken: (request: SipRequest) => void;
  /** Sends once more, over whatever connection the dialogue has by now. */
  readonly resend: (bytes: Buffer) => void;
  readonly ackTimeout: () => void;
  readonly fault: (error: unknown) => void;
}

/** How far the INVITE that made the dialogue is. */
export type Standing = 'early' | 'unacknowledged' | 'confirmed';

/** re-INVITEs and UPDATEs of one dialogue, one at a time (RFC 3261 section 14.2, RFC 3311 section 5.2). */
export class Reoffers {
  readonly #options: ReofferOptions;
  /** The request that the session is thinking about. */
  #current: ServerTransaction | undefined;
  #limit: Timer | undefined;
  /** A re-INVITE that was answered and not acknowledged yet. */
  #unacknowledged: { readonly sequence: number; readonly repeater: Repeater } | undefined;

  constructor(options: ReofferOptions) {
    this.#options = options;
  }

  /** Takes a re-INVITE or UPDATE and answers it in the end. */
  handle(transaction: ServerTransaction, standing: Standing): void {
    const { request } = transaction;
    const objection = contentObjection(request);
    if (objection !== undefined) {
      transaction.respond(objection);
      return;
    }
    const offer = sdpOf(request);
    if (request.method === 'UPDATE' && offer === undefined) {
      // RFC 3311 section 5.1: without an offer it refreshes the target, and a session timer, and no more.
      this.#options.taken(request);
      transaction.respond({ status: 200, headers: this.#lines() });
    } else if (this.#current !== undefined || standing === 'early') {
      // The peer has an offer or an INVITE here that was not answered yet.
      transaction.respond(refusal(500, { retryAfter: retrySeconds() }));
    } else if (standing === 'unacknowledged' || this.#unacknowledged !== undefined) {
      transaction.respond({ status: 491 });
    } else this.#decide(transaction, offer);
  }

  /** An ACK with a CSeq that is not the first INVITE's. */
  ack(sequence: number): void {
    if (this.#unacknowledged?.sequence !== sequence) return;
    this.#unacknowledged.repeater.stop();
    this.#unacknowledged = undefined;
  }

  /** The dialogue is over: what waits for an answer gets 487 (RFC 3261 section 15.1.2). */
  stop(): void {
    this.#unacknowledged?.repeater.stop();
    this.#unacknowledged = undefined;
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
    };
    transaction.onLost = () => {
      if (this.#current === transaction) this.#forget();
      transaction.abandon();
    };
    if (transaction.request.method === 'INVITE') transaction.respond({ status: 100 });
    Promise.resolve()
      .then(() => ask(offer))
      .then(settle)
      .catch((error: unknown) => {
        refuse();
        fault(error);
      });
  }

  #answer(transaction: ServerTransaction, answer: ReofferAnswer): void {
    if ('status' in answer) {
      transaction.respond(refusal(answer.status, answer, answer.reason));
      return;
    }
    const { request } = transaction;
    const { clock, taken, resend, ackTimeout } = this.#options;
    taken(request);
    if (request.method === 'INVITE') {
      const sequence = parseCSeq(request.headers.get('CSeq') ?? '')?.number ?? 0;
      const repeater = new Repeater(clock, () => bytes !== undefined && resend(bytes), ackTimeout);
      this.#unacknowledged = { sequence, repeater };
      repeater.start();
    }
    const body = { type: sdpType, text: answer.sdp };
    const bytes = transaction.respond({ status: 200, headers: this.#lines(), body });
  }

  #lines(): (readonly [string, string])[] {
    return [['Contact', this.#options.contact], allowLine, supportedLine];
  }

  #forget(): void {
    this.#current = undefined;
    this.#limit?.cancel();
    this.#limit = undefined;
  }
}
