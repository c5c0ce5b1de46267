import type { Generated, Kysely } from 'kysely';
import type { HeldState } from './sends.ts';

/** Tables as both databases have them: text, integers (booleans are 0 and 1, times ms since the Unix epoch), and JSON as text. */
export interface Tables {
  calls: CallTable;
  call_names: { name: string; call: string };
  tool_runs: ToolRunTable;
  outbox: OutboxTable;
  counter_takes: { receipt: string; counter: string; at: number; until: number; amount: Generated<number> };
  switches: { name: string; value: number };
  switch_changes: {
    id: Generated<number>;
    name: string;
    value: number | null;
    who: string;
    why: string;
    at: number;
  };
  nodes: NodeTable;
  facts: { name: string; value: string };
  /** `name` is an HMAC. */
  documents: { kind: string; id: string; name: string; sealed: string };
  document_changes: {
    kind: string;
    revision: number;
    document: string;
    what: string;
    who: string;
    why: string;
    at: number;
  };
  held_sends: HeldSendTable;
  inbound_messages: InboundMessageTable;
  action_keys: ActionKeyTable;
  /** `body` is sealed. */
  pending: { kind: string; id: string; node: string; at: number; body: string };
  recordings_to_remove: { node: string; call: string };
  /** `id` is an HMAC, `key` the id of the key that it was made with. */
  opt_outs: { id: string; number: string; sender: string; cause: string; at: number; key: string | null };
}

/** Whether a node lives: the run that goes by its name, and how often that has said so. */
export interface NodeTable {
  node: string;
  boot: string;
  beats: number;
  at: number;
}

/** `record` is the call as it is known, without what is private; `sealed` holds that. The rest is there to be searched. */
export interface CallTable {
  key: string;
  node: string;
  boot: string;
  state: 'running' | 'ended';
  conversation: string;
  agent: string;
  direction: string;
  trunk: string;
  begun_at: number;
  updated_at: number;
  ended_at: number | null;
  seconds: number;
  result: string | null;
  reason: string | null;
  verified: number;
  record: string;
  sealed: string;
}

export interface ToolRunTable {
  /** Empty: no call asked for it. */
  call: string;
  /** From 0, in the order of the runs; below 0 for those that were not asked for by the agent of the call. */
  place: number;
  agent: string;
  tool: string;
  at: number;
  ms: number;
  status: string;
  is_error: number;
  gate: string | null;
  arguments: string;
  action: string | null;
  tier: string | null;
  /** JSON. */
  gates: string | null;
  request_id: string | null;
  /** Millionths of the currency. */
  cost: number | null;
  currency: string | null;
  /** 0: the cost is an estimate. */
  cost_known: number;
}

export interface HeldSendTable {
  id: string;
  node: string;
  call: string;
  agent: string;
  tool: string;
  kind: string;
  /** Masked. */
  recipient: string;
  /** JSON. */
  findings: string;
  state: HeldState;
  at: number;
  expires_at: number;
  decided_at: number | null;
  decided_by: string | null;
  why: string | null;
  status: string | null;
  /** Sealed. */
  body: string | null;
}

export interface InboundMessageTable {
  sid: string;
  /** Masked. */
  sender: string;
  recipient: string;
  channel: string;
  at: number;
  call: string | null;
  /** Sealed. */
  body: string;
}

export interface ActionKeyTable {
  /** HMAC of the key. */
  id: string;
  /** HMAC of what was asked for. */
  request: string;
  state: 'running' | 'answered';
  at: number;
  /** Sealed. */
  answer: string | null;
}

export interface OutboxTable {
  id: Generated<number>;
  call: string;
  kind: string;
  target: string;
  /** Sealed. */
  body: string | null;
  state: 'waiting' | 'done' | 'dead';
  at: number;
  due_at: number;
  attempt: number;
  lease: string;
  error: string | null;
}

export type Db = Kysely<Tables>;
