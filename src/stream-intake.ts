import { createHmac, randomBytes } from 'node:crypto';
import type { CallOptions } from './call/controller.ts';
import { ownOptions } from './call/options.ts';
import type { PartyFacts } from './call/party.ts';
import { type Ending, ending } from './core/ending.ts';
import { newCallKey } from './core/ids.ts';
import { streamPath, twilioPaths } from './core/twilio-paths.ts';
import type { TwilioRequest } from './http/twilio.ts';
import {
  type Arrival,
  announceArrival,
  beginCall,
  endWithoutLeg,
  type InboundParts,
  reservePlace,
} from './inbound-call.ts';
import type { VoiceWish } from './menus-room.ts';
import { callerOf, streamTrunk } from './streams/caller.ts';
import { streamLimits } from './streams/limits.ts';
import { fallbackTwiml, StreamParty, type StreamUrls, type VoiceFallback } from './streams/party.ts';
import type { NumberRoute, Routing } from './trunks/routing.ts';
import { Replays } from './twilio/replays.ts';
import { hangUp, redirectTo, rejectCall } from './twilio/twiml.ts';
import type { Leg, LegStream, Legs, StreamDoor, StreamTicket } from './worker/legs.ts';

export interface StreamIntakeParts extends InboundParts {
  readonly legs: Legs;
  readonly routing: () => Routing;
  readonly callsPerTrunk: number;
  readonly options: () => CallOptions;
  /** https, without a slash at its end. */
  readonly publicUrl: string;
  /** Why a new call may not begin now, as this process is too busy. */
  readonly busy: (trunk: string) => Ending | undefined;
  /** What becomes of calls that no agent takes, where their number has no fallback of its own. */
  readonly standingFallback: () => VoiceFallback;
  readonly account: () => string | undefined;
  /** What the voice URL that Twilio was told says of the agent; undefined where the call cannot be what it was to be. */
  readonly wish: (query: URLSearchParams) => Promise<VoiceWish | undefined>;
  /** The signatures that an upgrade to a path may come with. */
  readonly signatures: (path: string) => readonly string[];
  /** Has Twilio end a call. */
  readonly complete: (callSid: string) => void;
}

const callSidShape = /^CA[0-9a-f]{32}$/i;
/** Words of Twilio's for a call that is over. */
const overStatuses: ReadonlySet<string> = new Set(['completed', 'busy', 'failed', 'no-answer', 'canceled']);
/** Words for somebody who was put through and was reached. */
const reached: ReadonlySet<string> = new Set(['completed', 'answered']);

const lost = 'what its conversation was to begin with cannot be read from the store';

/** A call that was made over REST: we are `From`, and whoever answers is not vouched for by anybody. */
const isOutbound = (fields: ReadonlyMap<string, string>): boolean =>
  fields.get('Direction')?.startsWith('outbound') === true;

/** The route of a number with the agent that is wished for; an agent that is named needs no route. */
function agentOf(
  { agentId, clientData }: VoiceWish,
  route: NumberRoute | undefined,
): NumberRoute | undefined {
  if (agentId === undefined) return route;
  // As at ElevenLabs: who gave data for the conversation is not asked for more.
  const data = clientData === undefined ? {} : ({ clientData, initiation: 'off' } as const);
  return { policy: {}, ...route, agentId, ...data };
}

/** The way from a voice webhook of Twilio to a call, and what Twilio asks while that is up. */
export class StreamIntake {
  readonly #parts: StreamIntakeParts;
  readonly #calls = new Map<string, StreamParty>();
  readonly #waiting = new Map<string, StreamDoor>();
  readonly #replays: Replays<Promise<string>>;
  /** What comes after a stream whose call is gone from here. */
  readonly #after: Replays<string>;
  /** Calls whose caller came back from somebody who was not reached. */
  readonly #back: Replays<true>;
  readonly #secret = randomBytes(32);

  constructor(parts: StreamIntakeParts) {
    this.#parts = parts;
    this.#replays = new Replays(parts.clock);
    this.#after = new Replays(parts.clock);
    this.#back = new Replays(parts.clock);
  }

