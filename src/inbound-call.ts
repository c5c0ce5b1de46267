import type { AgentTickets } from './agent/agent.ts';
import type { SecondLegs } from './call/control.ts';
import { Call, type CallOptions, type Fallback } from './call/controller.ts';
import type { Party, PartyFacts } from './call/party.ts';
import type { CallRegistry } from './call/registry.ts';
import type { Clock } from './core/clock.ts';
import { type Ending, ending } from './core/ending.ts';
import type { Failure } from './core/errors.ts';
import type { EventSink } from './core/events.ts';
import type { CallKey } from './core/ids.ts';
import { legEnding } from './core/leg-ending.ts';
import { noLegStats } from './core/leg-stats.ts';
import type { Logger } from './core/logger.ts';
import { maskNumber } from './core/mask.ts';
import type { CallRecorder } from './records.ts';
import type { CallTransport } from './store/record.ts';
import type { Toolbox } from './tools/tool.ts';
import type { CallPlaces } from './trunks/limits.ts';
import type { NumberRoute } from './trunks/routing.ts';
import { dynamicVariables, identityVariables } from './trunks/variables.ts';
import type { Initiation } from './webhooks/initiation.ts';
import type { Leg } from './worker/legs.ts';

/** What every call that comes in is made with, over whatever wire. */
export interface InboundParts {
  readonly registry: CallRegistry;
  /** Calls at once by trunk. */
  readonly places: CallPlaces;
  readonly tickets: AgentTickets;
  readonly initiation: Pick<Initiation, 'brief'>;
  readonly toolbox: Toolbox;
  readonly second: SecondLegs;
  /** Where the caller goes who has no agent any more: an entry of `transfers` by its name. */
  readonly fallback: (name: string, facts: PartyFacts) => Fallback | undefined;
  /** What only the agent of that call gets, as variables. */
  readonly agentSecrets: (call: CallKey) => Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventSink;
  readonly recorder: Pick<CallRecorder, 'begin' | 'follow'>;
}

/** A call that has arrived: who calls whom, over what, and which agent answers. */
export interface Arrival {
  readonly key: CallKey;
  readonly facts: PartyFacts;
  readonly route: NumberRoute;
  /** Who has called whom; inbound unless given. */
  readonly direction?: 'inbound' | 'outbound';
  readonly transport: CallTransport;
  readonly sipCallId: string;
  readonly headersDropped: number;
}

/** Takes a place among all calls and among the `most` of the trunk; undefined when both were free. */
export function reservePlace(
  { registry, places }: Pick<InboundParts, 'registry' | 'places'>,
  trunk: string,
  most: number,
): Ending | undefined {
  const full = registry.reserve();
  if (full !== undefined) return full;
  if (places.take(trunk, most)) return undefined;
  registry.release();
  return ending('over-capacity', `limits.calls of trunk ${trunk} is ${most}`);
}

/** From here on the call is seen: in the log, in the numbers, and as a record. */
export function announceArrival({ events, recorder }: InboundParts, arrival: Arrival): void {
  const { key, facts, route, transport, sipCallId, headersDropped } = arrival;
  const { callId, callSid, callerId, calledNumber, callerTrusted, trunk } = facts;
  events.emit({
    type: 'call-arrived',
    call: key,
    sipCallId,
    callId,
    caller: maskNumber(callerId),
    called: maskNumber(calledNumber),
    trunk,
    headersDropped,
  });
  recorder.begin({
    key,
    direction: arrival.direction ?? 'inbound',
    agentId: route.agentId,
    trunk,
    transport,
    sipCallId,
    callId,
    ...(callSid === undefined ? {} : { callSid }),
    callerId,
    calledNumber,
    callerTrusted,
    variables: dynamicVariables(facts),
  });
}

/** No leg could be opened: the call has arrived, so it has to end; gauges and whoever counts calls go by that. */
export function endWithoutLeg(
  { registry, places, events }: InboundParts,
  { key, facts }: Arrival,
  failure: Failure,
): Ending {
  registry.release();
  places.release(facts.trunk);
  const end = legEnding(failure);
  events.emit({ type: 'call-ended', call: key, end, answered: false, seconds: 0, stats: noLegStats });
  return end;
}

/** Makes the call of a party and its leg, and lets it run. */
export function beginCall(
  parts: InboundParts,
  { key, facts, route, direction = 'inbound' }: Arrival,
  made: {
    readonly party: Party;
    readonly leg: Leg;
    readonly options: CallOptions;
    readonly log: Logger;
    readonly learned?: (name: string, value: string) => void;
  },
): void {
  const { registry, recorder, places, initiation, fallback } = parts;
  const { party, leg, options, log, learned } = made;
  const { survival } = options;
  const call = new Call({
    key,
    party,
    leg,
    agentId: route.agentId,
    variables: dynamicVariables(facts),
    briefing: () =>
      initiation.brief({
        call: key,
        agentId: route.agentId,
        direction,
        facts,
        identity: identityVariables(facts),
        ...(route.clientData === undefined ? {} : { standing: route.clientData }),
        ...(route.initiation === undefined ? {} : { policy: route.initiation }),
        log,
      }),
    agentSecrets: parts.agentSecrets(key),
    ...(learned === undefined ? {} : { learned }),
    tickets: parts.tickets,
    toolbox: parts.toolbox,
    second: parts.second,
    ...(survival.fallback === undefined ? {} : { fallback: fallback(survival.fallback, facts) }),
    options,
    clock: parts.clock,
    log,
    events: parts.events,
  });
  registry.add(call);
  recorder.follow(call);
  void call.ended.then(() => places.release(facts.trunk));
  call.begin();
}
