import { randomBytes } from 'node:crypto';
import type { AgentTickets } from './agent/agent.ts';
import type { ClientData } from './agent/elevenlabs/protocol/client-data.ts';
import type { SecondLeg, SecondLegs } from './call/control.ts';
import { Call, type CallOptions, type Fallback } from './call/controller.ts';
import type { PartyFacts, TransferTarget } from './call/party.ts';
import type { CallRegistry } from './call/registry.ts';
import type { Config } from './config/config.ts';
import { outboundPasswordKey } from './config/outbound.ts';
import type { Clock } from './core/clock.ts';
import { type Ending, ending } from './core/ending.ts';
import { fail, ok, type Result } from './core/errors.ts';
import type { EventSink } from './core/events.ts';
import { type CallKey, type LegId, newCallKey } from './core/ids.ts';
import type { Logger } from './core/logger.ts';
import { maskNumber } from './core/mask.ts';
import type { OutboundLine, OutboundLines } from './outbound-line.ts';
import type { CallRecorder } from './records.ts';
import { parseUri } from './sip/embedded/message/uri.ts';
import { OutboundParty } from './sip/outbound-party.ts';
import type { HeaderField, OutboundOptions, Signalling } from './sip/signalling.ts';
import type { Gates } from './tools/gates.ts';
import type { Toolbox } from './tools/tool.ts';
import { attributeHeaders } from './trunks/attribute-headers.ts';
import { answerChallenge } from './trunks/digest-client.ts';
import type { CallPlaces } from './trunks/limits.ts';
import { canonicalNumber } from './trunks/number.ts';
import type { OutboundTrunk } from './trunks/outbound.ts';
import { outboundHeaders } from './trunks/outbound-headers.ts';
import { dialableNumber } from './trunks/outbound-number.ts';
import type { Expense, Spending } from './trunks/spending.ts';
import { dynamicVariables, identityVariables } from './trunks/variables.ts';
import type { Initiation } from './webhooks/initiation.ts';

export interface OutgoingParts {
  readonly signalling: Pick<Signalling, 'call'>;
  readonly lines: Pick<OutboundLines, 'open'>;
  readonly registry: CallRegistry;
  readonly places: CallPlaces;
  readonly callsPerTrunk: number;
  readonly spending: Pick<Spending, 'begin'>;
  /** Whether the operator has stopped whatever costs money. */
  readonly gates: Gates;
  /** What is configured now. */
  readonly config: () => Config;
  /** Country of numbers without one in calls from a number of ours; undefined where it has none of its own. */
  readonly countryOf: (trunk: string, number: string) => string | undefined;
  readonly tickets: AgentTickets;
  readonly initiation: Pick<Initiation, 'brief'>;
  readonly toolbox: Toolbox;
  readonly second: SecondLegs;
  /** Where the caller goes who has no agent any more: an entry of `transfers` by its name. */
  readonly fallback: (name: string, facts: PartyFacts) => Fallback | undefined;
  readonly options: () => CallOptions;
  /** Why no call may begin now. */
  readonly busy?: (trunk: string) => Ending | undefined;
  /** What only the agent of that call gets, as variables. */
  readonly agentSecrets: (call: CallKey) => Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventSink;
  readonly recorder: Pick<CallRecorder, 'begin' | 'follow'>;
}

/** What is asked for when a call is placed. */
export interface OutgoingRequest {
  /** Name of the trunk. */
  readonly trunk: string;
  /** E.164. */
  readonly to: string;
  /** Default: `from` of the trunk, else the name it knows us by. */
  readonly from?: string;
  readonly agentId: string;
  readonly variables?: Readonly<Record<string, string>>;
  /** What the conversation begins with. With it, or with variables, the initiation webhook is not asked. */
  readonly clientData?: ClientData;
  /** How long it may ring; default: that of the trunk. */
  readonly ringSeconds?: number;
  /** Header fields of the INVITE on top of those of the trunk. */
  readonly headers?: Readonly<Record<string, string>>;
}

const noTrunk = ending('trunk-unreachable', 'there is no trunk of that name with an outbound_trunk_config');

/** Who calls where there is neither a number nor a user name. */
const nobody = 'anonymous';

