import { randomInt } from 'node:crypto';
import type { Clock } from '../../../core/clock.ts';
import type { SipRequest } from '../message/message.ts';
import type { Answer } from '../transaction/server.ts';
import { Repeater } from './repeater.ts';

export interface ReliableOptions {
  readonly clock: Clock;
  /** CSeq of the INVITE, which RAck repeats. */
  readonly sequence: number;
  /** Sends a provisional response and gives what was written, so that it can be repeated. */
  readonly send: (answer: Answer) => Buffer | undefined;
  readonly resend: (bytes: Buffer) => void;
  /** No PRACK came in 64*T1. */
  readonly gaveUp: () => void;
}

/** Provisional responses that wait while another one is unacknowledged. */
const mostQueued = 4;

/**
 * Provisional responses that the caller acknowledges with PRACK (RFC 3262 section 3): one at a time, repeated with an
 * interval that doubles from T1. They are sent only to callers that require them.
 */
export class ReliableProvisionals {
  readonly #options: ReliableOptions;
  readonly #repeater: Repeater;
  readonly #queue: Answer[] = [];
  #number = randomInt(1, 2 ** 31 - 1);
  #waiting: { readonly number: number; readonly sdp: boolean } | undefined;
  #bytes: Buffer | undefined;
  #exchanged = false;
  #then: (() => void) | undefined;

  constructor(options: ReliableOptions) {
    this.#options = options;
    const again = () => {
      if (this.#bytes !== undefined) options.resend(this.#bytes);
    };
    this.#repeater = new Repeater(options.clock, again, options.gaveUp, Number.POSITIVE_INFINITY);
  }

  /** True once a response with SDP was acknowledged: offer and answer are settled before the 2xx. */
  get exchanged(): boolean {
    return this.#exchanged;
  }

  send(answer: Answer): void {
    if (this.#waiting === undefined) this.#transmit(answer);
    else if (this.#queue.length < mostQueued && this.#queue.at(-1)?.status !== answer.status) {
      this.#queue.push(answer);
    }
  }

  /** Calls `then` when a 2xx may be sent: section 5 wants the PRACK of a response with SDP first. */
  beforeAnswer(then: () => void): void {
    this.#queue.length = 0;
    if (this.#waiting?.sdp === true) this.#then = then;
    else {
      // Section 3: after the final response nothing is repeated any more, but a PRACK for it is still answered.
      this.#repeater.stop();
      then();
    }
  }

  /** Takes a PRACK; false when its RAck names nothing that was sent and not acknowledged yet. */
  acknowledge(prack: SipRequest): boolean {
    const waiting = this.#waiting;
    const [number, sequence, method, ...more] = (prack.headers.get('RAck') ?? '').trim().split(/[ \t]+/);
    const fits =
      waiting !== undefined &&
      number === String(waiting.number) &&
      sequence === String(this.#options.sequence) &&
      method === 'INVITE' &&
      more.length === 0;
    if (!fits) return false;
    this.#repeater.stop();
    this.#waiting = undefined;
    this.#exchanged ||= waiting.sdp;
    return true;
  }

  /** After the PRACK was answered: what had to wait for it goes out. */
  proceed(): void {
    const then = this.#then;
    this.#then = undefined;
    if (then !== undefined) then();
    else {
      const next = this.#queue.shift();
      if (next !== undefined && this.#waiting === undefined) this.#transmit(next);
    }
  }

  stop(): void {
    this.#repeater.stop();
    this.#queue.length = 0;
    this.#then = undefined;
  }

  #transmit(answer: Answer): void {
    this.#waiting = { number: this.#number, sdp: answer.body !== undefined };
    const lines = [['Require', '100rel'] as const, ['RSeq', String(this.#number)] as const];
    this.#number++;
    this.#bytes = this.#options.send({ ...answer, headers: [...(answer.headers ?? []), ...lines] });
    this.#repeater.start();
  }
}
