import { Access } from './access.ts';
import { composeActions } from './actions-room.ts';
import { OverloadGuard } from './admission.ts';
import { SpareTickets } from './agent/elevenlabs/spare-tickets.ts';
import { TicketOffice } from './agent/elevenlabs/ticket.ts';
import type { SecondLegs } from './call/control.ts';
import type { Call, CallOptions, Fallback } from './call/controller.ts';
import type { PartyFacts, TransferTarget } from './call/party.ts';
import { CallRegistry } from './call/registry.ts';
import { version } from './cli/version.ts';
import type { Config } from './config/config.ts';
import type { LoadedConfig } from './config/load.ts';
import type { Problem } from './config/problem.ts';
import { type Clock, systemClock } from './core/clock.ts';
import type { Ending } from './core/ending.ts';
import type { Result } from './core/errors.ts';
import type { EventSink } from './core/events.ts';
import type { CallKey, LegId } from './core/ids.ts';
import type { Logger } from './core/logger.ts';
import { type OverloadLimits, overloadLimits } from './core/overload.ts';
import { createHttp } from './http/http.ts';
import type { ReloadOutcome } from './http/reload.ts';
import { Intake } from './intake.ts';
import { createEventSink } from './observability/events.ts';
import { createLogger, type RootLogger } from './observability/log.ts';
import { createMetrics, type Metrics } from './observability/metrics.ts';
import { OutboundLines } from './outbound-line.ts';
import { composeOutbound } from './outbound-room.ts';
import { OutgoingCalls, type OutgoingRequest, outboundTrunk } from './outgoing.ts';
import { agentSecretsOf, startPublicHttp } from './public-http.ts';
import { Recordings } from './recordings.ts';
import { CallRecorder, dataKeysOf, gatesOf, openRecords } from './records.ts';
import { Registrations } from './registrations.ts';
import { composeSending } from './sending-room.ts';
import { composeSignalling } from './signalling-room.ts';
import { EmbeddedSignalling } from './sip/embedded/stack.ts';
import { LadderStore } from './sip/ladder.ts';
import { sipMessagesOf } from './sip/ladder-text.ts';
import { Resolver } from './sip/resolver.ts';
import type { ListenAddress, Source } from './sip/signalling.ts';
import { composeStreams } from './streams-room.ts';
import { composeTools } from './tooling.ts';
import { SentMessages } from './tools/messaging/sent-messages.ts';
import { targetOf, wayOf } from './tools/transfer/destination.ts';
import { networkSet } from './trunks/match.ts';
import { Spending } from './trunks/spending.ts';
import { composeTwilio } from './twilio-room.ts';
import { announcer, composeWebhooks } from './webhook-room.ts';
import type { WorkerOptions } from './worker/messages.ts';
import { WorkerPool } from './worker/pool.ts';
import { spawnWorker } from './worker/spawn.ts';

/** What a test may put in the place of the real thing. */
export interface AppParts {
  /** False: trunks that want a registration get none, because another process has it. */
  readonly register?: boolean;
  /** False: Twilio is asked nothing but what calls need. */
  readonly checkTwilio?: boolean;
  readonly clock?: Clock;
  readonly log?: RootLogger;
  /** Reads the configuration again, for a reload. */
  readonly load?: () => Result<LoadedConfig, readonly Problem[]>;
}

/** What is held at this moment; everything is zero when no call is up. For tests of leaks, and for the curious. */
export interface Load {
  readonly calls: number;
  readonly legs: number;
  readonly ports: number;
  readonly workers: number;
  readonly connections: number;
  readonly transactions: number;
  readonly dialogs: number;
  readonly timers: number;
}

/** A running daemon. */
export interface App {
  readonly sip: readonly ListenAddress[];
  readonly http: { readonly address: string; readonly port: number };
  /** Where webhook tools are served; absent when they are not. */
  readonly publicHttp?: { readonly address: string; readonly port: number };
  readonly log: RootLogger;
  load(): Load;
  /** Reads the configuration again and swaps what holds for new calls; a bad one changes nothing. */
  reload(): Promise<ReloadOutcome>;
  /** Calls somebody over a trunk. */
  place(request: OutgoingRequest): Promise<Result<Call, Ending>>;
  /** Refuses new calls, waits for those that are up until the deadline, then ends them. */
  drain(): Promise<void>;
  /** Ends every call that is still up. */
  stopCalls(): void;
  /** Gives everything back, in the reverse order of its making. Calls that are up are ended. */
  close(): Promise<void>;
}

