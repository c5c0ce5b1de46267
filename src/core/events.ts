import type { Ending } from './ending.ts';
import type { CallKey, LegId } from './ids.ts';
import type { LegStats } from './leg-stats.ts';
import type { Recorded } from './recorded.ts';
import type { GateDecision, ToolRunFacts } from './tool-facts.ts';

/** What is wrong with the API key of a request: there is none, nobody holds it, or its role may do too little. */
export const keyFaults = ['missing', 'unknown', 'role'] as const;
export type KeyFault = (typeof keyFaults)[number];

/**
 * What happens in the business of this daemon, each counted and logged in one place (`observability/events`).
 * Numbers are masked before they get here.
 */
export type BridgeEvent =
  | {
      readonly type: 'invite-refused';
      readonly status: number;
      readonly end: Ending;
      readonly source: string;
      /** Absent where it had none that could be read, and over a media stream. */
      readonly sipCallId?: string;
    }
  | { readonly type: 'peer-refused'; readonly cause: string; readonly source: string }
  /** A request over HTTP without a key that lets it in. */
  | { readonly type: 'api-key-refused'; readonly cause: KeyFault; readonly source: string }
  | {
      readonly type: 'call-arrived';
      readonly call: CallKey;
      readonly sipCallId: string;
      readonly callId: string;
      readonly caller: string;
      readonly called: string;
      readonly trunk: string;
      readonly headersDropped: number;
    }
  /** The offer had keys for SRTP, and the call goes on as plain RTP. */
  | { readonly type: 'keys-ignored'; readonly call: CallKey; readonly cause: string }
  | {
      readonly type: 'call-placed';
      readonly call: CallKey;
      readonly sipCallId: string;
      readonly caller: string;
      readonly called: string;
      readonly trunk: string;
    }
  /** A call of ours, or a second leg, was not placed. */
  | { readonly type: 'call-not-placed'; readonly trunk: string; readonly end: Ending }
  | {
      readonly type: 'trunk-registered';
      readonly trunk: string;
      readonly registered: boolean;
      /** Of the registrar; 0 when it did not answer. */
      readonly status: number;
      /** Why it does not hold. */
      readonly why?: string;
    }
  | {
      readonly type: 'agent-ready';
      readonly call: CallKey;
      readonly conversationId: string;
      readonly input: string;
      readonly output: string;
      readonly setupMs: number;
    }
  /** The operator was asked what the conversation shall begin with. */
  | {
      readonly type: 'initiation';
      readonly call: CallKey;
      /** The answer is used, the call goes on without it, or is rejected. */
      readonly outcome: 'used' | 'defaults' | 'rejected';
      /** `ok`, or the code of the failure. */
      readonly cause: string;
      readonly detail: string;
      readonly ms: number;
    }
  /** The operator was told of a call, or was not: `later` is tried again, `dead` never. */
  | {
      readonly type: 'webhook';
      readonly call: CallKey;
      readonly event: string;
      readonly outcome: 'delivered' | 'later' | 'dead';
      readonly cause: string;
      readonly detail: string;
      readonly attempt: number;
      readonly ms: number;
      /** From the event to now, ms. */
      readonly ageMs: number;
    }
  | { readonly type: 'agent-retry'; readonly call: CallKey; readonly end: Ending }
  /** After the answer; `way` is what is done about it. */
  | {
      readonly type: 'agent-lost';
      readonly call: CallKey;
      readonly end: Ending;
      readonly way: 'reconnect' | 'transfer' | 'hangup';
    }
  /** A new conversation has begun, so long after the loss of the one before it. */
  | { readonly type: 'agent-resumed'; readonly call: CallKey; readonly ms: number }
  | {
      readonly type: 'call-answered';
      readonly call: CallKey;
      readonly setupMs: number;
      readonly leg: LegId;
    }
  | {
      readonly type: 'tool-run';
      readonly call: CallKey;
      readonly tool: string;
      readonly status: string;
      readonly isError: boolean;
      readonly ms: number;
      /** After `maskArguments`; for the record, not for the log. */
      readonly arguments?: Readonly<Record<string, string>>;
      /** What the gates said, where the tool asked them. */
      readonly gate?: string;
      readonly facts?: ToolRunFacts;
    }
  /** A program of the operator's had something done with the Twilio account: docs/tools.md. */
  | {
      readonly type: 'action-run';
      readonly action: string;
      /** Who holds the API key. */
      readonly by: string;
      readonly status: string;
      readonly isError: boolean;
      readonly ms: number;
      readonly facts: ToolRunFacts;
    }
  /** A person has decided on a held send: docs/sending.md. */
  | {
      readonly type: 'held-decided';
      readonly held: string;
      /** Who holds the API key. */
      readonly by: string;
      /** `waits`: it was approved, and a gate that was asked again lets nothing go out at present. */
      readonly decision: 'approved' | 'refused' | 'waits';
      readonly status: string;
      readonly gates: readonly GateDecision[];
    }
  /** Another telephone has taken over the call, in a dialogue with this SIP Call-ID (RFC 3891). */
  | {
      readonly type: 'call-replaced';
      readonly call: CallKey;
      readonly sipCallId: string;
      readonly caller: string;
    }
  /** The agent wanted its caller handed over; `end` is `transferred`, or why it was not. */
  | {
      readonly type: 'transfer';
      readonly call: CallKey;
      readonly way: 'refer' | 'bridge';
      readonly end: Ending;
      readonly ms: number;
    }
  | {
      readonly type: 'call-ended';
      readonly call: CallKey;
      readonly end: Ending;
      readonly answered: boolean;
      readonly seconds: number;
      readonly stats: LegStats;
    }
  /** The media stream of a call over Twilio is there. */
  | { readonly type: 'stream-started'; readonly call: CallKey; readonly streamSid: string }
  | { readonly type: 'recording-begun'; readonly call: CallKey; readonly encrypted: boolean }
  /** Comes before the end of the call, if it comes at all. */
  | { readonly type: 'recorded'; readonly call: CallKey; readonly recorded: Recorded }
  /** A recording that a crash of this daemon cut off was found as it started. */
  | {
      readonly type: 'recording-found';
      readonly call: string;
      readonly end: Ending;
      readonly seconds: number;
    }
  | { readonly type: 'worker-lost'; readonly worker: number; readonly legs: number };

export interface EventSink {
  emit(event: BridgeEvent): void;
}
