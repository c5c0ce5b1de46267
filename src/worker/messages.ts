import type { KeyObject } from 'node:crypto';
import type {
  AgentMetadata,
  AgentStart,
  AgentToolAnswer,
  AgentToolCall,
  QueueStatus,
  TurnNews,
} from '../agent/agent.ts';
import type { Ending } from '../core/ending.ts';
import type { CallKey, LegId } from '../core/ids.ts';
import type { SealedDigits } from '../core/keyed-digits.ts';
import type { LogFields } from '../core/logger.ts';
import type { OverloadLimits } from '../core/overload.ts';
import type { Prompt } from '../core/prompt.ts';
import type { Recorded } from '../core/recorded.ts';
import type { MediaPlan } from '../sdp/plan.ts';
import type {
  Joining,
  KeyForm,
  LegOptions,
  LegStats,
  LocalMedia,
  PlayTime,
  RecordingOptions,
  StreamTicket,
} from './legs.ts';

/** Settings a worker is started with. */
export interface WorkerOptions {
  /** Slice of RTP_PORTS that is this worker's own: even first port, number of ports. */
  readonly ports: { readonly first: number; readonly count: number };
  /** Addresses that RTP sockets are bound to. */
  readonly bind: { readonly v4: string; readonly v6: string };
  /** How long a used port pair rests, ms. */
  readonly portRestMs: number;
  /** No RTP for this long is reported, ms. */
  readonly mediaTimeoutMs: number;
  /** How long what an ended agent said may go on playing, ms. */
  readonly drainCapMs: number;
  /** Largest message taken from the agent, bytes. */
  readonly agentMaxMessageBytes: number;
  readonly logLevel: string;
  /** Where it takes media streams itself, and the number that their paths call it by; absent: all come by the main thread. */
  readonly streams?: { readonly address: string; readonly port: number; readonly worker: number };
  /** How it finds out how late it is, and how often it tells. */
  readonly overload?: OverloadLimits;
}

/** Everything that goes from the main thread to a worker. */
export type ToWorker =
  | { readonly type: 'open'; readonly leg: LegId; readonly options: LegOptions }
  | { readonly type: 'apply'; readonly leg: LegId; readonly plan: MediaPlan }
  | { readonly type: 'reapply'; readonly leg: LegId }
  | { readonly type: 'expect-stream'; readonly leg: LegId; readonly ticket: StreamTicket }
  | { readonly type: 'play'; readonly leg: LegId }
  | { readonly type: 'agent'; readonly leg: LegId; readonly start: AgentStart }
  | { readonly type: 'prepare'; readonly leg: LegId; readonly start: AgentStart }
  | { readonly type: 'begin'; readonly leg: LegId }
  | { readonly type: 'dismiss'; readonly leg: LegId }
  | { readonly type: 'tool-answer'; readonly leg: LegId; readonly answer: AgentToolAnswer }
  | { readonly type: 'tell'; readonly leg: LegId; readonly text: string; readonly how: 'turn' | 'context' }
  | { readonly type: 'tone'; readonly leg: LegId; readonly tone: Prompt | 'off' }
  | {
      readonly type: 'prompt';
      readonly leg: LegId;
      readonly ask: number;
      readonly prompt: Prompt;
      readonly when: PlayTime;
    }
  | { readonly type: 'digit'; readonly leg: LegId; readonly digit: string }
  /** `ask` is repeated in the `done` that answers. */
  | {
      readonly type: 'digits';
      readonly leg: LegId;
      readonly ask: number;
      readonly keys: string;
      readonly form: KeyForm;
    }
  | { readonly type: 'quiet'; readonly leg: LegId; readonly ask: number; readonly longestMs: number }
  /** Secure mode begins, with the key that what is keyed is told under, or ends. */
  | {
      readonly type: 'secure';
      readonly leg: LegId;
      readonly ask: number;
      readonly key: KeyObject | undefined;
    }
  | { readonly type: 'join'; readonly leg: LegId; readonly other: LegId; readonly how: Joining }
  | { readonly type: 'record'; readonly leg: LegId; readonly options: RecordingOptions }
  | { readonly type: 'withhold'; readonly leg: LegId; readonly on: boolean }
  | { readonly type: 'close'; readonly leg: LegId }
  | { readonly type: 'log-level'; readonly level: string }
  | { readonly type: 'stop' };

/** How often a worker tells its totals, ms: that often it is heard of in any case. */
export const pulseMs = 1000;

/** Everything that goes from a worker to the main thread. */
export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'opened'; readonly leg: LegId; readonly local: LocalMedia }
  | { readonly type: 'open-failed'; readonly leg: LegId; readonly code: string; readonly message: string }
  | { readonly type: 'stream-started'; readonly leg: LegId; readonly streamSid: string }
  | { readonly type: 'stream-ended'; readonly leg: LegId; readonly end: Ending }
  | { readonly type: 'agent-ready'; readonly leg: LegId; readonly metadata: AgentMetadata }
  | { readonly type: 'agent-queue'; readonly leg: LegId; readonly status: QueueStatus }
  | { readonly type: 'agent-ended'; readonly leg: LegId; readonly end: Ending }
  | { readonly type: 'tool-call'; readonly leg: LegId; readonly call: AgentToolCall }
  | { readonly type: 'keyed'; readonly leg: LegId; readonly digits: SealedDigits }
  | { readonly type: 'turn'; readonly leg: LegId; readonly news: TurnNews }
  | { readonly type: 'media-timeout'; readonly leg: LegId }
  | { readonly type: 'done'; readonly leg: LegId; readonly ask: number; readonly ok: boolean }
  | { readonly type: 'closed'; readonly leg: LegId; readonly stats: LegStats }
  /** Comes before the leg has closed. */
  | { readonly type: 'recorded'; readonly call: CallKey; readonly recorded: Recorded }
  /** The worker was told to stop and has nothing more to do. */
  | { readonly type: 'stopped' }
  /** `ports` are those of RTP and of RTCP: two of a pair. */
  | { readonly type: 'pulse'; readonly legs: number; readonly ports: number; readonly metrics: WorkerMetrics }
  /** How late it is with its work, several times a second while it is. */
  | { readonly type: 'lag'; readonly ms: number }
  | { readonly type: 'log'; readonly level: LogLevel; readonly message: string; readonly fields: LogFields };

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** Totals of a worker since it started. */
export interface WorkerMetrics {
  readonly packetsReceived: number;
  readonly packetsSent: number;
  readonly packetsDropped: Readonly<Record<string, number>>;
  readonly agentMessages: Readonly<Record<string, number>>;
  /** Counts per bucket of `latenessBuckets` (upper bounds, ms), last one unbounded. */
  readonly lateness: readonly number[];
  readonly bargeIn: readonly number[];
  /** Agent sound that waits to be played: the most that one leg has, ms. */
  readonly playoutMs: number;
  /** Agent sound that was dropped because five minutes of it waited already, ms. */
  readonly overflowMs: number;
  readonly logDropped: number;
}

/** Upper bounds of the lateness and barge-in histograms, ms. */
export const latenessBuckets = [0.5, 1, 2, 3, 5, 10, 20, 40, 80, 160] as const;
