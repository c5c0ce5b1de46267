import { randomInt } from 'node:crypto';
import type { AgentTickets } from './agent/agent.ts';
import type { SecondLegs } from './call/control.ts';
import { Call, type CallOptions } from './call/controller.ts';
import type { PartyFacts } from './call/party.ts';
import type { CallRegistry } from './call/registry.ts';
import type { Clock } from './core/clock.ts';
import { type Ending, ending, sentence } from './core/ending.ts';
import type { EventSink } from './core/events.ts';
import { newCallKey } from './core/ids.ts';
import type { Logger } from './core/logger.ts';
import { maskNumber } from './core/mask.ts';
import type { SessionDescription } from './sdp/description.ts';
import { type KeysIgnored, type LocalEncryption, offerTrouble } from './sdp/encryption.ts';
import { answer, type LocalDescription } from './sdp/negotiation.ts';
import { parseSdp } from './sdp/parser.ts';
import { codecNames } from './sdp/plan.ts';
import { SipParty } from './sip/party.ts';
import { refusal, sdpEnding } from './sip/refusals.ts';
import type { Dialogue, Source } from './sip/signalling.ts';
import type { Toolbox } from './tools/tool.ts';
import { attributeHeaders } from './trunks/attribute-headers.ts';
import { identify } from './trunks/identity.ts';
import type { CallPlaces } from './trunks/limits.ts';
import type { NumberRoute, Routing, Trunk } from './trunks/routing.ts';
import { dynamicVariables } from './trunks/variables.ts';
import type { Legs } from './worker/legs.ts';

export interface IntakeParts {
  readonly legs: Legs;
  readonly registry: CallRegistry;
  /** Asked for each call: a reload gives another. */
  readonly routing: () => Routing;
  /** Calls at once by trunk. */
  readonly places: CallPlaces;
  /** Calls that a trunk without a limit of its own may have at once. */
  readonly callsPerTrunk: number;
  /** Whether keys for SRTP may travel over signalling without TLS. */
  readonly keysOverCleartext: boolean;
  /** Our address as that peer must be told it. */
  readonly advertised: (source: Source) => string;
  readonly tickets: AgentTickets;
  readonly toolbox: Toolbox;
  readonly second: SecondLegs;
  /** What holds for calls whose number has nothing of its own; asked for each call. */
  readonly options: () => CallOptions;
  readonly defaultCountry: string | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventSink;
}

/** An INVITE that may become a call: who calls, which agent answers, what was offered. */
interface Admitted {
  readonly dialogue: Dialogue;
  readonly facts: PartyFacts;
  readonly dropped: number;
  readonly trunk: Trunk;
  readonly route: NumberRoute;
  readonly offer: SessionDescription | undefined;
  readonly local: Omit<LocalDescription, 'rtpPort'>;
  readonly keysIgnored?: KeysIgnored | undefined;
}

/**
 * The way from an INVITE to a call. Everything that can be refused is refused here, before a port is taken or an
 * agent is dialled, each refusal with its reason.
 */
