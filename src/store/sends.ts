import type { CallerTier, Money } from '../core/tool-facts.ts';
import type { ToolRun } from './record.ts';

/** Whom a message goes to, and whom it comes from: opt-outs hold for the two together. Only their HMAC is looked up. */
export interface OptOutPair {
  /** E.164. */
  readonly number: string;
  /** E.164 number, or a messaging service (MG…). */
  readonly sender: string;
}

/** How it is known: the recipient wrote STOP, Twilio refused with 21610, or an operator says so. */
export type OptOutCause = 'stop' | 'refused' | 'operator';

export interface OptOut {
  readonly id: string;
  /** Masked. */
  readonly number: string;
  /** Masked, but for a messaging service. */
  readonly sender: string;
  readonly cause: OptOutCause;
  /** ms since the Unix epoch. */
  readonly at: number;
}

/** Who wants no messages any more. Holds on all nodes. Rejects when the store is down: then nothing may be sent. */
export interface OptOuts {
  has(pair: OptOutPair): Promise<boolean>;
  add(pair: OptOutPair, cause: OptOutCause): Promise<void>;
  /** The recipient wrote START. False: there was none. */
  remove(pair: OptOutPair): Promise<boolean>;
  /** By an operator, from the list. */
  removeById(id: string): Promise<boolean>;
  list(page: SendsPage): Promise<{ readonly optOuts: readonly OptOut[]; readonly next?: string }>;
}

export interface SendsPage {
  /** At most `storeLimits.pageRows`. */
  readonly size: number;
  /** `next` of the page before. */
  readonly cursor?: string;
}

/**
 * `waiting` for somebody to decide; `sending` while it is being sent; then `sent`, `failed`, or `unknown`, when whoever sent it
 * died over it; `refused` by somebody; `expired` undecided.
 */
export type HeldState = 'waiting' | 'sending' | 'sent' | 'failed' | 'unknown' | 'refused' | 'expired';

/** A send that waits for a person. Numbers are masked; text and number are in its body. */
export interface HeldSend {
  readonly id: string;
  readonly call: string;
  readonly agentId: string;
  readonly tool: string;
  readonly kind: string;
  /** Masked. */
  readonly recipient: string;
  /** What was found in it, by names: `link`. */
  readonly findings: readonly string[];
  readonly state: HeldState;
  /** ms since the Unix epoch. */
  readonly at: number;
  readonly expiresAt: number;
  readonly decidedAt?: number;
  readonly decidedBy?: string;
  readonly why?: string;
  /** Word of the tool's result, once it was sent or could not be. */
  readonly status?: string;
}

export interface NewHeldSend {
  readonly call: string;
  readonly agentId: string;
  readonly tool: string;
  readonly kind: string;
  readonly recipient: string;
  readonly findings: readonly string[];
  /** The send itself; kept sealed, and wiped once it is over. */
  readonly body: string;
  readonly lifeMs: number;
}

export interface HeldAuthor {
  readonly who: string;
  readonly why: string;
}

/** Why nothing was changed: there is none of that id, or it was decided, sent or expired before. */
export type HeldRefusal = 'not-found' | 'over';

/** Sends that wait for a person, on all nodes. Survives a restart. Rejects when the store is down. */
export interface HeldSends {
  /** Its id; undefined when as many wait as may. */
  hold(send: NewHeldSend): Promise<string | undefined>;
  find(id: string): Promise<HeldSend | undefined>;
  /** The send as it was held; undefined once it is over, or when no key of `DATA_KEY` opens it. */
  body(id: string): Promise<string | undefined>;
  /** Takes one that waits in order to send it: of any number of nodes and people one alone gets it. */
  claim(id: string, author: HeldAuthor): Promise<{ readonly body: string | undefined } | HeldRefusal>;
  /** What became of one that was claimed. */
  finish(id: string, state: 'sent' | 'failed' | 'unknown', status: string): Promise<void>;
  refuse(id: string, author: HeldAuthor): Promise<'refused' | HeldRefusal>;
  /** Newest first; `states` undefined: all. */
  list(
    filter: { readonly states?: readonly HeldState[]; readonly call?: string },
    page: SendsPage,
  ): Promise<{ readonly held: readonly HeldSend[]; readonly next?: string }>;
}

/** One run of a tool, wherever it was asked for. */
export interface Execution extends ToolRun {
  /** Empty: no call asked for it. */
  readonly call: string;
  readonly agentId: string;
  /** Twilio has told the cost; else it is an estimate. */
  readonly costKnown?: true;
}

