import { Failure, fail, ok, type Result } from '../core/errors.ts';
import type { SessionDescription } from '../sdp/description.ts';
import { noEncryption, offerTrouble } from '../sdp/encryption.ts';
import {
  acceptAnswer,
  answer,
  type LocalDescription,
  offer,
  sameMedia,
  withKeysToOffer,
  withPlan,
} from '../sdp/negotiation.ts';
import { parseSdp } from '../sdp/parser.ts';
import type { Direction, MediaPlan } from '../sdp/plan.ts';
import type { ReofferAnswer } from './signalling.ts';

/** A change of the session that we offer. Until it is accepted the session is what it was. */
export interface Proposal {
  /** The offer, made anew for each sending: while it waited, the peer may have changed the session (RFC 3264 section 8). */
  offer(): string;
  /** Puts the peer's answer to the last one in force. Fails like `acceptAnswer`, and then changes nothing. */
  accept(answer: string | undefined): Result<void>;
}

interface Draft {
  readonly sdp: string;
  /** What our side says once the offer is accepted. */
  readonly local: LocalDescription;
}

/**
 * Offer and answer of one session (RFC 3264): what our descriptions say, which plan follows, and what is in force.
 * A change counts from the moment the peer can know of it; one that was cancelled leaves no trace.
 */
export class OfferAnswer {
  readonly #apply: (plan: MediaPlan) => void;
  readonly #restated: () => void;
  #local: LocalDescription;
  /** The plan, and our description as the peer has it. */
  #session: { readonly plan: MediaPlan; readonly sdp: string } | undefined;
  #version: number;

  /** `restated` is told when the peer says again what is in force. */
  constructor(
    local: LocalDescription,
    apply: (plan: MediaPlan) => void,
    restated: () => void = () => undefined,
  ) {
    this.#local = local;
    this.#version = local.version;
    this.#apply = apply;
    this.#restated = restated;
  }

  get plan(): MediaPlan | undefined {
    return this.#session?.plan;
  }

  /** What our side wants of the session: `sendonly` while it keeps the peer on hold. */
  get direction(): Direction {
    return this.#local.direction ?? 'sendrecv';
  }

  /** Answers the first offer and puts the plan in force. */
  answer(theirs: SessionDescription): Result<string> {
    const negotiated = answer(theirs, this.#local);
    if (!negotiated.ok) return negotiated;
    const { plan, sdp, shape } = negotiated.value;
    this.#settle({ ...this.#local, shape }, plan, sdp);
    return ok(sdp);
  }

  /** Offers the whole list, first of all or inside the session. `direction` is what we want from then on. */
  propose(direction?: Direction): Result<Proposal> {
    const trouble = this.#trouble();
    if (trouble !== undefined) return fail(trouble);
    let draft: Draft | undefined;
    return ok({
      offer: () => {
        draft = this.#draft(direction);
        this.#version = draft.local.version;
        return draft.sdp;
      },
      accept: text => this.#accept(draft, text),
    });
  }

  /** What the peer gets for a re-INVITE or UPDATE; undefined asks for our offer. */
  reoffered(text: string | undefined): ReofferAnswer {
    return text === undefined ? this.#offerAnew() : this.#answerAnew(text);
  }

  /** The peer's answer to a refresh that repeated our description: it may have moved. */
  refreshed(text: string): void {
    const current = this.#session;
    const parsed = parseSdp(text);
    if (current === undefined || !parsed.ok) return;
    const { encryption = noEncryption } = this.#local;
    const offered = encryption.inUse === undefined ? [] : [encryption.inUse.send];
    const plan = acceptAnswer({ ...this.#local, encryption: { ...encryption, offered } }, parsed.value);
    if (!plan.ok) return;
    if (sameMedia(current.plan, plan.value)) this.#restated();
    else this.#settle(this.#local, plan.value, current.sdp);
  }

  /** RFC 6337 section 5.2.5: an INVITE without an offer gets everything that we can, not only what is in use. */
  #offerAnew(): ReofferAnswer {
    const trouble = this.#trouble();
    if (trouble !== undefined) return unacceptable(trouble);
    const draft = this.#draft(undefined);
    return {
      sdp: draft.sdp,
      sent: () => {
        this.#version = draft.local.version;
      },
      // An ACK whose answer cannot be used leaves the session as it was.
      answered: text => void this.#accept(draft, text),
    };
  }

  #trouble(): Failure | undefined {
    return offerTrouble(this.#local.encryption ?? noEncryption);
  }

  #draft(direction: Direction = this.direction): Draft {
    const same = withKeysToOffer({ ...this.#local, version: this.#version, direction });
    const unchanged = this.#session === undefined || offer(same) === this.#session.sdp;
    const local = unchanged ? same : { ...same, version: this.#version + 1 };
    return { sdp: offer(local), local };
  }

  #accept(draft: Draft | undefined, text: string | undefined): Result<void> {
    if (draft === undefined || text === undefined)
      return fail(new Failure('bad-offer', 'the peer gave no answer to our offer'));
    const parsed = parseSdp(text);
    if (!parsed.ok) return parsed;
    const plan = acceptAnswer(draft.local, parsed.value);
    if (plan.ok) this.#settle(draft.local, plan.value, draft.sdp);
    return plan.ok ? ok(undefined) : plan;
  }

  #answerAnew(text: string): ReofferAnswer {
    const parsed = parseSdp(text);
    if (!parsed.ok) return unacceptable(parsed.failure);
    const current = this.#session;
    const local = { ...this.#local, version: this.#version + 1 };
    const changed = answer(parsed.value, local);
    if (!changed.ok) return unacceptable(changed.failure);
    const { plan, sdp, shape } = changed.value;
    if (current !== undefined && withoutOrigin(current.sdp) === withoutOrigin(sdp)) {
      // RFC 3264 section 8: what we say is what it was, so it is said with the same version.
      if (sameMedia(current.plan, plan)) {
        this.#restated();
        return { sdp: current.sdp };
      }
      return { sdp: current.sdp, sent: () => this.#settle({ ...this.#local, shape }, plan, current.sdp) };
    }
    return {
      sdp,
      sent: () => {
        this.#version = local.version;
        this.#settle({ ...local, shape }, plan, sdp);
      },
    };
  }

  /** Keys in force stay for as long as the peer's do, so that a re-offer which changes nothing changes nothing. */
  #settle(local: LocalDescription, plan: MediaPlan, sdp: string): void {
    this.#session = { plan, sdp };
    this.#local = withPlan(local, plan);
    this.#apply(plan);
  }
}

function withoutOrigin(sdp: string): string {
  return sdp.replace(/^o=.*$/m, '');
}

function unacceptable(failure: Failure): ReofferAnswer {
  return { status: 488, reason: 'Not Acceptable Here', warning: failure.message };
}
