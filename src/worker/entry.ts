import { agentLimits } from '../agent/elevenlabs/limits.ts';
import { newMessageCounts } from '../agent/elevenlabs/message-counts.ts';
import { type ConnectAgent, connectWith } from '../agent/elevenlabs/socket.ts';
import { Wires } from '../agent/elevenlabs/wire.ts';
import { type Clock, systemClock, type Timer } from '../core/clock.ts';
import { messageOf, ok, type Result } from '../core/errors.ts';
import type { LegId } from '../core/ids.ts';
import { overloadLimits } from '../core/overload.ts';
import { MediaMeters } from '../media/meters.ts';
import { Pacer } from '../media/outbound/pacer.ts';
import { PortPool } from '../media/port.ts';
import type { Carriage, MediaSession } from '../media/session.ts';
import { Recorder } from '../recording/recorder.ts';
import { LagReport } from './lag-report.ts';
import type { LegOptions, RtpLegOptions } from './legs.ts';
import {
  type FromWorker,
  pulseMs,
  type ToWorker,
  type WorkerMetrics,
  type WorkerOptions,
} from './messages.ts';
import { WorkerLeg } from './worker-leg.ts';
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
  readonly #wires = new Wires({ stepped: () => this.#sendBetween() });
  readonly #connect: ConnectAgent;
  readonly #recorder: Recorder;
  readonly #streams: WorkerStreams;
  readonly #legs = new Map<LegId, WorkerLeg>();
  /** What legs were told that are still being opened. */
  readonly #opening = new Map<LegId, ToWorker[]>();
  readonly #lag: LagReport;
  #pulse: Timer;

  constructor(port: WorkerPort, options: WorkerOptions, clock: Clock) {
    this.#port = port;
    this.#options = options;
    this.#clock = clock;
    this.#log = new WorkerLog(options.logLevel, clock, message => port.postMessage(message));
    this.#pacer = new Pacer(clock);
    this.#recorder = new Recorder(clock);
    const limits = { ...agentLimits, maxMessageBytes: options.agentMaxMessageBytes };
    this.#connect = connectWith(limits, () => this.#sendBetween(), this.#wires);
    this.#ports = new PortPool({ ...options.ports, restMs: options.portRestMs }, clock);
    this.#streams = new WorkerStreams({
      clock,
      log: this.#log,
      meters: this.#meters,
      tell: message => port.postMessage(message),
      ...(options.streams === undefined ? {} : { listen: options.streams }),
    });
    this.#lag = new LagReport(this.#pacer, clock.now(), options.overload ?? overloadLimits, message =>
      port.postMessage(message),
    );
    this.#pulse = clock.timer(pulseMs, () => this.#tellPulse());
  }

  hear(message: ToWorker): void {
    this.#take(message);
    this.#sendBetween();
  }

  /**
   * What is told, and what happens on connections to agents, may come many at a time, and to begin a handshake takes a
   * millisecond: what is due goes out between them.
   */
  #sendBetween(): void {
    this.#pacer.between(this.#clock.now());
  }

  #take(message: ToWorker): void {
    if (message.type === 'open') return void this.#open(message.leg, message.options);
    if (message.type === 'log-level') return this.#log.level(message.level);
    if (message.type === 'stop') return this.#stop();
    const waiting = this.#opening.get(message.leg);
    if (waiting !== undefined) return void waiting.push(message);
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
      case 'reapply':
        return leg.media.reapply();
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
    const waiting: ToWorker[] = [];
    this.#opening.set(id, waiting);
    if (options.agentSoon === true) this.#wires.ahead();
    const opened = options.wire === 'rtp' ? await this.#bind(options) : await this.#await(id);
    this.#opening.delete(id);
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
    for (const message of waiting) this.hear(message);
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
    const ports = 2 * this.#ports.inUse;
    this.#port.postMessage({ type: 'pulse', legs: this.#legs.size, ports, metrics });
    this.#pulse = this.#clock.timer(pulseMs, () => this.#tellPulse());
  }

  #stop(): void {
    for (const [id, leg] of this.#legs) this.#close(id, leg);
    this.#pulse.cancel();
    this.#lag.stop();
    this.#streams.stop();
    this.#wires.close();
    // Recordings of these calls are still being written.
    void this.#recorder.idle().then(() => {
      this.#port.postMessage({ type: 'stopped' });
      this.#port.close();
    });
  }
}