  /** Where the stream that comes under this name is taken; only once. */
  readonly take = (name: string): StreamDoor | undefined => {
    const door = this.#waiting.get(name);
    this.#waiting.delete(name);
    return door;
  };

  /** A call comes in: settles with the TwiML that says what becomes of it. */
  voice({ fields, query }: TwilioRequest): Promise<string> {
    const sid = fields.get('CallSid') ?? '';
    if (!callSidShape.test(sid) || !this.#isOurs(fields)) return Promise.resolve(rejectCall('rejected'));
    return this.#replays.once(`${sid} ${query}`, () => this.#arrive(fields, query));
  }

  /** The stream of a call is over. */
  next({ fields }: TwilioRequest): string {
    const sid = fields.get('CallSid') ?? '';
    const party = this.#calls.get(sid);
    const next = party?.next ?? this.#after.once(sid, hangUp);
    if (overStatuses.has(fields.get('CallStatus') ?? '')) party?.gone();
    return next;
  }

  /** Whoever the caller was put through to is over, or was never reached: then the caller is the agent's again, once. */
  dialled({ fields }: TwilioRequest): string {
    const status = fields.get('DialCallStatus') ?? '';
    if (reached.has(status) || overStatuses.has(fields.get('CallStatus') ?? '')) return hangUp();
    const sid = fields.get('CallSid') ?? '';
    if (this.#back.has(sid)) return hangUp();
    this.#back.set(sid, true);
    this.#parts.log.info('a caller who was put through comes back', { status });
    const again = encodeURIComponent(status.slice(0, 20));
    return redirectTo(`${this.#parts.publicUrl}${twilioPaths.voice}?again=${again}`);
  }

  /** Twilio did not get our TwiML, or cannot read it. */
  fallback({ fields }: TwilioRequest): string {
    const { log } = this.#parts;
    log.error('Twilio asks the fallback URL: the voice webhook failed', { error: fields.get('ErrorCode') });
    const facts = this.#factsOf(fields);
    const route = this.#parts.routing().route(streamTrunk, facts.calledNumber);
    return fallbackTwiml(this.#fallbackOf(route, facts));
  }

  /** A call or a stream is in another state. */
  status({ fields }: TwilioRequest): void {
    const error = fields.get('StreamError');
    if (fields.get('StreamEvent') === 'stream-error')
      this.#parts.log.warn('Twilio reports an error of a media stream', { error: error?.slice(0, 200) });
    if (!overStatuses.has(fields.get('CallStatus') ?? '')) return;
    this.#calls.get(fields.get('CallSid') ?? '')?.gone();
  }

  /** Whether a webhook is of the account that we are connected to, as far as both are known. */
  #isOurs(fields: ReadonlyMap<string, string>): boolean {
    const account = this.#parts.account();
    const given = fields.get('AccountSid');
    return account === undefined || given === undefined || given === account;
  }

  async #arrive(fields: ReadonlyMap<string, string>, query: URLSearchParams): Promise<string> {
    const { legs, log, options, busy, callsPerTrunk } = this.#parts;
    const wish = await this.#parts.wish(query);
    if (wish === undefined) return this.#refuse(ending('internal-error', lost), hangUp());
    const facts = this.#factsOf(fields, query, wish.variables);
    const now = this.#parts.routing();
    const outbound = isOutbound(fields);
    const route = agentOf(wish, now.route(streamTrunk, outbound ? facts.callerId : facts.calledNumber));
    if (route === undefined) return this.#refuse(ending('number-not-found'), rejectCall('rejected'));
    const fallback = this.#fallbackOf(route, facts);
    const trunk = now.trunk(streamTrunk);
    const most = trunk?.limits.calls ?? callsPerTrunk;
    const full = busy(streamTrunk) ?? reservePlace(this.#parts, streamTrunk, most);
    if (full !== undefined)
      return this.#refuse(full, fallback.kind === 'dial' ? fallbackTwiml(fallback) : rejectCall('busy'));
    const arrival: Arrival = {
      key: wish.key ?? newCallKey(),
      facts,
      route,
      direction: outbound ? 'outbound' : 'inbound',
      transport: 'stream',
      sipCallId: facts.callSid ?? '',
      headersDropped: 0,
    };
    announceArrival(this.#parts, arrival);
    const own = ownOptions(options(), route.policy);
    const opened = await legs.open({ call: arrival.key, wire: 'twilio', tones: own.tones ?? 'auto' });
    if (!opened.ok)
      return this.#refuse(endWithoutLeg(this.#parts, arrival, opened.failure), fallbackTwiml(fallback));
    const callLog = log.with({ call: arrival.key });
    void opened.value.stream?.started.then(streamSid =>
      this.#parts.events.emit({ type: 'stream-started', call: arrival.key, streamSid }),
    );
    const party = this.#party(facts, opened.value, fallback);
    this.#keep(facts.callSid ?? '', party);
    const ringMs = Math.min(own.ringMs, streamLimits.answerMs);
    beginCall(this.#parts, arrival, { party, leg: opened.value, options: { ...own, ringMs }, log: callLog });
    return party.answer;
  }

  #party(facts: PartyFacts, leg: Leg, fallback: VoiceFallback): StreamParty {
    const { clock, log, complete } = this.#parts;
    const callSid = facts.callSid ?? '';
    const name = randomBytes(12).toString('hex');
    const worker = leg.stream?.worker;
    const path = streamPath(name, worker);
    return new StreamParty({
      facts,
      leg,
      urls: this.#urls(path),
      fallback,
      admit: stream => this.#admit(name, stream),
      ticket: () => ({
        ...this.#ticket(callSid),
        ...(worker === undefined ? {} : { direct: { name, signatures: this.#parts.signatures(path) } }),
      }),
      complete: () => complete(callSid),
      clock,
      log,
    });
  }

  #admit(name: string, stream: LegStream): () => void {
    this.#waiting.set(name, { port: stream.port, pass: stream.pass });
    return () => void this.#waiting.delete(name);
  }

  #keep(sid: string, party: StreamParty): void {
    this.#calls.set(sid, party);
    void party.ended.then(() => {
      if (this.#calls.get(sid) === party) this.#calls.delete(sid);
      this.#after.set(sid, party.next);
    });
  }

  /** Nobody can make one up: 128 random bits, its call and its time, under a key that only this process knows. */
  #ticket(callSid: string): Pick<StreamTicket, 'text' | 'callSid' | 'forMs'> {
    const body = `${randomBytes(16).toString('base64url')}.${this.#parts.clock.wall() + streamLimits.ticketMs}`;
    const seal = createHmac('sha256', this.#secret).update(`${callSid} ${body}`).digest('base64url');
    return { text: `${body}.${seal}`, callSid, forMs: streamLimits.ticketMs };
  }

  #urls(path: string): StreamUrls {
    const base = this.#parts.publicUrl;
    return {
      media: `${base.replace(/^http/, 'ws')}${path}`,
      next: `${base}${twilioPaths.next}`,
      status: `${base}${twilioPaths.callStatus}`,
      dialled: `${base}${twilioPaths.dialled}`,
    };
  }

  #factsOf(
    fields: ReadonlyMap<string, string>,
    query?: URLSearchParams,
    wished?: VoiceWish['variables'],
  ): PartyFacts {
    const routing = this.#parts.routing();
    const country = routing.countryOf(streamTrunk);
    const first = callerOf(fields, country);
    const ours = isOutbound(fields) ? first.callerId : first.calledNumber;
    const own = routing.entry(streamTrunk, ours)?.defaultCountry ?? country;
    const caller = own === country ? first : callerOf(fields, own);
    const again = query?.get('again') ?? undefined;
    const more = again === undefined ? {} : { transfer_result: again };
    return { ...caller, trunk: streamTrunk, variables: { ...caller.variables, ...wished, ...more } };
  }

  #fallbackOf(route: NumberRoute | undefined, facts: PartyFacts): VoiceFallback {
    const { survival } = ownOptions(this.#parts.options(), route?.policy ?? {});
    const own = survival.fallback === undefined ? undefined : this.#parts.fallback(survival.fallback, facts);
    return own === undefined ? this.#parts.standingFallback() : { kind: 'dial', target: own.target };
  }

  #refuse(end: Ending, twiml: string): string {
    this.#parts.events.emit({ type: 'invite-refused', status: 0, end, source: 'twilio' });
    return twiml;
  }
}