/** How long a used port pair rests before another call gets it, ms. */
const portRestMs = 2000;
/** How long what an ended agent said may go on playing, ms. */
const drainCapMs = 30_000;
/** Largest message taken from the agent, bytes. */
const agentMaxMessageBytes = 16 * 1024 * 1024;
/** How long ElevenLabs may take to hand out a signed URL, ms. */
const ticketTimeoutMs = 5000;
/** How long closing waits for the BYEs of calls that are still up, ms. */
const byeGraceMs = 2000;

/** Composes and starts the daemon. Throws a `Failure` when an address cannot be listened on. */
export async function startApp(config: Config, parts: AppParts = {}): Promise<App> {
  const clock = parts.clock ?? systemClock;
  const log = parts.log ?? createLogger(config.log.level);
  const metrics = createMetrics({ logDropped: () => log.dropped, lags: () => overload.lags });
  const ladders = new LadderStore(clock);
  // The store is asked before there is anything that can be reloaded.
  let configured = () => config;
  const dataKeys = dataKeysOf(config, log);
  const recordings = new Recordings({ config, now: () => configured(), dataKeys, log });
  const store = await openRecords(config, dataKeys, {
    config: () => configured(),
    clock,
    log,
    meters: metrics.store,
    announce: announcer(() => configured()),
    removeRecording: call => recordings.remove(call),
  });
  metrics.store.queue(() => store.outbox.counts(), clock);
  const recorder = new CallRecorder(store.journal, clock);
  const limits = { ...overloadLimits, ...config.sip.limits };
  const overload = new OverloadGuard({ limits, clock, workers: () => pool.lags });
  const events = heardByAll(createEventSink(log, metrics, clock), ladders, recorder, overload);
  await recordings.recover(events);
  const pool = startPool(config, { clock, log, events, metrics, limits });
  await pool.started();
  const registry = new CallRegistry(config.call.maxCalls, clock);
  const access = new Access(config, {
    clock,
    log,
    events,
    metrics,
    setLogLevel(level) {
      log.setLevel(level);
      pool.logLevel(level);
    },
    ...(parts.load === undefined ? {} : { load: parts.load }),
  });
  configured = () => access.config;
  const advertised = advertisedAddress(config);
  const office = new TicketOffice({
    baseUrl: config.elevenlabs.baseUrl,
    apiKey: config.secrets.elevenLabsApiKey,
    timeoutMs: ticketTimeoutMs,
    log,
  });
  const tickets = new SpareTickets(office, clock);
  const webhooks = composeWebhooks(config, () => access.config, { clock, log, events, outbox: store.outbox });
  const twilio = await composeTwilio({
    now: () => access.configured,
    documents: store.documents,
    useNumbers: imported => access.import(imported),
    clock,
    log,
  });
  metrics.twilio.follow(() => twilio.connection.status.state);
  const sentMessages = new SentMessages(clock);
  const sending = composeSending(() => access.config, store, twilio.connection, { clock, log, events });
  const toolbox = composeTools({
    config,
    now: () => access.config,
    store,
    connection: twilio.connection,
    gate: sending.gate,
    sent: sentMessages,
    clock,
  });
  const shared = {
    legs: pool,
    registry,
    places: access.places,
    callsPerTrunk: access.callsPerTrunk,
    keysOverCleartext: config.media.sdesOverCleartext,
    advertised,
    tickets,
    initiation: webhooks.initiation,
    toolbox,
    recorder,
    agentSecrets: agentSecretsOf(config),
    // Calls over trunks need the signalling, which needs what takes calls.
    second: {
      open: (target: TransferTarget, call: CallKey, near: LegId) => outgoing.open(target, call, near),
    } satisfies SecondLegs,
    fallback: (name: string, facts: PartyFacts) => fallbackOf(access.config, name, facts),
    options: () => ({ ...callOptions(access.config), ...recordings.options() }),
    clock,
    log,
    events,
  };
  const inbound = {
    ...shared,
    routing: () => access.gate.routing,
  };
  const streams = composeStreams({
    ...inbound,
    now: () => access.config,
    connection: twilio.connection,
    inboundMessages: store.inboundMessages,
    optOuts: store.optOuts,
    pending: store.pending,
    sent: sentMessages,
    busy: trunk => overload.objection(trunk),
  });
  const lines = new OutboundLines({ ...shared, resolver: new Resolver(clock) });
  const intake = new Intake(inbound);
  const bound: ListenAddress[] = [];
  const signalling = await composeSignalling(config, {
    clock,
    log,
    events,
    access,
    overload,
    contactFor: source => ({
      host: advertised(source),
      port: bound.find(listen => listen.transport === source.transport)?.port ?? 0,
    }),
    wayTo: name => {
      const trunk = outboundTrunk(access.config, name);
      return trunk === undefined ? Promise.resolve([]) : lines.hops(trunk).catch(() => []);
    },
    onInvite: intake.take,
    tap: ladders.tap,
  });
  bound.push(...(await signalling.listen()));
  const outgoing = new OutgoingCalls({
    ...shared,
    ...{ signalling, lines },
    config: () => access.config,
    countryOf: (trunk, number) => access.gate.routing.entry(trunk, number)?.defaultCountry,
    busy: trunk => overload.objection(trunk),
    spending: new Spending(store.counters, clock),
    gates: gatesOf(store.switches, () => access.config.tools),
  });
  if (parts.register !== false) {
    const registrations = new Registrations({
      signalling,
      hops: trunk => lines.hops(trunk),
      ...{ events, log },
    });
    registrations.follow(access.config);
    access.onSwapped = () => registrations.follow(access.config);
  }
  access.start(material => {
    if (signalling instanceof EmbeddedSignalling) signalling.setSecureContext(material);
  });
  webhooks.deliveries.start();
  void sending.prices.resume();
  twilio.start(parts.checkTwilio !== false);
  const actions = composeActions({
    config,
    now: () => access.config,
    store,
    connection: twilio.connection,
    ...{ prices: sending.prices, events, clock, log },
  });
  let listening = true;
  const http = await createHttp({
    listen: config.http.listen,
    apiKeys: config.secrets.apiKeys,
    health: () => readiness(listening, registry.draining, pool.load.workers),
    registry: metrics.registry,
    keyRefused: (cause, source) => events.emit({ type: 'api-key-refused', cause, source }),
    sipMessages: sipMessagesOf(ladders),
    archive: store.archive,
    switches: store.switches,
    sends: { store, desk: sending.desk, clock },
    twilio: twilio.desk,
    twilioActions: actions,
    phoneNumbers: twilio.numbers,
    outboundCalls: composeOutbound({
      numbers: twilio.numbers,
      place: request => outgoing.place(request),
      ...{ actions, accountSid: () => twilio.connection.accountSid },
      country: () => access.config.tools.defaultCountry,
      ...{ executions: store.executions, events, clock, log },
    }),
    twilioLooks: twilio.previews,
    version: version(),
    audio: id => recordings.find(store.archive, id),
    ...(parts.load === undefined ? {} : { reload: access.reload }),
    log,
  });
  const publicHttp = await startPublicHttp(config, registry, streams, log);
  return {
    sip: bound,
    http: http.address,
    ...(publicHttp === undefined ? {} : { publicHttp: publicHttp.address }),
    log,
    reload: access.reload,
    load: () => ({ calls: registry.active, ...pool.load, ...signalling.stats() }),
    place: request => outgoing.place(request),
    async drain() {
      signalling.drain();
      await registry.drain(access.config.drain.deadlineSeconds * 1000);
    },
    stopCalls: () => registry.stopAll(),
    async close() {
      listening = false;
      access.stop();
      overload.stop();
      signalling.drain();
      registry.stopAll();
      await signalling.close(byeGraceMs);
      await Promise.race([registry.ended(), waitFor(clock, byeGraceMs)]);
      await pool.stop();
      await publicHttp?.close();
      await http.close();
      recorder.stop();
      sending.watch.stop();
      sending.prices.close();
      // What is told of the last calls is queued with their ends.
      await Promise.race([store.flush(), waitFor(clock, byeGraceMs)]);
      await webhooks.close();
      twilio.close();
      await store.close();
      await log.flush();
    },
  };
}