export class Intake {
  readonly #parts: IntakeParts;
  /** Takes one INVITE; given to the signalling at construction. */
  readonly take = (dialogue: Dialogue): void => {
    const admitted = this.#admit(dialogue);
    if ('reason' in admitted) return this.#refuse(dialogue, admitted);
    const full = this.#reserve(admitted.trunk);
    if (full !== undefined) return this.#refuse(dialogue, full);
    void this.#connect(admitted);
  };

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  #admit(dialogue: Dialogue): Admitted | Ending {
    const { routing, defaultCountry } = this.#parts;
    const { facts } = dialogue;
    const now = routing();
    const trunk = facts.trunk === undefined ? undefined : now.trunk(facts.trunk);
    if (trunk === undefined) return ending('source-not-allowed');
    const { party, dropped } = this.#identify(dialogue, trunk, defaultCountry);
    if (!trunk.callers.allows(party.callerId)) return ending('caller-not-allowed');
    const route = now.route(trunk.name, party.calledNumber);
    if (route === undefined) return ending('number-not-found');
    const encryption = this.#encryption(facts.source, trunk);
    const local = { ...this.#local(facts.source), encryption };
    if (facts.offer === undefined) {
      const trouble = offerTrouble(encryption);
      if (trouble !== undefined) return sdpEnding(trouble);
      return { dialogue, facts: party, dropped, trunk, route, offer: undefined, local };
    }
    const offer = parseSdp(facts.offer);
    if (!offer.ok) return sdpEnding(offer.failure);
    // Tried with a port that is never used: what cannot be answered is refused before a port is taken.
    const fits = answer(offer.value, { ...local, rtpPort: 9 });
    if (!fits.ok) return sdpEnding(fits.failure);
    const { keysIgnored } = fits.value;
    return { dialogue, facts: party, dropped, trunk, route, offer: offer.value, local, keysIgnored };
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
      headersToAttributes: trunk.headersToAttributes,
      ...(defaultCountry === undefined ? {} : { defaultCountry }),
    });
  }

  #local(source: Source): Omit<LocalDescription, 'rtpPort'> {
    const address = this.#parts.advertised(source);
    return {
      address,
      family: address.includes(':') ? 6 : 4,
      sessionId: randomInt(1, 2 ** 47),
      version: 1,
      codecs: codecNames,
    };
  }

  async #connect(admitted: Admitted): Promise<void> {
    const { registry, legs, log, events, clock, tickets, toolbox, options } = this.#parts;
    const { dialogue, facts, trunk, route } = admitted;
    const key = newCallKey();
    events.emit({
      type: 'call-arrived',
      call: key,
      sipCallId: dialogue.facts.sipCallId,
      callId: facts.callId,
      caller: maskNumber(facts.callerId),
      called: maskNumber(facts.calledNumber),
      trunk: facts.trunk,
      headersDropped: admitted.dropped,
    });
    if (admitted.keysIgnored !== undefined) {
      events.emit({ type: 'keys-ignored', call: key, cause: admitted.keysIgnored });
    }
    const opened = await legs.open({
      call: key,
      wire: 'rtp',
      family: admitted.local.family,
      secureOnly: trunk.mediaEncryption === 'required',
    });
    if (!opened.ok) {
      registry.release();
      this.#parts.places.release(trunk.name);
      return this.#refuse(dialogue, ending(opened.failure.code === 'no-ports' ? 'no-ports' : 'worker-lost'));
    }
    const leg = opened.value;
    const callLog = log.with({ call: key });
    const variables = dynamicVariables(facts);
    // What is known only later, for the headers of our BYE.
    const learned: Record<string, string> = {};
    const party = new SipParty({
      dialogue,
      leg,
      facts,
      offer: admitted.offer,
      goodbye: () => attributeHeaders(trunk.attributesToHeaders, { ...variables, ...learned }),
      local: { ...admitted.local, rtpPort: leg.local.rtpPort },
      log: callLog,
    });
    const call = new Call({
      key,
      party,
      leg,
      agentId: route.agentId,
      variables,
      learned: (name, value) => {
        learned[name] = value;
      },
      tickets,
      toolbox,
      second: this.#parts.second,
      options: { ...options(), ...route.policy },
      clock,
      log: callLog,
      events,
    });
    registry.add(call);
    void call.ended.then(() => this.#parts.places.release(trunk.name));
    call.begin();
  }

  /** Takes a place among all calls and among those of the trunk; undefined when both were free. */
  #reserve(trunk: Trunk): Ending | undefined {
    const { registry, places, callsPerTrunk } = this.#parts;
    const full = registry.reserve();
    if (full !== undefined) return full;
    const most = trunk.limits.calls ?? callsPerTrunk;
    if (places.take(trunk.name, most)) return undefined;
    registry.release();
    return ending('over-capacity', `limits.calls of trunk ${trunk.name} is ${most}`);
  }

  #refuse(dialogue: Dialogue, end: Ending): void {
    const { status, options } = refusal(end, sentence(end));
    dialogue.reject(status, end, options);
    this.#parts.events.emit({ type: 'invite-refused', status, end, source: dialogue.facts.source.address });
  }
}