/** The way from a wish to call somebody to a call. What can be refused is refused before a port is taken or anybody rings. */
export class OutgoingCalls {
  readonly #parts: OutgoingParts;

  constructor(parts: OutgoingParts) {
    this.#parts = parts;
  }

  /** Places a call; it is on its way when this settles, and its outcome is that of `Call.ended`. */
  place(request: OutgoingRequest): Promise<Result<Call, Ending>> {
    return this.#told(request.trunk, this.#place(request));
  }

  async #place(request: OutgoingRequest): Promise<Result<Call, Ending>> {
    const stopped = await this.#stopped();
    if (stopped !== undefined) return fail(stopped);
    const trunk = outboundTrunk(this.#parts.config(), request.trunk);
    if (trunk === undefined) return fail(noTrunk);
    const from = callerOf(request, trunk);
    const country =
      this.#parts.countryOf(trunk.name, from) ?? countryOver(this.#parts.config(), request.trunk);
    const number = dialableNumber(
      country === undefined ? request.to : canonicalNumber(request.to, country),
      trunk,
    );
    if (!number.ok) return number;
    const headers = outboundHeaders({ ...asRecord(trunk.headers), ...request.headers });
    if (!headers.ok) return fail(ending('bad-request', headers.failure.message));
    const busy = this.#parts.busy?.(trunk.name);
    if (busy !== undefined) return fail(busy);
    const reserved = await this.#reserve(trunk, this.#parts.registry.reserve());
    if (!reserved.ok) return reserved;
    const connected = await this.#connect(
      { request, trunk, country, expense: reserved.value },
      { to: number.value, from, headers: headers.value },
    );
    if (!connected.ok) this.#release(trunk.name, reserved.value);
    return connected;
  }

  /**
   * A telephone that a caller is to be connected with, and a leg for it near that of the call. Its place is given back
   * when it is over. Neither the kill switch nor draining matters: both let calls go on that are up, and this is what becomes
   * of one.
   */
  open(target: TransferTarget, call: CallKey, near: LegId): Promise<Result<SecondLeg, Ending>> {
    return this.#told(target.trunk ?? '', this.#open(target, call, near));
  }

  async #open(target: TransferTarget, call: CallKey, near: LegId): Promise<Result<SecondLeg, Ending>> {
    const trunk = outboundTrunk(this.#parts.config(), target.trunk ?? '');
    if (trunk === undefined) return fail(noTrunk);
    const place = placeOf(target, trunk);
    if (!place.ok) return place;
    const uui = target.userToUser === undefined ? {} : { 'User-to-User': target.userToUser };
    const headers = outboundHeaders({ ...asRecord(trunk.headers), ...asRecord(target.headers), ...uui });
    if (!headers.ok) return fail(ending('bad-request', headers.failure.message));
    const reserved = await this.#reserve(trunk, this.#parts.registry.reserveSecond());
    if (!reserved.ok) return reserved;
    const expense = reserved.value;
    const line = await this.#parts.lines.open(trunk, call, near);
    if (!line.ok) {
      this.#release(trunk.name, expense);
      return line;
    }
    const { leg, route, local } = line.value;
    const { user, host } = place.value;
    const options = {
      ...inviteOptions(
        trunk,
        { to: user, from: callerOf({}, trunk), headers: headers.value },
        this.#parts.options().ringMs,
      ),
      ...(host === undefined ? {} : { host }),
    };
    const { signalling, log } = this.#parts;
    const party: OutboundParty = new OutboundParty({
      signalling,
      route,
      options,
      leg,
      local,
      facts: factsOf(trunk, options, {}),
      log: log.with({ call }),
      answered: () => expense.answered(end => party.end(end)),
    });
    void party.ended.then(() => this.#release(trunk.name, expense));
    return ok({ party, leg });
  }

  async #connect(
    wished: Pick<Placed, 'request' | 'trunk' | 'country' | 'expense'>,
    named: Pick<OutboundOptions, 'to' | 'from' | 'headers'>,
  ): Promise<Result<Call, Ending>> {
    const { trunk, request } = wished;
    const key = newCallKey();
    const line = await this.#parts.lines.open(trunk, key);
    if (!line.ok) return line;
    const { ringSeconds = trunk.ringSeconds } = request;
    const ringing = ringSeconds === undefined ? trunk : { ...trunk, ringSeconds };
    const options = inviteOptions(ringing, named, this.#parts.options().ringMs);
    return ok(this.#begin({ key, options, ...wished, ...line.value }));
  }

  #begin(placed: Placed): Call {
    const { signalling, log, events, registry, tickets, initiation, toolbox, clock } = this.#parts;
    const { key, request, trunk, country, route, leg, local, options, expense } = placed;
    const facts = {
      ...factsOf(trunk, options, request.variables ?? {}),
      ...(country === undefined ? {} : { country }),
    };
    const variables = dynamicVariables(facts);
    this.#parts.recorder.begin({
      key,
      direction: 'outbound',
      agentId: request.agentId,
      trunk: trunk.name,
      transport: route[0]?.transport ?? 'unknown',
      sipCallId: options.callId,
      callId: facts.callId,
      callerId: facts.callerId,
      calledNumber: facts.calledNumber,
      callerTrusted: facts.callerTrusted,
      variables,
    });
    events.emit({
      type: 'call-placed',
      call: key,
      sipCallId: options.callId,
      caller: maskNumber(options.from),
      called: maskNumber(options.to),
      trunk: trunk.name,
    });
    const callLog = log.with({ call: key });
    // What is known only later, for the headers of our BYE.
    const learned: Record<string, string> = {};
    const goodbye = () => attributeHeaders(trunk.attributesToHeaders, { ...variables, ...learned });
    const own = this.#parts.options();
    const { fallback } = own.survival;
    const party: OutboundParty = new OutboundParty({
      signalling,
      route,
      options,
      leg,
      facts,
      local,
      log: callLog,
      goodbye,
      answered: () => expense.answered(end => party.end(end)),
    });
    void party.ended.then(() => expense.over());
    const call = new Call({
      key,
      party,
      leg,
      agentId: request.agentId,
      variables,
      briefing: () =>
        initiation.brief({
          call: key,
          agentId: request.agentId,
          direction: 'outbound',
          facts,
          identity: identityVariables(facts),
          ...(request.clientData === undefined ? {} : { standing: request.clientData }),
          ...(hasData(request) ? { policy: 'off' } : {}),
          log: callLog,
        }),
      agentSecrets: this.#parts.agentSecrets(key),
      learned: (name, value) => {
        learned[name] = value;
      },
      tickets,
      toolbox,
      second: this.#parts.second,
      ...(fallback === undefined ? {} : { fallback: this.#parts.fallback(fallback, facts) }),
      options: own,
      clock,
      log: callLog,
      events,
    });
    registry.add(call);
    this.#parts.recorder.follow(call);
    void call.ended.then(() => this.#parts.places.release(trunk.name));
    call.begin();
    return call;
  }

  async #stopped(): Promise<Ending | undefined> {
    try {
      return (await this.#parts.gates.read()).killSwitch ? ending('switched-off') : undefined;
    } catch {
      return ending('switched-off', 'the store is down, so nobody knows whether it is');
    }
  }

  /** A call that is not placed is counted, and told of. */
  async #told<T>(trunk: string, placing: Promise<Result<T, Ending>>): Promise<Result<T, Ending>> {
    const placed = await placing;
    if (!placed.ok) this.#parts.events.emit({ type: 'call-not-placed', trunk, end: placed.failure });
    return placed;
  }

  /**
   * Takes a place among the calls of the trunk, and what the trunk may still be used for. `full` says why there was no place
   * among all calls; one that was taken is given back when the rest is not to be had.
   */
  async #reserve(trunk: OutboundTrunk, full: Ending | undefined): Promise<Result<Expense, Ending>> {
    const { registry, places, callsPerTrunk, config, spending } = this.#parts;
    const { name } = trunk;
    if (full !== undefined) return fail(full);
    const most = config().trunks.find(each => each.name === name)?.limits.calls ?? callsPerTrunk;
    if (!places.take(name, most)) {
      registry.release();
      return fail(ending('over-capacity', `limits.calls of trunk ${name} is ${most}`));
    }
    const expense = await spending.begin(trunk);
    if (!expense.ok) this.#release(name);
    return expense;
  }

  #release(name: string, expense?: Expense): void {
    expense?.over();
    this.#parts.registry.release();
    this.#parts.places.release(name);
  }
}