const waitFor = (clock: Clock, ms: number) => new Promise<void>(resolve => clock.timer(ms, resolve));

/** Each event goes to every sink. */
function heardByAll(...sinks: readonly EventSink[]): EventSink {
  return {
    emit(event) {
      for (const sink of sinks) sink.emit(event);
    },
  };
}

function readiness(
  listening: boolean,
  draining: boolean,
  workers: number,
): { ready: boolean; reason?: string } {
  if (!listening) return { ready: false, reason: 'closed' };
  if (draining) return { ready: false, reason: 'draining' };
  return workers > 0 ? { ready: true } : { ready: false, reason: 'no media worker' };
}

/** Where callers go when there is no agent any more; undefined when a reload took it away. */
function fallbackOf({ transfers }: Config, name: string, facts: PartyFacts): Fallback | undefined {
  const destination = transfers.find(each => each.name === name);
  if (destination === undefined) return undefined;
  return { target: targetOf(destination, facts), way: wayOf(destination.transferType) };
}

function callOptions(config: Config): CallOptions {
  const { agent, call, survival, waiting } = config;
  return {
    settleMs: agent.settleMs,
    startTimeoutMs: agent.startTimeoutMs,
    inputChunkMs: agent.inputChunkMs,
    queuePolicy: agent.queuePolicy,
    queueWaitMs: agent.queueWaitSeconds * 1000,
    ringMs: call.ringSeconds * 1000,
    longestMs: call.maxSeconds * 1000,
    refusedOverrides: agent.refusedOverrides,
    survival,
    waiting,
    tones: config.media.dtmfInBand,
  };
}

