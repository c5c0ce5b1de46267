import { randomInt } from 'node:crypto';
import { TicketAhead } from './agent/elevenlabs/ticket-ahead.ts';
import type { CallOptions } from './call/controller.ts';
import { ownOptions } from './call/options.ts';
import type { PartyFacts } from './call/party.ts';
import { type Ending, ending, sentence } from './core/ending.ts';
import { fail } from './core/errors.ts';
import { newCallKey } from './core/ids.ts';
import {
  type Arrival,
  announceArrival,
  beginCall,
  endWithoutLeg,
  type InboundParts,
  reservePlace,
} from './inbound-call.ts';
import type { SessionDescription } from './sdp/description.ts';
import { type KeysIgnored, type LocalEncryption, offerTrouble } from './sdp/encryption.ts';
import { answerable, type LocalSide } from './sdp/negotiation.ts';
import { parseSdp } from './sdp/parser.ts';
import { codecNames } from './sdp/plan.ts';
import { SipParty } from './sip/party.ts';
import { refusal, sdpEnding } from './sip/refusals.ts';
import type { Dialogue, Replaceable, Source } from './sip/signalling.ts';
import { attributeHeaders } from './trunks/attribute-headers.ts';
import { identify } from './trunks/identity.ts';
import type { NumberRoute, Routing, Trunk } from './trunks/routing.ts';
import { dynamicVariables } from './trunks/variables.ts';
import type { Legs } from './worker/legs.ts';

export interface IntakeParts extends InboundParts {
  readonly legs: Legs;
  /** Asked for each call: a reload gives another. */
  readonly routing: () => Routing;
  /** Calls that a trunk without a limit of its own may have at once. */
  readonly callsPerTrunk: number;
  /** Whether keys for SRTP may travel over signalling without TLS. */
  readonly keysOverCleartext: boolean;
  /** Our address as that peer must be told it. */
  readonly advertised: (source: Source) => string;
  /** What holds for calls whose number has nothing of its own; asked for each call. */
  readonly options: () => CallOptions;
}

/** An INVITE whose caller may call, with what it offers. */
interface Caller {
  readonly dialogue: Dialogue;
  readonly facts: PartyFacts;
  readonly dropped: number;
  readonly trunk: Trunk;
  /** Absent: nobody answers the number. */
  readonly route: NumberRoute | undefined;
  readonly offer: SessionDescription | undefined;
  readonly local: LocalSide;
  readonly keysIgnored?: KeysIgnored | undefined;
}

/** An INVITE that may become a call: who calls, which agent answers, what was offered. */
interface Admitted extends Caller {
  readonly route: NumberRoute;
}

/** What Replaces names is up, and is nothing that anybody may take over. */
const nobodysCall = ending('replaces-nothing');

/**
 * The way from an INVITE to a call. Everything that can be refused is refused here, before a port is taken or an
 * agent is dialled, each refusal with its reason.
 */
export class Intake {
  readonly #parts: IntakeParts;
  /** Takes one INVITE; given to the signalling at construction. */
  readonly take = (dialogue: Dialogue): void => {
    if (dialogue.replaces !== undefined) return void this.#takeOver(dialogue, dialogue.replaces);
    const admitted = this.#admit(dialogue);
    if ('reason' in admitted) return this.#refuse(dialogue, admitted);
    const { trunk } = admitted;
    const full = reservePlace(this.#parts, trunk.name, trunk.limits.calls ?? this.#parts.callsPerTrunk);
    if (full !== undefined) return this.#refuse(dialogue, full);
    this.#connect(admitted);
  };

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  #admit(dialogue: Dialogue): Admitted | Ending {
    const now = this.#parts.routing();
    const party = this.#party(dialogue, now);
    if ('reason' in party) return party;
    const { route } = party;
    if (route === undefined) return ending('number-not-found');
    const described = this.#describe(party);
    return 'reason' in described ? described : { ...described, route };
  }