interface Placed extends OutboundLine {
  readonly key: ReturnType<typeof newCallKey>;
  readonly request: OutgoingRequest;
  readonly trunk: OutboundTrunk;
  /** Of numbers without one in the call. */
  readonly country: string | undefined;
  readonly options: OutboundOptions & { readonly callId: string };
  readonly expense: Expense;
}

/** The way out over a trunk of the configuration; undefined when it has none. */
export function outboundTrunk({ trunks, secrets }: Config, name: string): OutboundTrunk | undefined {
  const found = trunks.find(trunk => trunk.name === name);
  if (found?.outbound === undefined) return undefined;
  const { username, realm, ...outbound } = found.outbound;
  const password = secrets.trunkPasswords.get(outboundPasswordKey(name));
  const credentials =
    username === undefined || password === undefined
      ? {}
      : { credentials: { username, password, ...(realm === undefined ? {} : { realm }) } };
  const { attributesToHeaders, tones } = found;
  return {
    name,
    ...outbound,
    ...credentials,
    attributesToHeaders,
    ...(tones === undefined ? {} : { tones }),
  };
}

/** Country of numbers without one in calls over a trunk. */
function countryOver({ trunks, tools }: Config, name: string): string | undefined {
  return trunks.find(trunk => trunk.name === name)?.defaultCountry ?? tools.defaultCountry;
}

