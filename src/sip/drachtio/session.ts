import type { Clock } from '../../core/clock.ts';
import { type Ending, ending } from '../../core/ending.ts';
import type { Result } from '../../core/errors.ts';
import { acceptLine } from '../embedded/dialog/capabilities.ts';
import { contentType, sdpOf } from '../embedded/dialog/content.ts';
import { statedReason } from '../embedded/dialog/reason.ts';
import { referRefusal } from '../embedded/dialog/refer-policy.ts';
import { refusal } from '../embedded/dialog/refusal.ts';
import type { SessionTerms } from '../embedded/dialog/session-expires.ts';
import { SessionUpkeep } from '../embedded/dialog/session-upkeep.ts';
import type { SipRequest } from '../embedded/message/message.ts';
import { RateWindow } from '../embedded/transport/rate.ts';
import type { ReferRequest, ReofferAnswer } from '../signalling.ts';
import { allowLine, capabilityLines, extensionObjection } from './capabilities.ts';
import type { DrachtioLimits } from './limits.ts';
import { readRequest, sequenceOf } from './message.ts';
import { OwnReoffers } from './own-reoffers.ts';
import { Refers } from './refers.ts';
import { Reoffers } from './reoffers.ts';
import { reply } from './reply.ts';
import type { SrfDialog, SrfRequest, SrfResponse } from './srf.ts';

/**
 * When we refresh a session, as a share of its interval: before the server does it by itself, which is five seconds before
 * the half of it at the earliest. The server gives up with the peer's next re-INVITE, and tells nobody what it was answered.
 */
const refreshAt = 1 / 3;

export interface SessionOptions {
  readonly clock: Clock;
  readonly limits: DrachtioLimits;
  readonly dialog: SrfDialog;
  /** The call is one that we began. */
  readonly ownsCallId: boolean;
  /** CSeq of the INVITE, where the peer sent it; 0 before any request of the peer's. */
  readonly sequence: number;
  /** Our SDP, and the session interval, that the INVITE and its 200 have come to. */
  readonly sdp: string;
  readonly terms: SessionTerms | undefined;
  readonly confirmed: () => boolean;
  readonly ask: (offer: string | undefined) => Promise<ReofferAnswer>;
  readonly info: (contentType: string, body: string) => boolean;
  /** A refresh of ours has gone through, with this answer of the peer. */
  readonly refreshed: (sdp: string) => void;
  /** An ACK that is not one of a re-INVITE. */
  readonly onAck: (sdp: string | undefined) => void;
  readonly onBye: (end: Ending) => void;
  /** The call cannot go on: hang up. */
  readonly over: (end: Ending) => void;
  readonly heard: (raw: string) => void;
  readonly fault: (error: unknown) => void;
}

