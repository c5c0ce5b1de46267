import type { Clock } from '../../../core/clock.ts';
import { type Ending, ending } from '../../../core/ending.ts';
import { Failure, fail, ok, type Result } from '../../../core/errors.ts';
import type { HeaderField, ReferRequest, ReofferAnswer } from '../../signalling.ts';
import type { StackLimits } from '../limits.ts';
import type { Headers } from '../message/headers.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import type { TransactionLayer } from '../transaction/layer.ts';
import type { ServerTransaction } from '../transaction/server.ts';
import type { Connection } from '../transport/connection.ts';
import { allowLine, supportedLine } from './capabilities.ts';
import { sdpOf } from './content.ts';
import { OwnReoffers } from './own-reoffers.ts';
import type { DialogPath } from './path.ts';
import { type PeerAbilities, readAbilities } from './peer.ts';
import { Refers } from './refers.ts';
import { Reoffers, type Standing } from './reoffers.ts';
import {
  answerLines,
  intervalObjection,
  readSessionWish,
  termsOfRequest,
  termsOfResponse,
} from './session-expires.ts';
import { SessionUpkeep } from './session-upkeep.ts';

type Line = readonly [name: string, value: string];

export interface DialogSessionOptions {
  readonly clock: Clock;
  readonly limits: StackLimits;
  readonly layer: TransactionLayer;
  readonly path: DialogPath;
  /** The connection that the dialogue uses by now. */
  readonly connection: () => Connection;
  /** The dialogue is one that we began. */
  readonly ownsCallId: boolean;
  /** Of the peer's INVITE, or of its 2xx to ours. */
  readonly peer: Headers;
  readonly ask: (offer: string | undefined) => Promise<ReofferAnswer>;
  readonly refreshed: (sdp: string) => void;
  /** The session cannot go on: hang up. */
  readonly over: (end: Ending) => void;
  readonly fault: (error: unknown) => void;
}

/**
 * What keeps the session of a dialogue up and lets it change, on either side: the peer's re-offers, ours, and the
 * session timer that both of them refresh.
 */
export class DialogSession {
  readonly #options: DialogSessionOptions;
  readonly #theirs: Reoffers;
  readonly #ours: OwnReoffers;
  readonly #upkeep: SessionUpkeep;
  readonly #refers: Refers;
  #peer: PeerAbilities;
  #confirmed = false;
  /** Our SDP that is in force. */
  #sdp: string | undefined;

