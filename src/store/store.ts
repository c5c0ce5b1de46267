import type { CallKey } from '../core/ids.ts';
import type { Documents } from './document.ts';
import type { CallBegin, CallEnd, CallRecord, CallUpdate, RecordPrivate, ToolRun } from './record.ts';
import type { ActionKeys, Executions, HeldSends, InboundMessages, OptOuts, Pending } from './sends.ts';

/** What must survive a restart. Each room is handed the port it needs, never the whole. */
export interface Store {
  readonly journal: CallJournal;
  readonly archive: CallArchive;
  readonly counters: Counters;
  readonly switches: Switches;
  readonly documents: Documents;
  readonly outbox: Outbox;
  readonly heldSends: HeldSends;
  readonly optOuts: OptOuts;
  readonly inboundMessages: InboundMessages;
  readonly executions: Executions;
  readonly actionKeys: ActionKeys;
  readonly pending: Pending;
  /** Settles once everything told so far is durable, or given up on; for shutdown and tests. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Writes down what happens in calls. It never throws, never rejects and never waits: what cannot be written yet is
 * kept and tried again, so that a store that is down never ends or delays a call. What is told of a call that was not
 * begun, or is over, is ignored.
 */
export interface CallJournal {
  begin(call: CallBegin): void;
  update(call: CallKey, more: CallUpdate): void;
  tool(call: CallKey, run: ToolRun): void;
  /** Exactly once: the first one counts. What it announces is queued in the same transaction. */
  finish(call: CallKey, end: CallEnd): void;
  /** The call as it is known now, private part included; undefined once it has been written as ended. */
  current(call: CallKey): { readonly record: CallRecord; readonly secret: RecordPrivate } | undefined;
}

/** Reads of calls, and their removal. Rejects when the store is down. */
export interface CallArchive {
  /** By our call key, a conversation's id, X-CALL-ID, Twilio's SID of call or stream, or the SIP Call-ID; the newest where several fit. */
  find(id: string): Promise<CallRecord | undefined>;
  /** The sealed part of a record. Undefined when there is none, or when no key of `DATA_KEY` opens it. */
  secret(call: CallKey): Promise<RecordPrivate | undefined>;
  list(filter: CallFilter, page: PageRequest): Promise<CallPage>;
  /** Removes a call that is over with its recording and queue entries. `running`: not before it has ended. */
  delete(id: string): Promise<'deleted' | 'not-found' | 'running'>;
}

/** Which calls are wanted; a field that is absent does not narrow. Times in ms since the Unix epoch. */
export interface CallFilter {
  readonly agentId?: string;
  readonly begunBefore?: number;
  readonly begunAfter?: number;
  readonly secondsAtLeast?: number;
  readonly secondsAtMost?: number;
  readonly direction?: 'inbound' | 'outbound';
  readonly state?: 'running' | 'ended';
  readonly trunk?: string;
  /** Any of these results or reasons of the ending. */
  readonly results?: readonly string[];
  readonly reasons?: readonly string[];
  /** Has run any of these tools. */
  readonly tools?: readonly string[];
  /** Conversations whose result is not success are left out, or the others. */
  readonly successful?: boolean;
  /** Has a number been verified? */
  readonly verified?: boolean;
}

export interface PageRequest {
  /** At most `storeLimits.pageRows`. */
  readonly size: number;
  /** `next` of the page before. */
  readonly cursor?: string;
  /** Default: newest first. */
  readonly oldestFirst?: boolean;
}

export interface CallPage {
  readonly calls: readonly CallRecord[];
  /** Absent on the last page. */
  readonly next?: string;
}

/** One limit: at most `limit` takes of `subject` under `name` in any `windowMs`; with `amount` their sum is limited. */
export interface CounterTake {
  /** What is counted, for instance `otp-hour`; a name always goes with the same window. */
  readonly name: string;
  /** Whom it counts for: a number, a call. Only its HMAC is stored. */
  readonly subject: string;
  readonly limit: number;
  readonly windowMs: number;
  /** What this one takes, a whole number; 1 where nothing else is said. A name always goes with or without. */
  readonly amount?: number;
}

export type CounterAnswer =
  | {
      readonly taken: true /** Give it to `giveBack` when what it was taken for never happened. */;
      readonly receipt: string;
    }
  /** `name` is the first limit that is reached; nothing was taken from any. */
  | { readonly taken: false; readonly name: string; readonly retryAfterMs: number };

/** Sliding windows that survive a restart and hold over all nodes. Rejects when the store is down: then nothing may be sent. */
export interface Counters {
  /** Takes one of each, or none at all. Atomic over nodes. */
  take(takes: readonly CounterTake[]): Promise<CounterAnswer>;
  giveBack(receipt: string): Promise<void>;
  /** What was taken of these names under a receipt was `amount` in truth, whatever their limits; nothing where its window is over. */
  correct(receipt: string, names: readonly string[], amount: number): Promise<void>;
  /** How many were taken in the last `windowMs`, whatever their amounts. */
  count(name: string, subject: string, windowMs: number): Promise<number>;
}

export type SwitchName = 'allow_autonomous_sends' | 'kill_switch';

/** What operators turn while the daemon runs. Read at each write; absent means what the configuration says. */
export interface Switches {
  /** Rejects when the store is down: then nothing may be sent. */
  read(): Promise<Partial<Readonly<Record<SwitchName, boolean>>>>;
  /** `value` undefined: back to what the configuration says. */
  set(name: SwitchName, value: boolean | undefined, change: SwitchAuthor): Promise<void>;
  /** Newest first, at most `storeLimits.pageRows`. */
  history(size: number): Promise<readonly SwitchChange[]>;
}

export interface SwitchAuthor {
  /** Name of the API key, or of the command. */
  readonly who: string;
  readonly why: string;
}

export interface SwitchChange extends SwitchAuthor {
  readonly name: SwitchName;
  readonly value: boolean | undefined;
  readonly at: number;
}

/** Something to be delivered, at least once. */
export interface OutboxMessage {
  /** Kind of webhook, for instance `call-ended`. */
  readonly kind: string;
  /** Where it goes, by the name in the configuration. Entries of one call to one target go in their order. */
  readonly target: string;
  /** What the sender needs besides the record; kept sealed, so it may hold full numbers. */
  readonly body?: string;
}

export interface OutboxEntry extends OutboxMessage {
  readonly id: number;
  readonly call: CallKey;
  /** When it was queued; the same at every attempt. */
  readonly at: number;
  /** This one included. */
  readonly attempt: number;
  /** Proof of the claim: `done` and `failed` of who holds another change nothing. */
  readonly lease: string;
}

/** What is announced of a call that is over; asked once, in the transaction that writes the end. Must not throw or wait. */
export type Announce = (record: CallRecord, secret: RecordPrivate) => readonly OutboxMessage[];

/** Durable queue of deliveries. Entries of one call and target are handed out one at a time, oldest first. */
export interface Outbox {
  /** Queues for a call outside of its end. */
  enqueue(call: CallKey, messages: readonly OutboxMessage[]): Promise<void>;
  /**
   * Up to `size` entries that are due, each for `leaseMs`: nobody else gets them before. A lease that runs out (its holder
   * died) makes the entry due again.
   */
  claim(size: number, leaseMs: number): Promise<readonly OutboxEntry[]>;
  done(entry: OutboxEntry): Promise<void>;
  /**
   * Due again after `retryMs`; undefined gives it up: it is `dead`, and the next entry of the call goes on. So does an entry
   * that has had `storeLimits.attempts`. `error` is for people and holds nothing private.
   */
  failed(entry: OutboxEntry, error: string, retryMs: number | undefined): Promise<'waiting' | 'dead'>;
  counts(): Promise<OutboxCounts>;
  /** Calls `wake` when something was queued here; a sender also polls, for other nodes queue too. */
  onQueued(wake: () => void): void;
}

export interface OutboxCounts {
  readonly waiting: number;
  readonly dead: number;
  /** Age of the oldest that waits, ms; 0 when none does. */
  readonly oldestMs: number;
}
