import type { Clock, Timer } from '../../core/clock.ts';
import { sdpType } from '../embedded/dialog/capabilities.ts';
import { contentObjection, sdpOf } from '../embedded/dialog/content.ts';
import { refusal } from '../embedded/dialog/refusal.ts';
import { intervalObjection, type SessionBounds } from '../embedded/dialog/session-expires.ts';
import type { SipRequest } from '../embedded/message/message.ts';
import { retrySeconds } from '../embedded/transaction/token.ts';
import type { ReofferAnswer } from '../signalling.ts';
import { allowLine, supportedLine } from './capabilities.ts';
import { sequenceOf } from './message.ts';
import { reply } from './reply.ts';
import type { SrfRequest, SrfResponse } from './srf.ts';

type Line = readonly [name: string, value: string];

export interface ReofferOptions {
  readonly clock: Clock;
  readonly limitMs: number;
  readonly ackMs: number;
  readonly bounds: SessionBounds;
  /** Our Contact, which a 2xx needs. */
  readonly contact: () => string;
  readonly ask: (offer: string | undefined) => Promise<ReofferAnswer>;
  /** The INVITE that made the dialogue has had its ACK. */
  readonly confirmed: () => boolean;
  /** An offer of ours is out. */
  readonly crossed: () => boolean;
  /** The request was taken, which refreshes the session. Gives fields for the 2xx. */
  readonly taken: (request: SipRequest) => readonly Line[];
  /** The SDP of a 2xx that goes out now. */
  readonly described: (sdp: string) => void;
  readonly free: () => void;
  readonly ackTimeout: () => void;
  readonly fault: (error: unknown) => void;
}

interface Unacknowledged {
  readonly sequence: number;
  readonly limit: Timer;
  readonly answered: ((sdp: string | undefined) => void) | undefined;
}

/** re-INVITEs and UPDATEs of the peer, one at a time (RFC 3261 section 14.2, RFC 3311 section 5.2). */
export class Reoffers {
  readonly #options: ReofferOptions;
  #current: SrfResponse | undefined;
  #limit: Timer | undefined;
  #unacknowledged: Unacknowledged | undefined;

  constructor(options: ReofferOptions) {
    this.#options = options;
  }

  get busy(): boolean {
    return this.#current !== undefined || this.#unacknowledged !== undefined;
  }

  /** `message` is what `request` says. */
  handle(message: SipRequest, request: SrfRequest, response: SrfResponse): void {
    const { bounds, confirmed, crossed } = this.#options;
    const objection = contentObjection(message) ?? intervalObjection(message, bounds);
    if (objection !== undefined) return reply(response, objection);
    const offer = sdpOf(message);
    if (message.method === 'UPDATE' && offer === undefined) {
      // RFC 3311 section 5.1: it refreshes the session timer, and no more.
      reply(response, { status: 200, headers: this.#lines(message) });
    } else if (this.#current !== undefined) {
      reply(response, refusal(500, { retryAfter: retrySeconds() }));
    } else if (!confirmed() || this.#unacknowledged !== undefined || crossed()) {
      reply(response, { status: 491 });
    } else this.#decide(message, request, response, offer);
  }

  /** Whether an ACK with that CSeq is the one that a 200 of ours waits for. */
  acknowledges(sequence: number): boolean {
    return this.#unacknowledged?.sequence === sequence;
  }

  /** That ACK, and the SDP in it. */
  ack(sequence: number, sdp: string | undefined): void {
    const waiting = this.#unacknowledged;
    if (waiting?.sequence !== sequence) return;
    waiting.limit.cancel();
    this.#unacknowledged = undefined;
    waiting.answered?.(sdp);
    this.#options.free();
  }

  /** The dialogue is over: what waits for an answer gets 487 (RFC 3261 section 15.1.2). */
  stop(): void {
    this.#unacknowledged?.limit.cancel();
    this.#unacknowledged = undefined;
    const waiting = this.#current;
    this.#forget();
    if (waiting !== undefined) reply(waiting, { status: 487 });
  }

  #decide(message: SipRequest, request: SrfRequest, response: SrfResponse, offer: string | undefined): void {
    const { clock, limitMs, ask, free, fault } = this.#options;
    this.#current = response;
    const settle = (answer: ReofferAnswer) => {
      if (this.#current !== response) return;
      this.#forget();
      this.#answer(message, response, answer);
    };
    const refuse = () => settle({ status: 500, reason: 'Server Internal Error' });
    this.#limit = clock.timer(limitMs, refuse);
    // The server has answered the CANCEL, and the INVITE with it.
    request.on('cancel', () => {
      if (this.#current !== response) return;
      this.#forget();
      free();
    });
    Promise.resolve()
      .then(() => ask(offer))
      .then(settle)
      .catch((error: unknown) => {
        refuse();
        fault(error);
      });
  }

  #answer(message: SipRequest, response: SrfResponse, answer: ReofferAnswer): void {
    const { clock, ackMs, ackTimeout, described, free } = this.#options;
    if ('status' in answer) {
      reply(response, refusal(answer.status, answer, answer.reason));
      return free();
    }
    const invite = message.method === 'INVITE';
    if (invite) {
      const sequence = sequenceOf(message);
      const limit = clock.timer(ackMs, ackTimeout);
      this.#unacknowledged = { sequence, limit, answered: answer.answered };
    }
    described(answer.sdp);
    answer.sent?.();
    const body = { type: sdpType, text: answer.sdp };
    reply(response, { status: 200, headers: this.#lines(message), body });
    if (!invite) free();
  }

  /** The server does not name the session interval in its 200 inside a dialogue: a strict caller would stop refreshing. */
  #lines(message: SipRequest): Line[] {
    const { contact, taken } = this.#options;
    return [['Contact', contact()], allowLine, supportedLine, ...taken(message)];
  }

  #forget(): void {
    this.#current = undefined;
    this.#limit?.cancel();
    this.#limit = undefined;
  }
}
