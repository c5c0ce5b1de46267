import type { Ending } from '../../../core/ending.ts';
import type { Result } from '../../../core/errors.ts';
import type { ReferRequest } from '../../signalling.ts';
import { parseCSeq } from '../message/cseq.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import type { ServerTransaction } from '../transaction/server.ts';
import { RateWindow } from '../transport/rate.ts';
import { sdpOf } from './content.ts';
import { refusal } from './refusal.ts';
import { serve } from './requests.ts';
import { DialogSession, type DialogSessionOptions } from './session.ts';

export interface ConfirmedOptions extends Omit<DialogSessionOptions, 'ownsCallId' | 'peer'> {
  /** The 2xx, and the offer of the INVITE that it answers. */
  readonly response: SipResponse;
  readonly offer: string;
  readonly info: (contentType: string, body: string) => boolean;
}

/** The dialogue that an answered call of ours is in: what its peer asks, and what we ask of it. */
export class Confirmed {
  readonly #options: ConfirmedOptions;
  readonly #session: DialogSession;
  readonly #rate: RateWindow;

  constructor(options: ConfirmedOptions) {
    const { response, offer, info: _info, ...rest } = options;
    this.#options = options;
    this.#rate = new RateWindow(options.clock, 1_000);
    this.#session = new DialogSession({ ...rest, ownsCallId: true, peer: response.headers });
    this.#session.accepted(response, offer);
  }

  /** Serves a request, unless it is a BYE: that is for the call. `up` is false while our own BYE is out. */
  serve(transaction: ServerTransaction, up: boolean): 'served' | 'bye' {
    const { request } = transaction;
    const { path, limits, info } = this.#options;
    const order = path.sequence(request);
    if (order !== 'new') {
      // RFC 3261 section 12.2.2 for a lower number; the same one is a copy that came another way.
      transaction.respond({ status: order === 'old' ? 500 : 482 });
    } else if (request.method === 'BYE') return 'bye';
    else if (!up) transaction.respond({ status: 481 });
    else if (this.#rate.count() > limits.dialogRequestsPerSecond) {
      transaction.respond(refusal(500, { retryAfter: 1 }));
    } else {
      // No reliable provisional response of ours is out: a PRACK acknowledges nothing.
      serve(transaction, {
        session: this.#session,
        standing: 'confirmed',
        prack: () => false,
        onInfo: info,
      });
    }
    return 'served';
  }

  ack(ack: SipRequest): void {
    const sequence = parseCSeq(ack.headers.get('CSeq') ?? '')?.number;
    if (sequence !== undefined) this.#session.ack(sequence, sdpOf(ack));
  }

  reoffer(offer: () => string): Promise<Result<{ readonly sdp: string }>> {
    return this.#session.reoffer(offer);
  }

  refer(request: ReferRequest): Promise<Result<void, Ending>> {
    return this.#session.refer(request);
  }

  /** The peer hangs up; true when it has been transferred. */
  bye(): boolean {
    return this.#session.bye();
  }

  stop(): void {
    this.#session.stop();
  }
}
