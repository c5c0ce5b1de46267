import type { Ending } from '../core/ending.ts';
import type { CallKey } from '../core/ids.ts';
import type { LegStats } from '../core/leg-stats.ts';
import type { Recorded } from '../core/recorded.ts';
import type { ToolRunFacts } from '../core/tool-facts.ts';

/**
 * What is kept of one call. Times are ms since the Unix epoch. Every number here is masked; full ones, and whatever
 * people said, are in `RecordPrivate` and nowhere else.
 */
export interface CallRecord {
  readonly key: CallKey;
  /** The first agent conversation's id; `conv_local_…` while there was none. */
  readonly conversationId: string;
  /** All agent conversations of the call, in their order. */
  readonly conversationIds: readonly string[];
  readonly state: 'running' | 'ended';
  /** Node that carries or carried the call. */
  readonly node: string;
  readonly direction: 'inbound' | 'outbound';
  readonly agentId: string;
  readonly trunk: string;
  readonly transport: CallTransport;
  readonly sipCallId: string;
  /** X-CALL-ID and what stands in for it. */
  readonly callId: string;
  readonly callSid?: string;
  /** Twilio's id of the media stream, once there is one. */
  readonly streamSid?: string;
  readonly caller: string;
  readonly called: string;
  /** Whether the trunk's word on who calls counts. */
  readonly callerTrusted: boolean;
  readonly stages: CallStages;
  /** The agent's audio formats, of its last conversation. */
  readonly agentFormats?: { readonly input: string; readonly output: string };
  readonly verified?: VerifiedNumber;
  readonly tools: readonly ToolRun[];
  /** Turns in the transcript. */
  readonly messages: number;
  /** Plain sentences about what went wrong without ending the call, oldest first; at most 20. */
  readonly warnings: readonly string[];
  readonly recording?: Recorded;
  /** What follows is there once the call is over. */
  readonly end?: Ending;
  readonly answered: boolean;
  /** From answer to end. */
  readonly seconds: number;
  /** Absent when the leg could not be asked any more. */
  readonly stats?: LegStats;
  readonly quality?: CallQuality;
}

export type CallTransport = 'tcp' | 'tls' | 'stream' | 'unknown';

/** When each stage was reached; a stage that never was is absent. */
export interface CallStages {
  readonly begun: number;
  readonly agentReady?: number;
  readonly answered?: number;
  readonly ended?: number;
}

/** How the call sounded, in figures that people compare. */
export interface CallQuality {
  /** Estimated mean opinion score of the caller's sound, 1 to 4.5 (ITU-T G.107). */
  readonly mos: number;
  /** Share of the packets that never came, or came too late, 0 to 1. */
  readonly loss: number;
  readonly jitterMs: number;
  /** 99th percentile of how late our packets left, ms; absent where none was due at a time. */
  readonly latenessMs?: number;
}

/** A number that somebody in the call proved to have. */
export interface VerifiedNumber {
  /** Masked. */
  readonly number: string;
  readonly channel: string;
  readonly at: number;
}

/** One run of a tool. */
export interface ToolRun extends ToolRunFacts {
  readonly tool: string;
  readonly at: number;
  readonly ms: number;
  /** `status` of the result. */
  readonly status: string;
  readonly isError: boolean;
  /** What the gates said of a send, where they were asked: `own-number`, `other-number`, or why not (`SendGate`). */
  readonly gate?: string;
  /** Parameters after `maskArguments`. */
  readonly arguments: Readonly<Record<string, string>>;
}

/** One turn of the conversation as it is kept. */
export interface Turn {
  readonly role: 'user' | 'agent';
  readonly message: string;
  /** From the answer, s. */
  readonly at: number;
  /** The agent was interrupted; `message` is then what was heard of it where that is known. */
  readonly interrupted?: boolean;
  /** What the agent meant to say, where the caller did not hear all of it. */
  readonly intended?: string;
  /** The turn is withheld whole: a code was pending. `message` is empty. */
  readonly withheld?: boolean;
}

/** What of a call is kept only sealed (`DATA_KEY`) and given only to who may have it. */
export interface RecordPrivate {
  /** As `PartyFacts` has them. */
  readonly callerId: string;
  readonly calledNumber: string;
  /** Dynamic variables that the conversation got. */
  readonly variables: Readonly<Record<string, string>>;
  readonly transcript: readonly Turn[];
}

/** What is known when a call begins. */
export interface CallBegin {
  readonly key: CallKey;
  readonly direction: 'inbound' | 'outbound';
  readonly agentId: string;
  readonly trunk: string;
  readonly transport: CallTransport;
  readonly sipCallId: string;
  readonly callId: string;
  readonly callSid?: string;
  readonly callerId: string;
  readonly calledNumber: string;
  readonly callerTrusted: boolean;
  readonly variables: Readonly<Record<string, string>>;
}

/** What becomes known while a call is up; a field that is given replaces what was there, `warning` is added. */
export interface CallUpdate {
  /** One more conversation of the agent. */
  readonly conversation?: { readonly id: string; readonly input: string; readonly output: string };
  readonly answered?: true;
  readonly streamSid?: string;
  readonly verified?: VerifiedNumber;
  readonly transcript?: readonly Turn[];
  readonly variables?: Readonly<Record<string, string>>;
  readonly recording?: Recorded;
  readonly warning?: string;
}

/** How a call went. */
export interface CallEnd {
  readonly end: Ending;
  readonly seconds: number;
  readonly stats?: LegStats;
}
