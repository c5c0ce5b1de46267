import type { Summary } from './distribution.ts';
import type { Drift } from './drift.ts';
import type { LoopLags } from './lags.ts';
import type { Made } from './made.ts';
import type { ProfileName } from './profile.ts';

/** Something that happened in a call, at a time of the machine's monotonic clock (ms). */
export interface Mark {
  readonly call: number;
  readonly at: number;
}

/** Share of real time that streams had in the window: 1 is as it should be. */
export interface Pace {
  readonly least: number;
  readonly most: number;
}

/** What the load generator is told. */
export type ToGenerator =
  /** Calls by SIP over TCP; with `holdMs` each is hung up after so long, and another takes its place. */
  | {
      readonly type: 'call';
      readonly profile: ProfileName;
      readonly calls: number;
      readonly port: number;
      readonly perSecond: number;
      readonly connections: number;
      readonly holdMs?: number;
      /** Whether sound is encrypted, with keys in SDP. */
      readonly srtp?: boolean;
      /** Whether sound is made in Node even where a compiled program could. */
      readonly nodeTelephones?: boolean;
      /** Number of the first one; default 0. */
      readonly firstCall?: number;
    }
  /** Sound alone, to UDP ports of loopback. */
  | { readonly type: 'stream'; readonly profile: ProfileName; readonly ports: readonly number[] }
  /** The window of measurement begins. */
  | { readonly type: 'mark' }
  /** It ends. */
  | { readonly type: 'report' }
  | { readonly type: 'hang-up' }
  /** A process to end when this one loses its parent. */
  | { readonly type: 'guard'; readonly pid: number };

export type FromGenerator =
  | { readonly type: 'ready' }
  | {
      readonly type: 'up';
      readonly answered: number;
      readonly failed: readonly string[];
      /** How their sound is. */
      readonly made: Made;
    }
  | { readonly type: 'report'; readonly report: GeneratorReport }
  | { readonly type: 'idle' };

/** What the telephones saw; counts and times of the window, marks and set-up times of the whole run. */
export interface GeneratorReport {
  readonly seconds: number;
  readonly packetsSent: number;
  readonly packetsReceived: number;
  readonly lost: number;
  /** Packets that came again or out of order. */
  readonly disordered: number;
  /** Streams that were silent for the whole window. */
  readonly dead: number;
  readonly pace: Pace;
  /** Of streams that were there for the whole window, if that is a minute or more. */
  readonly drift: Drift | undefined;
  /** Against each stream's own grid of 20 ms, which its earliest packet sets. */
  readonly lateness: Summary;
  /** Between two packets of a stream. */
  readonly interval: Summary;
  /** Packets that came more than two packet times after the one before. */
  readonly gaps: number;
  /** Encrypted packets with a wrong tag. */
  readonly unopened: number;
  /** How late the generator itself was. */
  readonly own: Summary;
  readonly setup: Summary;
  /** Calls that were set up, that failed with what, and that the far end hung up. */
  readonly answered: number;
  readonly failed: readonly string[];
  /** All that failed; of `failed` only the first few are kept. */
  readonly refused: number;
  readonly dropped: number;
  readonly marks: {
    readonly answered: readonly Mark[];
    /** Silence turned into speech on the wire. */
    readonly speech: readonly Mark[];
    /** Speech turned into silence: the first packet that ends silent. */
    readonly silence: readonly Mark[];
    /** A loud packet was sent after quiet ones. */
    readonly word: readonly Mark[];
  };
}

export type ToAgent =
  | {
      readonly type: 'start';
      readonly profile: ProfileName;
      readonly tls?: { readonly key: string; readonly cert: string };
      /** Says nothing. */
      readonly silent?: boolean;
    }
  | { readonly type: 'mark' }
  | { readonly type: 'report' };

export type FromAgent =
  | { readonly type: 'started'; readonly baseUrl: string; readonly made: Made }
  | { readonly type: 'report'; readonly report: AgentReport };

/** What the agent saw; counts of the window, marks of the whole run. */
export interface AgentReport {
  readonly conversations: number;
  readonly messagesReceived: number;
  readonly messagesSent: number;
  readonly pace: Pace;
  /** How late the agent itself was. */
  readonly own: Summary;
  /** Text and close frames that are no sound of the caller. */
  readonly others: number;
  readonly marks: {
    /** The metadata was sent. */
    readonly ready: readonly Mark[];
    /** The first message of a greeting, and of a later turn, was sent. */
    readonly greeting: readonly Mark[];
    readonly turn: readonly Mark[];
    /** An interruption was sent. */
    readonly cut: readonly Mark[];
    /** The first message came that ends loud. */
    readonly heard: readonly Mark[];
  };
}

export interface ToFloor {
  readonly type: 'start';
  readonly profile: ProfileName;
  readonly calls: number;
  readonly url: string;
}

/** What is told to modules that are loaded before the bridge: in a run under stress its main thread is made to do something. */
export type ToHost =
  /** The window begins in which every thread of it watches its event loop; what that was. */
  | { readonly type: 'loop-lag-mark' }
  | { readonly type: 'loop-lag' }
  /** Do nothing else for so long. */
  | { readonly type: 'block'; readonly ms: number }
  /** Hold so much live data, and collect all garbage over and over for so long; zero lets go of it. */
  | { readonly type: 'collect'; readonly heapMb: number; readonly ms: number };

export type FromHost =
  | { readonly type: 'loop-lag'; readonly threads: LoopLags }
  | { readonly type: 'blocked'; readonly ms: number }
  | { readonly type: 'collected'; readonly count: number; readonly longestMs: number };

export type FromFloor =
  | { readonly type: 'ready' }
  | { readonly type: 'up'; readonly ports: readonly number[] };