/** Requests inside a dialogue, as the package tells them, whichever side began it. */
export class Session {
  readonly #options: SessionOptions;
  readonly #theirs: Reoffers;
  readonly #ours: OwnReoffers;
  readonly #refers: Refers;
  readonly #upkeep: SessionUpkeep;
  readonly #rate: RateWindow;
  /** Highest CSeq of the peer that has come. */
  #sequence: number;
  #over = false;
  /** Our SDP that is in force. */
  #sdp: string;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { clock, limits, dialog, ownsCallId, confirmed, over, fault } = options;
    this.#rate = new RateWindow(clock, 1_000);
    this.#sequence = options.sequence;
    this.#sdp = options.sdp;
    this.#upkeep = new SessionUpkeep({
      clock,
      bounds: limits,
      refreshAt,
      refresh: () => this.#refresh(),
      expired: () => over(ending('session-expired')),
    });
    this.#theirs = new Reoffers({
      clock,
      limitMs: limits.reofferMs,
      ackMs: limits.ackMs,
      bounds: limits,
      contact: () => dialog.local.contact,
      ask: options.ask,
      confirmed,
      crossed: () => this.#ours.pending,
      taken: message => this.#upkeep.taken(message.headers),
      described: sdp => {
        this.#sdp = sdp;
      },
      free: () => this.free(),
      ackTimeout: () => over(ending('ack-timeout')),
      fault,
    });
    const asked = { clock, dialog: () => dialog };
    this.#ours = new OwnReoffers({
      ...asked,
      limitMs: limits.ownReofferMs,
      ownsCallId,
      busy: () => !confirmed() || this.#theirs.busy,
      lines: () => this.#upkeep.requestLines,
      tooSmall: headers => this.#upkeep.raise(headers),
      accepted: headers => this.#upkeep.accepted(headers),
      dead: () => over(ending('connection-lost', 'the peer does not know the call any more')),
    });
    this.#refers = new Refers({ ...asked, limitMs: limits.referMs });
    this.#upkeep.begin(options.terms);
    this.#listen(dialog);
  }

  async reoffer(offer: () => string): Promise<Result<{ readonly sdp: string }>> {
    let sdp = '';
    const outcome = await this.#ours.start(() => {
      sdp = offer();
      return sdp;
    });
    if (outcome.ok) this.#sdp = sdp;
    return outcome;
  }

  refer(request: ReferRequest): Promise<Result<void, Ending>> {
    return this.#refers.start(request);
  }

  /** Nothing of the peer's stands in the way of a request of ours any more, as far as the caller knows. */
  free(): void {
    if (this.#options.confirmed() && !this.#theirs.busy) this.#ours.free();
  }

  stop(): void {
    this.#over = true;
    this.#refers.stop();
    this.#upkeep.stop();
    this.#ours.stop();
    this.#theirs.stop();
  }

  /** A re-INVITE that changes nothing: to the answer of an UPDATE the server would not listen. */
  #refresh(): void {
    this.#ours
      .start(() => this.#sdp)
      .then(outcome => {
        if (outcome.ok) this.#options.refreshed(outcome.value.sdp);
        else this.#upkeep.failed();
      })
      .catch(this.#options.fault);
  }

  #listen(dialog: SrfDialog): void {
    const { fault, heard, onBye } = this.#options;
    const guarded =
      <Rest extends readonly unknown[]>(work: (...rest: Rest) => void) =>
      (...rest: Rest) => {
        try {
          work(...rest);
        } catch (error) {
          fault(error);
        }
      };
    dialog.on(
      'ack',
      guarded(ack => this.#ack(ack)),
    );
    dialog.on(
      'destroy',
      guarded((bye, reason) => {
        heard(bye.raw);
        onBye(bye.meta.source === 'application' ? serverEnding(reason) : this.#byeEnding(bye));
      }),
    );
    const serve = guarded((request: SrfRequest, response: SrfResponse) => this.#serve(request, response));
    // The package tells of an ACK a turn later than of a re-INVITE that comes right behind it, which has to wait its turn.
    dialog.on('modify', (request, response) => void setImmediate(serve, request, response));
    for (const event of ['update', 'info', 'refer', 'notify', 'options', 'message'] as const) {
      dialog.on(event, serve);
    }
  }

  #byeEnding(bye: SrfRequest): Ending {
    const message = readRequest(bye.raw);
    const cause = message.ok ? statedReason(message.value.headers) : undefined;
    if (this.#refers.bye()) return ending('transferred', cause);
    return ending(this.#options.ownsCallId ? 'callee-hung-up' : 'caller-hung-up', cause);
  }

  #ack(ack: SrfRequest): void {
    this.#options.heard(ack.raw);
    const message = readRequest(ack.raw);
    if (!message.ok) return;
    const sdp = sdpOf(message.value);
    const sequence = sequenceOf(message.value);
    if (!this.#theirs.acknowledges(sequence)) this.#options.onAck(sdp);
    else this.#theirs.ack(sequence, sdp);
  }

  #serve(request: SrfRequest, response: SrfResponse): void {
    this.#options.heard(request.raw);
    // RFC 3261 section 15.1.2: a BYE has overtaken it.
    if (this.#over) return reply(response, { status: 487 });
    const message = readRequest(request.raw);
    if (!message.ok) return reply(response, { status: 400, reason: message.failure.reason });
    if (this.#rate.count() > this.#options.limits.dialogRequestsPerSecond) {
      return reply(response, refusal(500, { retryAfter: 1 }));
    }
    // RFC 3261 section 12.2.2, which the server does not look at.
    const sequence = sequenceOf(message.value);
    if (sequence < this.#sequence) return reply(response, { status: 500 });
    this.#sequence = sequence;
    const objection = extensionObjection(message.value);
    if (objection !== undefined) return reply(response, objection.answer);
    this.#dispatch(message.value, request, response);
  }

  #dispatch(message: SipRequest, request: SrfRequest, response: SrfResponse): void {
    switch (message.method) {
      case 'INVITE':
      case 'UPDATE':
        return this.#theirs.handle(message, request, response);
      case 'INFO': {
        const { headers, body } = message;
        const taken = body.length === 0 || this.#options.info(contentType(headers), body.toString('utf8'));
        return reply(response, taken ? { status: 200 } : { status: 415, headers: [acceptLine] });
      }
      case 'NOTIFY':
        return reply(response, { status: this.#refers.notify(message) });
      case 'REFER':
        return reply(response, referRefusal(message, 603));
      case 'OPTIONS':
        return reply(response, { status: 200, headers: capabilityLines });
      default:
        return reply(response, { status: 405, headers: [allowLine] });
    }
  }
}

/** Why the server has hung up by itself, in its words. */
function serverEnding(reason: string): Ending {
  if (/ack timeout/i.test(reason)) return ending('ack-timeout');
  if (/session timer/i.test(reason)) return ending('session-expired');
  return ending('connection-lost', 'the drachtio-server hung up');
}
