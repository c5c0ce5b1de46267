import type { Party, PartyFacts, TransferTarget } from '../call/party.ts';
import { deferred } from '../core/deferred.ts';
import { type Ending, ending, sentence } from '../core/ending.ts';
import { Failure, fail, ok, type Result } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { LocalSide } from '../sdp/negotiation.ts';
import type { Leg } from '../worker/legs.ts';
import { SipParty } from './party.ts';
import type {
  Dialogue,
  HeaderField,
  InviteFacts,
  NextHop,
  OutboundDialogue,
  OutboundOptions,
  ReferRequest,
  Signalling,
} from './signalling.ts';

export interface OutboundPartyParts {
  readonly signalling: Pick<Signalling, 'call'>;
  /** Where the trunk is; never empty. */
  readonly route: readonly NextHop[];
  readonly options: OutboundOptions;
  readonly leg: Leg;
  readonly facts: PartyFacts;
  readonly local: LocalSide;
  readonly log: Logger;
  readonly goodbye?: () => readonly HeaderField[];
  /** Told when it has answered. */
  readonly answered?: () => void;
}

/**
 * A telephone that we call: a SIP party whose offer goes out with the INVITE, and whose answer comes with the 200, or
 * already as early media before it.
 */
export class OutboundParty implements Party {
  readonly ringing: Promise<void>;
  readonly ended: Promise<Ending>;
  onReplaced?: (sipCallId: string) => void;
  readonly #party: SipParty;
  readonly #answered: (() => void) | undefined;

  constructor(parts: OutboundPartyParts) {
    const { leg, facts, local, log, goodbye } = parts;
    const dialling = new Dialling(parts, sdp => {
      const applied = this.#party.early(sdp);
      if (!applied.ok) log.info('early media cannot be used', { why: applied.failure.message });
    });
    this.#answered = parts.answered;
    this.ringing = dialling.ringing;
    this.#party = new SipParty({
      dialogue: dialling,
      leg,
      facts,
      offer: undefined,
      local,
      log,
      ...(goodbye === undefined ? {} : { goodbye }),
    });
    this.#party.onReplaced = sipCallId => this.onReplaced?.(sipCallId);
    this.ended = this.#party.ended;
  }

  get facts(): PartyFacts {
    return this.#party.facts;
  }

  ring(): void {
    // The telephone rings by itself.
  }

  /** Calls, and settles when it has answered. */
  async accept(): Promise<Result<void, Ending>> {
    const accepted = await this.#party.accept();
    if (accepted.ok) this.#answered?.();
    return accepted;
  }

  end(end: Ending): void {
    this.#party.end(end);
  }

  transfer(target: TransferTarget): Promise<Result<void, Ending>> {
    return this.#party.transfer(target);
  }

  hold(on: boolean): Promise<Result<void>> {
    return this.#party.hold(on);
  }
}

/** A call of ours seen as a dialogue without an offer: its answer to `answer(offer)` is the peer's. */
class Dialling implements Dialogue {
  readonly facts: InviteFacts;
  readonly ringing: Promise<void>;
  readonly ended: Promise<Ending>;
  onReoffer: Dialogue['onReoffer'] = () => Promise.resolve({ status: 488, reason: 'Not Acceptable Here' });
  onRefreshed: Dialogue['onRefreshed'] = () => undefined;
  onInfo: Dialogue['onInfo'] = () => false;
  onReplace?: NonNullable<Dialogue['onReplace']>;
  outlives?: NonNullable<Dialogue['outlives']>;
  readonly #parts: OutboundPartyParts;
  readonly #onEarly: (sdp: string) => void;
  readonly #rings: () => void;
  readonly #end: (end: Ending) => void;
  #call: OutboundDialogue | undefined;
  #early: string | undefined;

  constructor(parts: OutboundPartyParts, onEarly: (sdp: string) => void) {
    this.#parts = parts;
    this.#onEarly = onEarly;
    this.facts = factsOf(parts);
    const ringing = deferred<void>();
    this.ringing = ringing.promise;
    this.#rings = () => ringing.resolve();
    const { promise, resolve } = deferred<Ending>();
    this.ended = promise;
    this.#end = resolve;
  }

  ring(): void {
    // There is nobody to be told: the peer is the one that rings.
  }

  progress(): void {
    // Likewise.
  }

  async answer(sdp: string): Promise<Result<{ readonly ackSdp?: string }>> {
    const { signalling, route, options } = this.#parts;
    const call = signalling.call(route, sdp, options);
    this.#call = call;
    call.onProgress = (_status, early) => this.#progressed(early);
    call.onReoffer = offer => this.onReoffer(offer);
    call.onRefreshed = answer => this.onRefreshed(answer);
    call.onInfo = (type, body) => this.onInfo(type, body);
    call.outlives = () => this.outlives?.() === true;
    if (this.onReplace !== undefined) call.onReplace = this.onReplace;
    void call.ended.then(this.#end);
    const answered = await call.answered;
    if (!answered.ok) {
      // The party is over with the whole ending, before it hears of the failure.
      this.#end(answered.failure);
      return fail(new Failure(answered.failure.reason, sentence(answered.failure)));
    }
    // Some trunks answer the offer only in the 183, although that was not reliable.
    const ackSdp = answered.value.sdp ?? this.#early;
    return ok(ackSdp === undefined ? {} : { ackSdp });
  }

  reject(_status: number, end: Ending): void {
    if (this.#call === undefined) this.#end(end);
    else this.#call.hangup(end);
  }

  hangup(end: Ending, headers?: readonly HeaderField[]): void {
    if (this.#call === undefined) this.#end(end);
    else this.#call.hangup(end, headers);
  }

  reoffer(offer: () => string): Promise<Result<{ readonly sdp: string }>> {
    return (
      this.#call?.reoffer(offer) ??
      Promise.resolve(fail(new Failure('gone', 'the telephone was not called yet')))
    );
  }

  refer(request: ReferRequest): Promise<Result<void, Ending>> {
    return (
      this.#call?.refer(request) ??
      Promise.resolve(fail(ending('transfer-failed', 'the telephone was not called yet')))
    );
  }

  #progressed(early: string | undefined): void {
    this.#rings();
    if (early === undefined || early === this.#early) return;
    this.#early = early;
    this.#onEarly(early);
  }
}

function factsOf({ route, options }: OutboundPartyParts): InviteFacts {
  const [first] = route;
  if (first === undefined) throw new Error('a call without a route');
  return {
    sipCallId: options.callId ?? '',
    source: {
      transport: first.transport,
      address: first.address,
      port: first.port,
      localAddress: '',
    },
    from: { displayName: '', user: options.to, host: options.host },
    to: { displayName: options.displayName ?? '', user: options.from, host: options.host },
    requestUser: options.to,
    headers: [],
  };
}
