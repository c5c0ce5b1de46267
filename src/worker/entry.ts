import type { KeyObject } from 'node:crypto';
import type { AgentListener, AgentSession, AgentStart, TurnNews } from '../agent/agent.ts';
import { agentLimits } from '../agent/elevenlabs/limits.ts';
import { type MessageCounts, newMessageCounts } from '../agent/elevenlabs/message-counts.ts';
import { ElevenLabsSession } from '../agent/elevenlabs/session.ts';
import { type ConnectAgent, connectWith } from '../agent/elevenlabs/socket.ts';
import { type Clock, systemClock, type Timer } from '../core/clock.ts';
import { type Ending, ending } from '../core/ending.ts';
import { messageOf, ok, type Result } from '../core/errors.ts';
import type { CallKey, LegId } from '../core/ids.ts';
import { sealDigits } from '../core/keyed-digits.ts';
import type { LegStats } from '../core/leg-stats.ts';
import type { Logger } from '../core/logger.ts';
import { overloadLimits } from '../core/overload.ts';
import type { Prompt } from '../core/prompt.ts';
import { Joint } from '../media/joint.ts';
import { MediaMeters } from '../media/meters.ts';
import { Pacer } from '../media/outbound/pacer.ts';
import { PortPool } from '../media/port.ts';
import { type Carriage, MediaSession } from '../media/session.ts';
import { Recorder } from '../recording/recorder.ts';
import type { Recording } from '../recording/recording.ts';
import { LagReport } from './lag-report.ts';
import type {
  Joining,
  KeyForm,
  KeyTones,
  LegOptions,
  PlayTime,
  RecordingOptions,
  RtpLegOptions,
} from './legs.ts';
import {
  type FromWorker,
  pulseMs,
  type ToWorker,
  type WorkerMetrics,
  type WorkerOptions,
} from './messages.ts';
import { WorkerLog } from './worker-log.ts';
import { WorkerStreams } from './worker-streams.ts';

/** What a worker talks through: `parentPort` of its thread, or one end of a MessageChannel. */
export interface WorkerPort {
  postMessage(message: FromWorker): void;
  on(event: 'message', listener: (message: ToWorker) => void): unknown;
  close(): void;
}

/** Runs a worker over a port: carries the sound and the agents of its legs until it is told to stop. */
export function runWorker(port: WorkerPort, options: WorkerOptions, clock: Clock = systemClock): void {
  const worker = new MediaWorker(port, options, clock);
  port.on('message', message => worker.hear(message));
  port.postMessage({ type: 'ready' });
}

class MediaWorker {
  readonly #port: WorkerPort;
  readonly #options: WorkerOptions;
  readonly #clock: Clock;
  readonly #log: WorkerLog;
  readonly #pacer: Pacer;
  readonly #ports: PortPool;
  readonly #meters = new MediaMeters();
  readonly #counts = newMessageCounts();
  readonly #connect: ConnectAgent;
  readonly #recorder: Recorder;
  readonly #streams: WorkerStreams;
  readonly #legs = new Map<LegId, WorkerLeg>();
  readonly #lag: LagReport;
  #pulse: Timer;

