import type { Party, PartyFacts, TransferTarget } from '../call/party.ts';
import { type Ending, type EndingReason, ending, endings, sentence } from '../core/ending.ts';
import { Failure, fail, ok, type Result } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { SessionDescription } from '../sdp/description.ts';
import type { LocalSide } from '../sdp/negotiation.ts';
import type { MediaPlan } from '../sdp/plan.ts';
import type { Leg } from '../worker/legs.ts';
import { infoDigit } from './info-digit.ts';
import { OfferAnswer, type Proposal } from './offer-answer.ts';
import { placeOf, referRequest } from './refer-to.ts';
import { refusal, sdpEnding } from './refusals.ts';
import type { Dialogue, HeaderField, Replacement } from './signalling.ts';

export interface SipPartyParts {
  readonly dialogue: Dialogue;
  readonly leg: Leg;
  readonly facts: PartyFacts;
  /** The offer of the INVITE, already found fit to be answered; absent when the peer wants ours. */
  readonly offer: SessionDescription | undefined;
  /** What our SDP says besides the port of the leg; its `version` is that of the first description. */
  readonly local: LocalSide;
  readonly log: Logger;
  /** Header fields that our BYE takes along; asked when it is sent. */
  readonly goodbye?: () => readonly HeaderField[];
}

/** One dialogue and the session that was agreed in it. */
interface Line {
  readonly dialogue: Dialogue;
  readonly session: OfferAnswer;
  /** Puts a plan in force, as long as the leg obeys this dialogue. */
  readonly apply: (plan: MediaPlan) => void;
  ended?: Ending;
}

/**
 * A telephone leg over SIP: one signalling dialogue and one leg, kept in step by offer and answer (RFC 3264). Another
 * dialogue may take the place of the first (RFC 3891): the leg, and the agent on it, stay.
 */
export class SipParty implements Party {
  readonly ended: Promise<Ending>;
  onReplaced?: (sipCallId: string) => void;
  readonly #parts: SipPartyParts;
  #facts: PartyFacts;
  #settle: (end: Ending) => void = () => undefined;
  #phase: 'early' | 'answered' | 'over' = 'early';
  #line: Line;
  /** The dialogue that is just taking the place of the other: the leg obeys it already. */
  #next: Line | undefined;
  /** Our offer, where the INVITE had none. */
  #proposal: Proposal | undefined;

  constructor(parts: SipPartyParts) {
    this.#parts = parts;
    this.#facts = parts.facts;
    this.ended = new Promise(resolve => {
      this.#settle = resolve;
    });
    this.#line = this.#wire(parts.dialogue, parts.local);
  }

  get facts(): PartyFacts {
    return this.#facts;
  }

  ring(): void {
    this.#line.dialogue.ring();
  }

