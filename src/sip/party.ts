import type { Party, PartyFacts } from '../call/party.ts';
import { type Ending, type EndingReason, ending, endings, sentence } from '../core/ending.ts';
import { type Failure, fail, ok, type Result } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { SessionDescription } from '../sdp/description.ts';
import { acceptAnswer, answer, type LocalDescription, offer, sameMedia } from '../sdp/negotiation.ts';
import { parseSdp } from '../sdp/parser.ts';
import type { MediaPlan } from '../sdp/plan.ts';
import type { Leg } from '../worker/legs.ts';
import { refusal, sdpEnding } from './refusals.ts';
import type { Dialogue, ReofferAnswer } from './signalling.ts';

export interface SipPartyParts {
  readonly dialogue: Dialogue;
  readonly leg: Leg;
  readonly facts: PartyFacts;
  /** The offer of the INVITE, already found fit to be answered; absent when the peer wants ours. */
  readonly offer: SessionDescription | undefined;
  /** What our SDP says; its `version` is that of the first description. */
  readonly local: LocalDescription;
  readonly log: Logger;
}

/** A telephone leg over SIP: one signalling dialogue and one leg, kept in step by offer and answer (RFC 3264). */
export class SipParty implements Party {
  readonly facts: PartyFacts;
  readonly ended: Promise<Ending>;
  readonly #parts: SipPartyParts;
  #settle: (end: Ending) => void = () => undefined;
  #phase: 'early' | 'answered' | 'over' = 'early';
  #local: LocalDescription;
  /** What is in force: the plan and our description of it. */
  #session: { readonly plan: MediaPlan; readonly sdp: string } | undefined;

  constructor(parts: SipPartyParts) {
    this.#parts = parts;
    this.#local = parts.local;
    this.facts = parts.facts;
    this.ended = new Promise(resolve => {
      this.#settle = resolve;
    });
    parts.dialogue.onReoffer = async text => this.#reoffer(text);
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
    if (this.#session === undefined) {
      const applied = this.#applyAckAnswer(answered.value.ackSdp);
      if (!applied.ok) return this.#giveUp(endingOf(applied.failure));
    }
    return ok(undefined);
  }

  end(end: Ending): void {
    const { dialogue } = this.#parts;
    if (this.#phase === 'over') return;
    if (this.#phase === 'early') {
      const { status, options } = refusal(end, sentence(end));
      dialogue.reject(status, end, options);
    } else {
      dialogue.hangup(end);
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
    const { offer: offered } = this.#parts;
    if (offered === undefined) return ok(offer(this.#local));
    const negotiated = answer(offered, this.#local);
    if (!negotiated.ok) return negotiated;
    this.#apply(negotiated.value.plan, negotiated.value.sdp);
    return ok(negotiated.value.sdp);
  }

  /** RFC 3261 section 13.2.2.4: where the 200 held the offer, the ACK holds the answer. */
  #applyAckAnswer(text: string | undefined): Result<void> {
    const parsed = parseSdp(text ?? '');
    if (!parsed.ok) return parsed;
    const plan = acceptAnswer(this.#local, parsed.value);
    if (!plan.ok) return plan;
    this.#apply(plan.value, offer(this.#local));
    return ok(undefined);
  }

  #apply(plan: MediaPlan, sdp: string): void {
    this.#session = { plan, sdp };
    this.#parts.leg.apply(plan);
  }

  #reoffer(text: string | undefined): ReofferAnswer {
    // An INVITE without SDP inside of a dialogue asks for a whole new offer, which this backend cannot follow up yet.
    if (text === undefined)
      return { status: 488, reason: 'Not Acceptable Here', warning: 'a re-INVITE needs an offer' };
    const parsed = parseSdp(text);
    if (!parsed.ok) return unacceptable(parsed.failure);
    const current = this.#session;
    const same = answer(parsed.value, this.#local);
    if (!same.ok) return unacceptable(same.failure);
    // RFC 3264 section 8: an offer that changes nothing gets the description that is in force, version and all.
    if (current !== undefined && sameMedia(current.plan, same.value.plan)) return { sdp: current.sdp };
    this.#local = { ...this.#local, version: this.#local.version + 1 };
    const changed = answer(parsed.value, this.#local);
    if (!changed.ok) return unacceptable(changed.failure);
    this.#apply(changed.value.plan, changed.value.sdp);
    return { sdp: changed.value.sdp };
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

function unacceptable(failure: Failure): ReofferAnswer {
  return { status: 488, reason: 'Not Acceptable Here', warning: failure.message };
}
