import type { KeyObject } from 'node:crypto';
import type { AgentListener, AgentSession, AgentStart, TurnNews } from '../agent/agent.ts';
import type { MessageCounts } from '../agent/elevenlabs/message-counts.ts';
import { ElevenLabsSession } from '../agent/elevenlabs/session.ts';
import type { ConnectAgent } from '../agent/elevenlabs/socket.ts';
import type { Clock } from '../core/clock.ts';
import { type Ending, ending } from '../core/ending.ts';
import { messageOf } from '../core/errors.ts';
import type { CallKey, LegId } from '../core/ids.ts';
import { sealDigits } from '../core/keyed-digits.ts';
import type { LegStats } from '../core/leg-stats.ts';
import type { Logger } from '../core/logger.ts';
import type { Prompt } from '../core/prompt.ts';
import { Joint } from '../media/joint.ts';
import type { MediaMeters } from '../media/meters.ts';
import type { Pacer } from '../media/outbound/pacer.ts';
import { type Carriage, MediaSession } from '../media/session.ts';
import type { Recorder } from '../recording/recorder.ts';
import type { Recording } from '../recording/recording.ts';
import type { Joining, KeyForm, KeyTones, PlayTime, RecordingOptions } from './legs.ts';
import type { FromWorker, WorkerOptions } from './messages.ts';

export interface WorkerLegParts {
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
export class WorkerLeg {
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