  async accept(): Promise<Result<void, Ending>> {
    const { dialogue, session } = this.#line;
    if (this.#phase !== 'early') return fail(await this.ended);
    const described = this.#describe(session, this.#parts.offer);
    if (!described.ok) return this.#giveUp(endingOf(described.failure));
    this.#phase = 'answered';
    this.#proposal = described.value.proposal;
    const answered = await dialogue.answer(described.value.sdp);
    if (!answered.ok) return this.#giveUp(endingOf(answered.failure));
    // RFC 3261 section 13.2.2.4: where the 200 held the offer, the ACK holds the answer.
    const applied = this.#proposal?.accept(answered.value.ackSdp);
    if (applied?.ok === false) return this.#giveUp(answerEnding(applied.failure));
    return ok(undefined);
  }

  /** Keeps the caller on hold, or takes it back; what the caller hears meanwhile is not decided here. */
  async hold(on: boolean): Promise<Result<void>> {
    if (this.#next !== undefined)
      return fail(new Failure('busy', 'another telephone is taking over the call'));
    const { dialogue, session } = this.#line;
    const proposal = session.propose(on ? 'sendonly' : 'sendrecv');
    if (!proposal.ok) return proposal;
    const answered = await dialogue.reoffer(proposal.value.offer);
    return answered.ok ? proposal.value.accept(answered.value.sdp) : answered;
  }

  /** Asks the peer's PBX to call the target in our place (REFER). */
  transfer(target: TransferTarget): Promise<Result<void, Ending>> {
    const { dialogue } = this.#line;
    return dialogue.refer(referRequest(target, placeOf(dialogue.facts)));
  }

  /** Early media of a call of ours: an answer ahead of the final one, which may still say something else. */
  early(sdp: string): Result<void> {
    return (this.#phase === 'answered' ? this.#proposal?.accept(sdp) : undefined) ?? ok(undefined);
  }

  end(end: Ending): void {
    if (this.#phase === 'over') return;
    if (this.#phase === 'early') {
      const { status, options } = refusal(end, sentence(end));
      this.#line.dialogue.reject(status, end, options);
    } else {
      for (const line of [this.#line, this.#next]) line?.dialogue.hangup(end, this.#parts.goodbye?.());
    }
    this.#over(end);
  }

  /** What becomes of the session from now on is said in this dialogue. */
  #wire(dialogue: Dialogue, local: LocalSide): Line {
    const { leg } = this.#parts;
    const signallingAddress = dialogue.facts.source.address;
    let session: OfferAnswer | undefined;
    const obeyed = () => (this.#next ?? this.#line) === line;
    const line: Line = {
      dialogue,
      apply: plan => {
        if (obeyed()) leg.apply({ ...plan, signallingAddress });
      },
      // Made when there is something to be said: by then the leg is open, and has a port.
      get session() {
        session ??= new OfferAnswer({ ...local, rtpPort: leg.local.rtpPort }, line.apply, () => {
          if (obeyed()) leg.reapply();
        });
        return session;
      },
    };
    dialogue.onReoffer = async text => line.session.reoffered(text);
    dialogue.onRefreshed = text => line.session.refreshed(text);
    dialogue.onInfo = (contentType, body) => this.#info(contentType, body);
    dialogue.onReplace = by => this.#replace(by);
    // As the media timeout watches it: RTP has to come for as long as both sides send.
    dialogue.outlives = () => this.#phase === 'answered' && session?.plan?.direction === 'sendrecv';
    void dialogue.ended.then(end => {
      line.ended = end;
      if (line === this.#line && this.#next === undefined) this.#over(end);
    });
    return line;
  }

  /** RFC 3891 section 3: the new dialogue is answered, and then the old one is hung up. */
  async #replace(by: Replacement): Promise<Result<void, Ending>> {
    const { local } = this.#parts;
    const refused = (why: string) => fail(ending('replaces-refused', why));
    if (this.#phase !== 'answered' || this.#next !== undefined)
      return refused('the call is just changing hands');
    // The ports of the leg are of one family.
    if (by.local.family !== local.family) return refused('the call is of the other IP version');
    const old = this.#line;
    const { direction } = old.session;
    const next = this.#wire(by.dialogue, { ...by.local, direction });
    this.#next = next;
    const described = this.#describe(next.session, by.offer);
    if (!described.ok) {
      this.#takeBack(old);
      return fail(sdpEnding(described.failure));
    }
    const { sdp, proposal } = described.value;
    const answered = await by.dialogue.answer(sdp);
    const applied = answered.ok ? (proposal?.accept(answered.value.ackSdp) ?? answered) : answered;
    if (!applied.ok) {
      by.dialogue.hangup(endingOf(applied.failure));
      this.#takeBack(old);
      return fail(endingOf(applied.failure));
    }
    if (this.#isOver()) return fail(await this.ended);
    this.#line = next;
    this.#next = undefined;
    this.#facts = { ...by.facts, callId: this.#facts.callId };
    old.dialogue.hangup(ending('replaced'));
    if (next.ended === undefined) this.onReplaced?.(by.dialogue.facts.sipCallId);
    else this.#over(next.ended);
    return ok(undefined);
  }

  /** The call goes on in its old dialogue, unless that has gone meanwhile. */
  #takeBack(old: Line): void {
    this.#next = undefined;
    if (old.ended !== undefined) this.#over(old.ended);
    else if (old.session.plan !== undefined && !this.#isOver()) old.apply(old.session.plan);
  }

  /** Asked after waiting, in which anything may have happened. */
  #isOver(): boolean {
    return this.#phase === 'over';
  }

  #over(end: Ending): void {
    this.#phase = 'over';
    this.#settle(end);
  }

  /** What ended the call already goes before what came of that. */
  async #giveUp(end: Ending): Promise<Result<never, Ending>> {
    this.end(end);
    return fail(await this.ended);
  }

  /** Our answer to the INVITE's offer, put in force at once so that the way back is open; or our own offer. */
  #describe(
    session: OfferAnswer,
    offer: SessionDescription | undefined,
  ): Result<{ readonly sdp: string; readonly proposal?: Proposal }> {
    if (offer !== undefined) {
      const answer = session.answer(offer);
      return answer.ok ? ok({ sdp: answer.value }) : answer;
    }
    const proposal = session.propose();
    return proposal.ok ? ok({ sdp: proposal.value.offer(), proposal: proposal.value }) : proposal;
  }

  #info(contentType: string, body: string): boolean {
    const digit = infoDigit(contentType, body);
    if (digit === undefined) return false;
    if (digit !== '') this.#parts.leg.digit(digit);
    return true;
  }
}

/** The ending that a failure of answering or of SDP means. */
function endingOf(failure: Failure): Ending {
  if (failure.code === 'cancelled') return ending('caller-cancelled');
  if (failure.code === 'gone') return ending('connection-lost');
  return failure.code in endings ? ending(failure.code as EndingReason) : sdpEnding(failure);
}

/** The ending that an answer to our offer means which cannot be used: the peer's doing, whoever called. */
function answerEnding(failure: Failure): Ending {
  const end = sdpEnding(failure);
  return end.reason === 'encryption-required' ? end : ending('answer-unusable', failure.message);
}
