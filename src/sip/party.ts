import type { Party, PartyFacts, TransferTarget } from '../call/party.ts';
import { type Ending, type EndingReason, ending, endings, sentence } from '../core/ending.ts';
import { type Failure, fail, ok, type Result } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { SessionDescription } from '../sdp/description.ts';
import type { LocalDescription } from '../sdp/negotiation.ts';
import type { Leg } from '../worker/legs.ts';
import { OfferAnswer, type Proposal } from './offer-answer.ts';
import { referRequest } from './refer-to.ts';
import { refusal, sdpEnding } from './refusals.ts';
import type { Dialogue, HeaderField } from './signalling.ts';

export interface SipPartyParts {
  readonly dialogue: Dialogue;
  readonly leg: Leg;
  readonly facts: PartyFacts;
  /** The offer of the INVITE, already found fit to be answered; absent when the peer wants ours. */
  readonly offer: SessionDescription | undefined;
  /** What our SDP says; its `version` is that of the first description. */
  readonly local: LocalDescription;
  readonly log: Logger;
  /** Header fields that our BYE takes along; asked when it is sent. */
  readonly goodbye?: () => readonly HeaderField[];
}

/** A telephone leg over SIP: one signalling dialogue and one leg, kept in step by offer and answer (RFC 3264). */
export class SipParty implements Party {
  readonly facts: PartyFacts;
  readonly ended: Promise<Ending>;
  readonly #parts: SipPartyParts;
  #settle: (end: Ending) => void = () => undefined;
  #phase: 'early' | 'answered' | 'over' = 'early';
  readonly #session: OfferAnswer;
  /** Our offer, where the INVITE had none. */
  #proposal: Proposal | undefined;

  constructor(parts: SipPartyParts) {
    this.#parts = parts;
    this.#session = new OfferAnswer(parts.local, plan => parts.leg.apply(plan));
    this.facts = parts.facts;
    this.ended = new Promise(resolve => {
      this.#settle = resolve;
    });
    parts.dialogue.onReoffer = async text => this.#session.reoffered(text);
    parts.dialogue.onRefreshed = text => this.#session.refreshed(text);
    parts.dialogue.onInfo = (contentType, body) => this.#info(contentType, body);
    void parts.dialogue.ended.then(end => this.#over(end));
  }

  ring(): void {
    this.#parts.dialogue.ring();
  }

  async accept(): Promise<Result<void, Ending>> {
    const { dialogue } = this.#parts;
    if (this.#phase !== 'early') return fail(await this.ended);
    const described = this.#describe();
    if (!described.ok) return this.#giveUp(endingOf(described.failure));
    this.#phase = 'answered';
    const answered = await dialogue.answer(described.value);
    if (!answered.ok) return this.#giveUp(endingOf(answered.failure));
    // RFC 3261 section 13.2.2.4: where the 200 held the offer, the ACK holds the answer.
    const applied = this.#proposal?.accept(answered.value.ackSdp);
    if (applied?.ok === false) return this.#giveUp(endingOf(applied.failure));
    return ok(undefined);
  }

  /** Keeps the caller on hold, or takes it back; what the caller hears meanwhile is not decided here. */
  async hold(on: boolean): Promise<Result<void>> {
    const proposal = this.#session.propose(on ? 'sendonly' : 'sendrecv');
    if (!proposal.ok) return proposal;
    const answered = await this.#parts.dialogue.reoffer(proposal.value.sdp);
    return answered.ok ? proposal.value.accept(answered.value.sdp) : answered;
  }

  /** Asks the peer's PBX to call the target in our place (REFER). */
  transfer(target: TransferTarget): Promise<Result<void, Ending>> {
    const { dialogue } = this.#parts;
    return dialogue.refer(referRequest(target, dialogue.facts.from.host));
  }

  /** Early media of a call of ours: an answer ahead of the final one, which may still say something else. */
  early(sdp: string): Result<void> {
    return (this.#phase === 'answered' ? this.#proposal?.accept(sdp) : undefined) ?? ok(undefined);
  }

  end(end: Ending): void {
    const { dialogue } = this.#parts;
    if (this.#phase === 'over') return;
    if (this.#phase === 'early') {
      const { status, options } = refusal(end, sentence(end));
      dialogue.reject(status, end, options);
    } else {
      dialogue.hangup(end, this.#parts.goodbye?.());
    }
    this.#over(end);
  }

  #over(end: Ending): void {
    this.#phase = 'over';
    this.#settle(end);
  }

  #giveUp(end: Ending): Result<never, Ending> {
    this.end(end);
    return fail(end);
  }

  /** Our answer to the INVITE's offer, put in force at once so that the way back is open; or our own offer. */
  #describe(): Result<string> {
    const { offer } = this.#parts;
    if (offer !== undefined) return this.#session.answer(offer);
    const proposal = this.#session.propose();
    if (!proposal.ok) return proposal;
    this.#proposal = proposal.value;
    return ok(proposal.value.sdp);
  }

  /** `application/dtmf-relay` names the key as `Signal=5`, `application/dtmf` is the key alone. */
  #info(contentType: string, body: string): boolean {
    const type = contentType.split(';', 1)[0]?.trim().toLowerCase();
    if (type !== 'application/dtmf-relay' && type !== 'application/dtmf') return false;
    const line =
      type === 'application/dtmf' ? body : body.split('\n').find(text => text.trim().startsWith('Signal'));
    const key =
      line
        ?.slice(line.indexOf('=') + 1)
        .trim()
        .toUpperCase() ?? '';
    const digit = key === '10' ? '*' : key === '11' ? '#' : key;
    if (digit.length === 1 && '0123456789*#ABCD'.includes(digit)) this.#parts.leg.digit(digit);
    return true;
  }
}

/** The ending that a failure of answering or of SDP means. */
function endingOf(failure: Failure): Ending {
  if (failure.code === 'cancelled') return ending('caller-cancelled');
  if (failure.code === 'gone') return ending('connection-lost');
  return failure.code in endings ? ending(failure.code as EndingReason) : sdpEnding(failure);
}