  constructor(options: DialogSessionOptions) {
    this.#options = options;
    const { clock, limits, layer, path, connection, ownsCallId } = options;
    this.#peer = readAbilities(options.peer);
    this.#upkeep = new SessionUpkeep({
      clock,
      bounds: limits,
      refresh: () => this.#refresh(),
      expired: () => options.over(ending('session-expired')),
    });
    this.#theirs = new Reoffers({
      clock,
      limitMs: limits.reofferMs,
      contact: path.contact,
      ask: options.ask,
      crossed: () => this.#ours.pending,
      objection: request => intervalObjection(request, limits),
      taken: request => this.#taken(request),
      described: sdp => {
        this.#sdp = sdp;
      },
      free: () => this.#free(),
      resend: bytes => void connection().send(bytes),
      ackTimeout: () => options.over(ending('ack-timeout')),
      fault: options.fault,
    });
    this.#ours = new OwnReoffers({
      clock,
      layer,
      path,
      limitMs: limits.ownReofferMs,
      connection,
      ownsCallId,
      busy: () => !this.#confirmed || this.#theirs.busy,
      lines: () => this.#requestLines(),
      tooSmall: response => this.#upkeep.raise(response.headers),
      accepted: response => this.#upkeep.accepted(response.headers),
      dead: () => options.over(ending('connection-lost', 'the peer does not know the call any more')),
    });
    this.#refers = new Refers({
      clock,
      layer,
      path,
      limitMs: limits.referMs,
      connection,
      lines: () => asFields([['Contact', path.contact], allowLine, supportedLine]),
    });
  }

  /** Fields for the 2xx to the peer's INVITE, which starts the session timer. */
  answered(invite: SipRequest, sdp: string): readonly Line[] {
    this.#sdp = sdp;
    const terms = termsOfRequest(readSessionWish(invite.headers), this.#options.limits, undefined);
    this.#upkeep.begin(terms);
    return answerLines(terms);
  }

  /** The peer's 2xx to our INVITE, which had `sdp`; that INVITE's ACK makes the session one. */
  accepted(response: SipResponse, sdp: string): void {
    this.#sdp = sdp;
    this.#peer = readAbilities(response.headers);
    const wish = readSessionWish(response.headers);
    this.#upkeep.begin(termsOfResponse(wish, this.#options.limits, undefined));
    this.confirmed();
  }

  /** The INVITE that made the dialogue is through. */
  confirmed(): void {
    if (this.#confirmed) return;
    this.#confirmed = true;
    this.#free();
  }

  /** A re-INVITE, an UPDATE, or a PRACK with an offer. */
  handle(transaction: ServerTransaction, standing: Standing): void {
    this.#theirs.handle(transaction, standing);
  }

  /** An ACK that is not the first INVITE's. */
  ack(sequence: number, sdp: string | undefined): void {
    this.#theirs.ack(sequence, sdp);
  }

  async reoffer(offer: () => string): Promise<Result<{ readonly sdp: string }>> {
    let sdp = '';
    const outcome = await this.#ours.start('INVITE', () => {
      sdp = offer();
      return sdp;
    });
    if (!outcome.ok) return outcome;
    const answer = sdpOf(outcome.value);
    if (answer === undefined)
      return fail(new Failure('refused', 'the peer took the offer without an answer'));
    this.#sdp = sdp;
    return ok({ sdp: answer });
  }

  /** Asks the peer to call somebody in our place. */
  refer(request: ReferRequest): Promise<Result<void, Ending>> {
    return this.#refers.start(request);
  }

  /** A NOTIFY; false when it belongs to nothing here. */
  notify(transaction: ServerTransaction): boolean {
    return this.#refers.notify(transaction);
  }

  /** The peer hangs up; true when it has been transferred. */
  bye(): boolean {
    return this.#refers.bye();
  }

  /** The dialogue is over. */
  stop(): void {
    this.#refers.stop();
    this.#upkeep.stop();
    this.#ours.stop();
    this.#theirs.stop();
  }

  #free(): void {
    if (this.#confirmed && !this.#theirs.busy) this.#ours.free();
  }

  #taken(request: SipRequest): readonly Line[] {
    this.#options.path.refresh(request);
    if (request.method === 'PRACK') return [];
    if (request.headers.has('Allow')) this.#peer = readAbilities(request.headers);
    return this.#upkeep.taken(request.headers);
  }

  #requestLines(): HeaderField[] {
    const { contact } = this.#options.path;
    return asFields([['Contact', contact], allowLine, supportedLine, ...this.#upkeep.requestLines]);
  }

  /** RFC 4028 section 7.4: UPDATE without SDP where the peer takes it, else a re-INVITE that changes nothing. */
  #refresh(): void {
    const { update } = this.#peer;
    const method = update ? 'UPDATE' : 'INVITE';
    const sent = this.#ours.start(method, () => (update ? undefined : this.#sdp));
    sent
      .then(outcome => {
        if (outcome.ok) {
          const sdp = sdpOf(outcome.value);
          if (!update && sdp !== undefined) this.#options.refreshed(sdp);
          return;
        }
        // Some peers list UPDATE and refuse it.
        if (update && outcome.failure.code === 'refused') this.#peer = { ...this.#peer, update: false };
        this.#upkeep.failed();
      })
      .catch(this.#options.fault);
  }
}

function asFields(lines: readonly Line[]): HeaderField[] {
  return lines.map(([name, value]) => ({ name, value }));
}