  constructor(port: WorkerPort, options: WorkerOptions, clock: Clock) {
    this.#port = port;
    this.#options = options;
    this.#clock = clock;
    this.#log = new WorkerLog(options.logLevel, clock, message => port.postMessage(message));
    this.#pacer = new Pacer(clock);
    this.#recorder = new Recorder(clock);
    this.#connect = connectWith({ ...agentLimits, maxMessageBytes: options.agentMaxMessageBytes });
    this.#ports = new PortPool({ ...options.ports, restMs: options.portRestMs }, clock);
    this.#streams = new WorkerStreams({
      clock,
      log: this.#log,
      meters: this.#meters,
      tell: message => port.postMessage(message),
      ...(options.streams === undefined ? {} : { listen: options.streams }),
    });
    this.#lag = new LagReport(clock, options.overload ?? overloadLimits, message =>
      port.postMessage(message),
    );
    this.#pulse = clock.timer(pulseMs, () => this.#tellPulse());
  }

  hear(message: ToWorker): void {
    if (message.type === 'open') return void this.#open(message.leg, message.options);
    if (message.type === 'log-level') return this.#log.level(message.level);
    if (message.type === 'stop') return this.#stop();
    const leg = this.#legs.get(message.leg);
    // A leg that a predecessor of this worker carried: it went down with it.
    if (leg === undefined) return;
    try {
      this.#pass(leg, message);
    } catch (error) {
      this.#log.error('fault in a leg', { leg: message.leg, error: messageOf(error) });
      leg.fault();
    }
  }

  #pass(leg: WorkerLeg, message: Exclude<ToWorker, { type: 'open' | 'log-level' | 'stop' }>): void {
    switch (message.type) {
      case 'apply':
        return leg.media.apply(message.plan);
      case 'expect-stream':
        return this.#streams.expect(message.leg, message.ticket);
      case 'play':
        return leg.open();
      case 'agent':
        return leg.agent(message.start, false);
      case 'prepare':
        return leg.agent(message.start, true);
      case 'begin':
        return leg.session?.begin();
      case 'dismiss':
        return leg.dismiss();
      case 'tool-answer':
        return leg.session?.answerTool(message.answer);
      case 'tell':
        return leg.session?.tell(message.text, message.how);
      case 'tone':
        return leg.media.tone(message.tone);
      case 'prompt':
        return leg.prompt(message.ask, message.prompt, message.when);
      case 'digit':
        return leg.media.digit(message.digit);
      case 'digits':
        return leg.digits(message.ask, message.keys, message.form);
      case 'secure':
        return leg.secure(message.ask, message.key);
      case 'quiet':
        return leg.media.whenQuiet(message.longestMs, () => leg.done(message.ask, true));
      case 'join': {
        const other = this.#legs.get(message.other);
        if (other !== undefined) leg.join(other, message.how);
        return;
      }
      case 'record':
        return leg.record(message.options);
      case 'withhold':
        return leg.withhold(message.on);
      case 'close':
        return this.#close(message.leg, leg);
    }
  }

  async #open(id: LegId, options: LegOptions): Promise<void> {
    const opened = options.wire === 'rtp' ? await this.#bind(options) : await this.#await(id);
    if (!opened.ok) {
      const { code, message } = opened.failure;
      this.#port.postMessage({ type: 'open-failed', leg: id, code, message });
      return;
    }
    const leg = new WorkerLeg({
      id,
      call: options.call,
      carriage: opened.value,
      tones: options.tones ?? 'auto',
      pacer: this.#pacer,
      clock: this.#clock,
      log: this.#log.with({ call: options.call }),
      options: this.#options,
      meters: this.#meters,
      recorder: this.#recorder,
      counts: this.#counts,
      connect: this.#connect,
      tell: message => this.#port.postMessage(message),
    });
    this.#legs.set(id, leg);
    this.#port.postMessage({ type: 'opened', leg: id, local: leg.media.local });
  }

  async #bind({ family, secureOnly = false }: RtpLegOptions): Promise<Result<Carriage>> {
    const address = family === 6 ? this.#options.bind.v6 : this.#options.bind.v4;
    const opened = await this.#ports.open(family, address);
    return opened.ok ? ok({ pair: opened.value, secureOnly }) : opened;
  }

  async #await(id: LegId): Promise<Result<Carriage>> {
    const door = await this.#streams.door();
    return door.ok ? ok({ wire: this.#streams.wire(id, door.value, () => this.#mediaOf(id)) }) : door;
  }

  #mediaOf(id: LegId): MediaSession {
    const leg = this.#legs.get(id);
    if (leg === undefined) throw new Error('a stream came to a leg that is closed');
    return leg.media;
  }

  #close(id: LegId, leg: WorkerLeg): void {
    this.#legs.delete(id);
    this.#streams.release(id);
    const stats = leg.close();
    // What became of the recording belongs to the call, and comes before its end.
    void leg.recorded.then(() => this.#port.postMessage({ type: 'closed', leg: id, stats }));
  }

  #tellPulse(): void {
    const metrics: WorkerMetrics = {
      packetsReceived: this.#meters.packetsReceived,
      packetsSent: this.#meters.packetsSent,
      packetsDropped: {
        late: this.#meters.packetsLate,
        stranger: this.#meters.packetsFromStrangers,
        unauthentic: this.#meters.packetsUnauthentic,
        replayed: this.#meters.packetsReplayed,
      },
      agentMessages: { ...this.#counts },
      lateness: [...this.#pacer.lateness.counts],
      bargeIn: [...this.#meters.bargeIn.counts],
      playoutMs: Math.max(0, ...[...this.#legs.values()].map(({ media }) => media.queuedMs)),
      overflowMs: this.#meters.overflowMs,
      logDropped: this.#log.dropped,
    };
    this.#port.postMessage({ type: 'pulse', legs: this.#legs.size, ports: this.#ports.inUse, metrics });
    this.#pulse = this.#clock.timer(pulseMs, () => this.#tellPulse());
  }

  #stop(): void {
    for (const [id, leg] of this.#legs) this.#close(id, leg);
    this.#pulse.cancel();
    this.#lag.stop();
    this.#streams.stop();
    // Recordings of these calls are still being written.
    void this.#recorder.idle().then(() => {
      this.#port.postMessage({ type: 'stopped' });
      this.#port.close();
    });
  }
}

interface WorkerLegParts {
  readonly id: LegId;
  readonly call: CallKey;
  readonly carriage: Carriage;
  readonly tones: KeyTones;
  readonly pacer: Pacer;
  readonly clock: Clock;
  readonly log: Logger;
  readonly options: WorkerOptions;
  readonly meters: MediaMeters;
  readonly recorder: Recorder;
  readonly counts: MessageCounts;
  readonly connect: ConnectAgent;
  readonly tell: (message: FromWorker) => void;
}

/** One leg inside of the worker: its media session with an agent at the inner end. */
class WorkerLeg {
  readonly media: MediaSession;
  session: AgentSession | undefined;
  readonly #parts: WorkerLegParts;
  #openedAt: number | undefined;
  #recording: Recording | undefined;
  readonly #withheld = new Set<'keyed' | 'spoken'>();
  #joined: { readonly other: WorkerLeg; readonly joint: Joint } | undefined;
  #digitsKey: KeyObject | undefined;
  /** Why the agent ended, while what it said is still being played. */
  #draining: Ending | undefined;

  constructor(parts: WorkerLegParts) {
    this.#parts = parts;
    this.media = new MediaSession({
      ...parts.carriage,
      tones: parts.tones,
      pacer: parts.pacer,
      clock: parts.clock,
      log: parts.log,
      mediaTimeoutMs: parts.options.mediaTimeoutMs,
      drainCapMs: parts.options.drainCapMs,
      meters: parts.meters,
      listener: {
        entry: digits => this.#entered(digits),
        keyed: digits => this.#keyed(digits),
        heard: (eventId, heardMs, unheardMs) =>
          this.#tellTurn({ kind: 'heard', eventId, heardMs, unheardMs }),
        mediaTimeout: () => parts.tell({ type: 'media-timeout', leg: parts.id }),
        drained: () => this.#drained(),
        failed: error => {
          parts.log.error('fault in a media session', { error: messageOf(error) });
          this.fault();
        },
      },
    });
  }

  open(): void {
    this.#openedAt = this.#parts.clock.now();
    this.media.open();
  }

  agent(start: AgentStart, held: boolean): void {
    this.session?.close();
    this.#draining = undefined;
    const { clock, log, connect, counts } = this.#parts;
    this.session = new ElevenLabsSession({
      start,
      held,
      listener: this.#agentListener(),
      clock,
      log,
      connect,
      counts,
    });
  }

  /** Nothing more is heard of the agent; what it said is played. */
  dismiss(): void {
    this.session?.close();
    this.session = undefined;
    this.media.agentGone();
  }

  /** Joins with a leg that the caller is handed over to, or takes that back. */
  join(other: WorkerLeg, how: Joining): void {
    if (this.#joined?.other !== other) this.#joined = { other, joint: new Joint(this.media, other.media) };
    this.#joined.joint.join(how);
    if (how !== 'full') return;
    // The person at the other end was asked nothing.
    this.#recording?.finish(ending('recording-stopped'));
    this.session?.close();
    this.media.agentGone();
    other.open();
  }

  prompt(ask: number, prompt: Prompt, when: PlayTime): void {
    if (!this.media.prompt(prompt, when, () => this.done(ask, true))) this.done(ask, false);
  }

  digits(ask: number, keys: string, form: KeyForm): void {
    if (!this.media.pressKeys(keys, form, () => this.done(ask, true))) this.done(ask, false);
  }

  secure(ask: number, key: KeyObject | undefined): void {
    this.#digitsKey = key ?? this.#digitsKey;
    this.media.secure(key !== undefined);
    this.#withhold('keyed', key !== undefined);
    this.done(ask, true);
  }

  #keyed(digits: Uint8Array): void {
    if (this.#digitsKey === undefined) throw new Error('secure mode without a key');
    this.#parts.tell({ type: 'keyed', leg: this.#parts.id, digits: sealDigits(digits, this.#digitsKey) });
  }

  /** Answers a question of the main thread. */
  done(ask: number, ok: boolean): void {
    this.#parts.tell({ type: 'done', leg: this.#parts.id, ask, ok });
  }

  /** Both sides, from now on. */
  record(options: RecordingOptions): void {
    if (this.#recording !== undefined) return;
    const { recorder, call, tell } = this.#parts;
    const recording = recorder.start(call, this.media.plan?.codec === 'G722' ? 16_000 : 8000, options);
    this.#recording = recording;
    for (const cause of this.#withheld) recording.withhold(cause, true);
    this.media.tap(recording.tap);
    void recording.over.then(recorded => {
      this.media.tap(undefined);
      tell({ type: 'recorded', call, recorded });
    });
  }

  /** Settles when there is nothing more to be told of the recording. */
  get recorded(): Promise<unknown> {
    return this.#recording?.over ?? Promise.resolve();
  }

  /** Both sides are silent in the recording while `on`. */
  withhold(on: boolean): void {
    this.#withhold('spoken', on);
  }

  /** An agent may ask for a code before the call is answered, and recorded. */
  #withhold(cause: 'keyed' | 'spoken', on: boolean): void {
    if (on) this.#withheld.add(cause);
    else this.#withheld.delete(cause);
    this.#recording?.withhold(cause, on);
  }

  close(): LegStats {
    this.session?.close();
    const stats = this.media.close();
    this.#recording?.finish(ending('recording-complete'));
    return stats;
  }

  /** A fault of ours: the call must end, and the agent with it. */
  fault(): void {
    this.session?.close();
    this.#tellEnd(ending('internal-error'));
  }

  /** An entry of the keypad is a turn of the caller. */
  #entered(digits: string): void {
    if (this.session === undefined) return;
    this.session.tell(digits, 'turn');
    this.#tellTurn({ kind: 'keyed', text: digits });
  }

  #tellTurn(news: TurnNews): void {
    this.#parts.tell({ type: 'turn', leg: this.#parts.id, news });
  }

  #agentListener(): AgentListener {
    const { id, tell } = this.#parts;
    return {
      ready: metadata => {
        const input = this.session?.input;
        if (input === undefined) throw new Error('an agent was ready without an input');
        this.media.agentReady(metadata.outputFormat, input);
        tell({ type: 'agent-ready', leg: id, metadata });
      },
      queue: status => tell({ type: 'agent-queue', leg: id, status }),
      audio: (eventId, bytes) => this.media.audio(eventId, bytes),
      late: (eventId, bytes) => this.media.late(eventId, bytes),
      interrupted: eventId => this.media.interrupted(eventId),
      toolCall: call => tell({ type: 'tool-call', leg: id, call }),
      turn: news => this.#tellTurn(news),
      ended: end => this.#agentEnded(end),
    };
  }

  /** The last words of an agent that has ended the call are heard first; that one was lost must be known at once. */
  #agentEnded(end: Ending): void {
    if (this.#openedAt === undefined || end.result !== 'success') this.#tellEnd(end);
    else this.#draining = end;
    if (this.#openedAt !== undefined) this.media.agentGone();
  }

  #drained(): void {
    if (this.#draining === undefined) return;
    this.#tellEnd(this.#draining);
  }

  #tellEnd(end: Ending): void {
    this.#draining = undefined;
    this.#parts.tell({ type: 'agent-ended', leg: this.#parts.id, end });
  }
}