  /** RFC 3891: the call stays, its telephone is another one from now on. No number is called by that. */
  async #takeOver(dialogue: Dialogue, replaced: Replaceable): Promise<void> {
    const party = this.#party(dialogue, this.#parts.routing());
    const caller = 'reason' in party ? party : this.#describe(party);
    if ('reason' in caller) return this.#refuse(dialogue, caller);
    if (!caller.trunk.trustIdentity) {
      return this.#refuse(dialogue, ending('replaces-refused', 'trust_identity of its trunk is off'));
    }
    const { facts, offer, local } = caller;
    const taken = (await replaced.onReplace?.({ dialogue, facts, offer, local })) ?? fail(nobodysCall);
    // Of a dialogue that was answered nothing is left to refuse.
    if (!taken.ok) this.#refuse(dialogue, taken.failure);
  }

  #party(dialogue: Dialogue, now: Routing): Omit<Caller, 'offer' | 'local'> | Ending {
    const { facts } = dialogue;
    const trunk = facts.trunk === undefined ? undefined : now.trunk(facts.trunk);
    if (trunk === undefined) return ending('source-not-allowed');
    const country = now.countryOf(trunk.name);
    const first = this.#identify(dialogue, trunk, country);
    const route = now.route(trunk.name, first.party.calledNumber);
    // Only now is it known whose number it is: that has the last word on what the others mean.
    const own = route?.defaultCountry ?? country;
    const { party, dropped } = own === country ? first : this.#identify(dialogue, trunk, own);
    if (!trunk.callers.allows(party.callerId)) return ending('caller-not-allowed');
    return { dialogue, facts: party, dropped, trunk, route };
  }

  #describe(party: Omit<Caller, 'offer' | 'local'>): Caller | Ending {
    const { dialogue, trunk } = party;
    const { facts } = dialogue;
    const encryption = this.#encryption(facts.source, trunk);
    const local = { ...this.#local(facts.source), encryption };
    if (facts.offer === undefined) {
      const trouble = offerTrouble(encryption);
      if (trouble !== undefined) return sdpEnding(trouble);
      return { ...party, offer: undefined, local };
    }
    const offer = parseSdp(facts.offer);
    if (!offer.ok) return sdpEnding(offer.failure);
    // What cannot be answered is refused before a port is taken.
    const fits = answerable(offer.value, local);
    if (!fits.ok) return sdpEnding(fits.failure);
    return { ...party, offer: offer.value, local, keysIgnored: fits.value };
  }

  /** RFC 4568 section 7: what encrypts the sound must not itself travel in the clear. */
  #encryption(source: Source, trunk: Trunk): LocalEncryption {
    const keysAllowed = source.transport === 'tls' || this.#parts.keysOverCleartext;
    return { policy: trunk.mediaEncryption, keysAllowed };
  }

  #identify(dialogue: Dialogue, trunk: Trunk, defaultCountry: string | undefined) {
    return identify(dialogue.facts, {
      trusted: trunk.trustIdentity,
      trunk: trunk.name,
      registeredAs: trunk.registeredAs,
      headersToAttributes: trunk.headersToAttributes,
      ...(defaultCountry === undefined ? {} : { defaultCountry }),
    });
  }

  #local(source: Source): LocalSide {
    const address = this.#parts.advertised(source);
    return {
      address,
      family: address.includes(':') ? 6 : 4,
      sessionId: randomInt(1, 2 ** 47),
      version: 1,
      codecs: codecNames,
    };
  }

  #connect(admitted: Admitted): void {
    const { legs, log, events, options } = this.#parts;
    const { dialogue, facts, trunk, route } = admitted;
    const general = options();
    const arrival: Arrival = {
      key: newCallKey(),
      facts,
      route,
      transport: dialogue.facts.source.transport,
      sipCallId: dialogue.facts.sipCallId,
      headersDropped: admitted.dropped,
    };
    announceArrival(this.#parts, arrival);
    const call = arrival.key;
    if (admitted.keysIgnored !== undefined) {
      events.emit({ type: 'keys-ignored', call, cause: admitted.keysIgnored });
    }
    const tickets = new TicketAhead(this.#parts.tickets, route.agentId);
    const begun = legs.begin({
      call,
      wire: 'rtp',
      agentSoon: true,
      family: admitted.local.family,
      secureOnly: trunk.mediaEncryption === 'required',
      tones: route.policy.tones ?? trunk.tones ?? general.tones ?? 'auto',
    });
    if (!begun.ok) return this.#refuse(dialogue, endWithoutLeg(this.#parts, arrival, begun.failure));
    const leg = begun.value;
    const callLog = log.with({ call });
    // What is known only later, for the headers of our BYE.
    const learned: Record<string, string> = {};
    const goodbye = () =>
      attributeHeaders(trunk.attributesToHeaders, { ...dynamicVariables(facts), ...learned });
    const party = new SipParty({
      dialogue,
      leg,
      facts,
      offer: admitted.offer,
      goodbye,
      local: admitted.local,
      log: callLog,
    });
    const parts = { ...this.#parts, tickets };
    beginCall(parts, arrival, {
      party,
      leg,
      options: ownOptions(general, route.policy),
      log: callLog,
      learned: (name, value) => {
        learned[name] = value;
      },
    });
  }

  #refuse(dialogue: Dialogue, end: Ending): void {
    const { status, options } = refusal(end, sentence(end));
    dialogue.reject(status, end, options);
    const { source, sipCallId } = dialogue.facts;
    this.#parts.events.emit({ type: 'invite-refused', status, end, source: source.address, sipCallId });
  }
}