/** Our address as a peer must be told it: what it reached us at, or the public one when it is outside. */
function advertisedAddress(config: Config): (source: Source) => string {
  const local = networkSet(config.network.localNetworks);
  return source => {
    const { publicAddress } = config.network;
    if (publicAddress !== undefined && !local.has(source.address)) return publicAddress;
    // A socket that listens on :: reports an IPv4 address in its IPv6 form.
    return source.localAddress.replace(/^::ffff:/i, '');
  };
}

interface PoolParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventSink;
  readonly metrics: Metrics;
  readonly limits: OverloadLimits;
}

/** Where worker number `index` takes media streams itself. */
function streamsOf({ http: { streamListen } }: Config, index: number): Pick<WorkerOptions, 'streams'> {
  if (streamListen === undefined) return {};
  return {
    streams: { address: streamListen.address, port: streamListen.port + index, worker: index },
  };
}

function startPool(config: Config, { clock, log, events, metrics, limits }: PoolParts): WorkerPool {
  const { workers, rtpPorts, timeoutSeconds } = config.media;
  // Each worker has a slice of the range to itself: even first port, an even number of ports.
  const first = rtpPorts.first + (rtpPorts.first % 2);
  const slice = Math.floor((rtpPorts.last - first + 1) / workers / 2) * 2;
  return new WorkerPool({
    workers,
    spawn: index =>
      spawnWorker({
        ports: { first: first + index * slice, count: slice },
        bind: { v4: '0.0.0.0', v6: '::' },
        portRestMs,
        mediaTimeoutMs: timeoutSeconds * 1000,
        drainCapMs,
        agentMaxMessageBytes,
        logLevel: config.log.level,
        overload: limits,
        ...streamsOf(config, index),
      }),
    clock,
    log,
    events,
    onPulse: (worker, pulse) => metrics.pulse(worker, pulse),
    onLost: worker => metrics.workerGone(worker),
    onRecorded: (call, recorded) => events.emit({ type: 'recorded', call, recorded }),
    overload: limits,
  });
}
