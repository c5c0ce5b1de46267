import type { Sealer } from '../core/seal.ts';
import { namesOf } from './draft.ts';
import type { CallRecord, RecordPrivate, ToolRun } from './record.ts';
import type { CallTable, ToolRunTable } from './schema.ts';

/** A call as it is to be written: made at one moment, whatever happens to the call while it is being written. */
export interface CallImage {
  readonly record: CallRecord;
  readonly secret: RecordPrivate;
  readonly row: CallTable;
  /** Those that are not written yet. */
  readonly names: readonly string[];
  readonly tools: readonly ToolRunTable[];
}

export interface ImageParts {
  readonly sealer: Sealer;
  readonly boot: string;
  readonly now: number;
  /** Runs of tools before this one are written already. */
  readonly toolsFrom: number;
  /** What an earlier picture was sealed as, where nothing private has changed since. */
  readonly sealed?: string | undefined;
  /** Names that are written already. */
  readonly named?: ReadonlySet<string>;
}

export function imageOf(live: CallRecord, secret: RecordPrivate, parts: ImageParts): CallImage {
  const record = { ...live };
  const { sealer, boot, now, toolsFrom, sealed, named } = parts;
  const names = namesOf(record).map(bare);
  return {
    record,
    secret,
    row: bareRow({
      key: record.key,
      node: record.node,
      boot,
      state: record.state,
      conversation: record.conversationId,
      agent: record.agentId,
      direction: record.direction,
      trunk: record.trunk,
      begun_at: Math.round(record.stages.begun),
      updated_at: Math.round(now),
      ended_at: record.stages.ended === undefined ? null : Math.round(record.stages.ended),
      seconds: record.seconds,
      result: record.end?.result ?? null,
      reason: record.end?.reason ?? null,
      verified: record.verified === undefined ? 0 : 1,
      record: JSON.stringify(record),
      sealed: sealed ?? sealer.seal(JSON.stringify(secret), record.key),
    }),
    names: named === undefined ? names : names.filter(name => !named.has(name)),
    tools: record.tools.slice(toolsFrom).map((run, index) => toolRow(record, toolsFrom + index, run)),
  };
}

/** PostgreSQL's text has no NUL; inside of JSON it is written as an escape. */
const bare = (text: string): string => (text.includes('\0') ? text.replaceAll('\0', '') : text);

const bareRow = (row: CallTable): CallTable => ({
  ...row,
  agent: bare(row.agent),
  conversation: bare(row.conversation),
  trunk: bare(row.trunk),
});

/** A run of a tool, for which a call has asked. */
export function toolRow(
  { key, agentId }: { readonly key: string; readonly agentId: string },
  place: number,
  run: ToolRun,
): ToolRunTable {
  const { gates, cost } = run;
  return {
    call: key,
    place,
    agent: bare(agentId),
    tool: bare(run.tool),
    at: Math.round(run.at),
    ms: run.ms,
    status: bare(run.status),
    is_error: run.isError ? 1 : 0,
    gate: run.gate ?? null,
    arguments: JSON.stringify(run.arguments),
    action: run.action ?? null,
    tier: run.tier ?? null,
    gates: gates === undefined ? null : JSON.stringify(gates),
    request_id: run.requestId ?? null,
    cost: cost?.micros ?? null,
    currency: cost?.currency ?? null,
    cost_known: 0,
  };
}

export const recordOf = (row: Pick<CallTable, 'record'>): CallRecord => JSON.parse(row.record) as CallRecord;

/** The sealed part; undefined when no key here opens it. */
export function secretOf(row: Pick<CallTable, 'key' | 'sealed'>, sealer: Sealer): RecordPrivate | undefined {
  const text = sealer.open(row.sealed, row.key);
  return text === undefined ? undefined : (JSON.parse(text) as RecordPrivate);
}
