import type { GateDecision, Money } from '../../core/tool-facts.ts';
import type { ToolContext, ToolResult } from '../tool.ts';

/** What is sent; a tool registers one `Perform` for each kind that it sends. */
export type SendKind = 'sms' | 'mms' | 'whatsapp' | 'verify';

/** One message that a tool wants to send, its parameters checked. Plain data: while it is held it is stored, sealed. */
export interface Send {
  /** Name of the tool that wants it. */
  readonly tool: string;
  readonly kind: SendKind;
  /** Whom it goes to, E.164, without `whatsapp:`. */
  readonly to: string;
  /** Who sends it: E.164 number, or a messaging service (MG…). Opt-outs hold for recipient and sender together. */
  readonly sender: string;
  /** Other senders of ours whose opt-outs count as well, where Twilio takes a number of its own. */
  readonly alsoFrom?: readonly string[];
  /** Everything the recipient gets to read, template variables included. Empty where the text is not ours (`verify`). */
  readonly text: string;
  /** Links of pictures and files that go with it. */
  readonly media?: readonly string[];
  /** What `Perform` needs besides, as plain JSON; no credential. */
  readonly request: Readonly<Record<string, unknown>>;
}

/** What came of a send that was let go. */
export interface SendOutcome {
  /** What the agent is told; also what it is told when it asks for the very same again. */
  readonly result: ToolResult;
  /**
   * `sent`: it was taken. `unknown`: it may have been, nobody can tell. `refused`: it was looked at and refused; it counts,
   * so that nobody asks on and on. `unprocessed`: certainly nothing happened, budgets are given back and the same may be
   * tried again. `opted-out`: the recipient wants nothing of this sender (21610): as `unprocessed`, and remembered.
   */
  readonly done: 'sent' | 'unknown' | 'refused' | 'unprocessed' | 'opted-out';
  /** Twilio's id of the request (RQ…). */
  readonly requestId?: string;
  /** Twilio's id of the message (SM…, MM…) that was taken, where it has one: its price is looked up by it later. */
  readonly sid?: string;
  /** What it really cost, where that is known at once; else the estimate of `sending.costs` is noted. */
  readonly cost?: Money;
}

/**
 * Sends it. Called once for each send that is let go: at once, or when an operator has approved one that was held. Then
 * there is no context: the call may be over, or on another node. It must not reject.
 */
export type Perform = (send: Send, signal: AbortSignal, context?: ToolContext) => Promise<SendOutcome>;

/** Proof that a send was let go; it is good for one `settle`. */
export interface SendTicket {
  readonly id: string;
}

export type GateAnswer =
  | { readonly go: true; readonly ticket: SendTicket; readonly decisions: readonly GateDecision[] }
  /** `result` is what the agent is told as it is. `repeated`: the same was sent a moment ago, this is its answer. */
  | {
      readonly go: false;
      readonly why: 'refused' | 'held' | 'dry-run' | 'repeated';
      readonly result: ToolResult;
      readonly decisions: readonly GateDecision[];
    };

/** What a reading tool wants to look at. */
export interface Reading {
  readonly tool: string;
  /** What of several things the tool does. */
  readonly action?: string;
  /**
   * Numbers (E.164) that everything in the answer belongs to. Where all of them are the trusted caller's own, the milder
   * tier of the tool counts. Absent or empty: it may be anybody's.
   */
  readonly numbers?: readonly string[];
  /** What it costs, by names of `sending.costs`: `lookup`. Absent: nothing. */
  readonly charges?: readonly string[];
}

export type ReadAnswer =
  /** `giveBack` gives back what was taken of the budgets when the request was certainly not processed. */
  | { readonly go: true; readonly giveBack: () => Promise<void> }
  | { readonly go: false; readonly result: ToolResult };

/**
 * Asked by every tool that writes before it sends, and by every tool that reads before it looks. It notes tier, decisions,
 * request id and cost with the run (`ToolContext.note`), so tools pass nothing on. It never rejects: while the store
 * cannot be reached nothing is sent.
 */
export interface SendingGate {
  /** Once for each kind, when the tools are made. */
  register(kind: SendKind, perform: Perform): void;
  /** All of it: asks, performs, settles, and gives what the agent is told. What a writing tool calls. */
  send(send: Send, context: ToolContext, signal: AbortSignal): Promise<ToolResult>;
  /** The first half of `send`, for a tool that performs itself; every `go` is to be settled. */
  ask(send: Send, context: ToolContext, signal: AbortSignal): Promise<GateAnswer>;
  /** The second half. */
  settle(ticket: SendTicket, outcome: SendOutcome): Promise<ToolResult>;
  read(reading: Reading, context: ToolContext): Promise<ReadAnswer>;
}