function factsOf(
  trunk: OutboundTrunk,
  options: OutboundOptions & { readonly callId: string },
  variables: Readonly<Record<string, string>>,
): PartyFacts {
  return {
    callId: options.callId,
    callerId: options.from,
    calledNumber: options.to,
    // The number was given to us; that the person who answers owns it, nobody has said.
    callerTrusted: false,
    trunk: trunk.name,
    variables,
  };
}

/** Whom the INVITE names; the host is that of the trunk unless the target has its own. */
function placeOf(
  { destination }: TransferTarget,
  trunk: OutboundTrunk,
): Result<{ readonly user: string; readonly host?: string }, Ending> {
  if (destination.kind === 'phone') {
    const number = dialableNumber(destination.number, trunk);
    return number.ok ? ok({ user: number.value }) : number;
  }
  const uri = parseUri(destination.uri);
  if (uri === undefined) return fail(ending('transfer-failed', 'the SIP URI cannot be read'));
  const literal = uri.host.includes(':') ? `[${uri.host}]` : uri.host;
  return ok({ user: uri.user, host: uri.port === undefined ? literal : `${literal}:${uri.port}` });
}

/** The host of a trunk as a URI names it. */
export function hostOf({ host, port }: OutboundTrunk): string {
  const literal = host.includes(':') ? `[${host}]` : host;
  return port === undefined ? literal : `${literal}:${port}`;
}

/** Who calls: the number that was asked for, that of the trunk, or the name it knows us by. */
const callerOf = ({ from }: Pick<OutgoingRequest, 'from'>, trunk: OutboundTrunk): string =>
  from ?? trunk.from ?? trunk.credentials?.username ?? nobody;

function inviteOptions(
  trunk: OutboundTrunk,
  named: Pick<OutboundOptions, 'to' | 'from' | 'headers'>,
  ringMs: number,
): OutboundOptions & { readonly callId: string } {
  const { credentials } = trunk;
  return {
    trunk: trunk.name,
    callId: randomBytes(16).toString('hex'),
    ...named,
    host: hostOf(trunk),
    ringMs: trunk.ringSeconds === undefined ? ringMs : trunk.ringSeconds * 1_000,
    ...(credentials === undefined ? {} : { authorize: challenge => answerChallenge(challenge, credentials) }),
  };
}

/** As at ElevenLabs: who gave data for the conversation is not asked for more. */
const hasData = ({ clientData, variables }: OutgoingRequest): boolean =>
  clientData !== undefined || Object.keys(variables ?? {}).length > 0;

const asRecord = (fields: readonly HeaderField[]): Record<string, string> =>
  Object.fromEntries(fields.map(({ name, value }) => [name, value]));
