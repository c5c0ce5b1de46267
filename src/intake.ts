import { randomInt } from 'node:crypto';
import type { AgentTickets } from './agent/agent.ts';
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
import { answer, type LocalDescription } from './sdp/negotiation.ts';
import { parseSdp } from './sdp/parser.ts';
import { codecNames } from './sdp/plan.ts';
import { SipParty } from './sip/party.ts';
import { refusal, sdpEnding } from './sip/refusals.ts';
import type { Dialogue, Source } from './sip/signalling.ts';
import type { Toolbox } from './tools/tool.ts';
import { identify } from './trunks/identity.ts';
import type { Routing, Trunk } from './trunks/routing.ts';
import { dynamicVariables } from './trunks/variables.ts';
import type { Legs } from './worker/legs.ts';

export interface IntakeParts {
  readonly legs: Legs;
  readonly registry: CallRegistry;
  readonly routing: Routing;
  /** Our address as that peer must be told it. */
  readonly advertised: (source: Source) => string;
  readonly tickets: AgentTickets;
  readonly toolbox: Toolbox;
  readonly options: CallOptions;
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
  readonly agentId: string;
  readonly offer: SessionDescription | undefined;
  readonly local: Omit<LocalDescription, 'rtpPort'>;
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
    const full = this.#parts.registry.reserve();
    if (full !== undefined) return this.#refuse(dialogue, full);
    void this.#connect(admitted);
  };

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  #admit(dialogue: Dialogue): Admitted | Ending {
    const { routing, defaultCountry } = this.#parts;
    const { facts } = dialogue;
    const trunk = routing.trunk(facts.source.address);
    if (trunk === undefined) return ending('source-not-allowed');
    const { party, dropped } = this.#identify(dialogue, trunk, defaultCountry);
    const agentId = routing.agent(trunk, party.calledNumber);
    if (agentId === undefined) return ending('number-not-found');
    const local = this.#local(facts.source);
    if (facts.offer === undefined) {
      return { dialogue, facts: party, dropped, agentId, offer: undefined, local };
    }
    const offer = parseSdp(facts.offer);
    if (!offer.ok) return sdpEnding(offer.failure);
    // Tried with a port that is never used: what cannot be answered is refused before a port is taken.
    const fits = answer(offer.value, { ...local, rtpPort: 9 });
    if (!fits.ok) return sdpEnding(fits.failure);
    return { dialogue, facts: party, dropped, agentId, offer: offer.value, local };
  }

  #identify(dialogue: Dialogue, trunk: Trunk, defaultCountry: string | undefined) {
    return identify(dialogue.facts, {
      trusted: trunk.trustIdentity,
      trunk: trunk.name,
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
    const { dialogue, facts, agentId } = admitted;
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
    const opened = await legs.open({ call: key, wire: 'rtp', family: admitted.local.family });
    if (!opened.ok) {
      registry.release();
      return this.#refuse(dialogue, ending(opened.failure.code === 'no-ports' ? 'no-ports' : 'worker-lost'));
    }
    const leg = opened.value;
    const callLog = log.with({ call: key });
    const party = new SipParty({
      dialogue,
      leg,
      facts,
      offer: admitted.offer,
      local: { ...admitted.local, rtpPort: leg.local.rtpPort },
      log: callLog,
    });
    const variables = dynamicVariables(facts);
    const call = new Call({
      key,
      party,
      leg,
      agentId,
      variables,
      tickets,
      toolbox,
      options,
      clock,
      log: callLog,
      events,
    });
    registry.add(call);
    call.begin();
  }

  #refuse(dialogue: Dialogue, end: Ending): void {
    const { status, options } = refusal(end, sentence(end));
    dialogue.reject(status, end, options);
    this.#parts.events.emit({ type: 'invite-refused', status, end, source: dialogue.facts.source.address });
  }
}