/** What Twilio has told of a run's cost, some time after it. */
export interface KnownCost {
  /** Twilio's id of the request that the run made (RQ…). */
  readonly requestId: string;
  /** About when that was, ms since the Unix epoch. */
  readonly at: number;
  readonly cost: Money;
}

/** Which runs are wanted; a field that is absent does not narrow. */
export interface ExecutionFilter {
  readonly tool?: string;
  readonly status?: string;
  readonly call?: string;
  readonly agentId?: string;
  readonly tier?: CallerTier;
  /** ms since the Unix epoch, both included. */
  readonly from: number;
  readonly to: number;
}

/** The runs of all tools. Those of calls are written with the call; others are added here. */
export interface Executions {
  /** Newest first. Rejects when the store is down. */
  list(
    filter: ExecutionFilter,
    page: SendsPage,
  ): Promise<{ readonly executions: readonly Execution[]; readonly next?: string }>;
  add(run: Execution): Promise<void>;
  /** Replaces the estimate; nothing where the run is not kept any more. */
  priced(known: KnownCost): Promise<void>;
}

/** A message that somebody sent to one of our numbers. */
export interface NewInboundMessage {
  /** SM… or MM…. */
  readonly sid: string;
  /** E.164. */
  readonly from: string;
  readonly to: string;
  readonly channel: 'sms' | 'whatsapp';
  readonly text: string;
  /** URLs of its media, at Twilio. */
  readonly media: readonly string[];
  /** The call of its sender that was up. */
  readonly call?: string | undefined;
}

export interface InboundMessage {
  readonly sid: string;
  /** Masked. */
  readonly sender: string;
  readonly recipient: string;
  readonly channel: string;
  /** ms since the Unix epoch. */
  readonly at: number;
  readonly call?: string;
  /** Undefined: no key of `DATA_KEY` opens it. */
  readonly content?: Pick<NewInboundMessage, 'from' | 'to' | 'text' | 'media'> | undefined;
}

/** Which of them are wanted; a field that is absent does not narrow. */
export interface InboundMessageFilter {
  readonly channel?: NewInboundMessage['channel'];
  /** Key of the call that was told of it. */
  readonly call?: string;
  /** ms since the Unix epoch, both included. */
  readonly from?: number;
  readonly to?: number;
}

/** Messages that came in, for thirty days. Rejects when the store is down. */
export interface InboundMessages {
  /** False: it is there already, told before or to another node. */
  add(message: NewInboundMessage): Promise<boolean>;
  /** Newest first. */
  list(
    filter: InboundMessageFilter,
    page: SendsPage,
  ): Promise<{ readonly messages: readonly InboundMessage[]; readonly next?: string }>;
}

/** What is there of an action that is asked for under a key. */
export type KeyedAction =
  /** Nothing: whoever asked carries it out, and then says what came of it. */
  | { readonly state: 'first' }
  /** It was done. The answer is undefined where no key of `DATA_KEY` opens it. */
  | { readonly state: 'answered'; readonly answer: string | undefined }
  | { readonly state: 'running' }
  /** It was begun, and whoever did it has said no more: perhaps it was done. */
  | { readonly state: 'lost' }
  /** The key stands for something else. */
  | { readonly state: 'other' }
  /** As many keys are kept as may be. */
  | { readonly state: 'full' };

/**
 * Keys that programs give to what they ask for, so that it is done once however often it is asked: for a day, on all nodes, and
 * over restarts. Of key and request only HMACs are kept. Rejects when the store is down: then nothing may be done.
 */
export interface ActionKeys {
  /** Of any number that begin at once, one is the first. */
  begin(key: string, request: string): Promise<KeyedAction>;
  /** It was done, or perhaps was; kept sealed for who asks again. */
  answered(key: string, answer: string): Promise<void>;
  /** It certainly was not done: the key is as new. */
  free(key: string): Promise<void>;
}

/** `call`: what an agent's call is to begin with, until it is answered; `price`: something that was bought, until its price is told. */
export type PendingKind = 'call' | 'price';

/**
 * What something that was begun needs later on: kept sealed for a day, on all nodes and over restarts. Rejects when the store is
 * down.
 */
export interface Pending {
  /** Takes the place of one of the same id. False: as many are kept as may be. */
  put(kind: PendingKind, id: string, body: string): Promise<boolean>;
  /** Undefined: there is none, its day is over, or no key of `DATA_KEY` opens it. */
  find(kind: PendingKind, id: string): Promise<string | undefined>;
  remove(kind: PendingKind, id: string): Promise<void>;
  /** Those that this node has put, at most so many, in the order of their ids; without those that no key opens. */
  own(kind: PendingKind, most: number): Promise<readonly string[]>;
}
