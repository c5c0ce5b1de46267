import type { SelectQueryBuilder } from 'kysely';
import type { CallKey } from '../core/ids.ts';
import type { Sealer } from '../core/seal.ts';
import { leave, type RemoveRecording } from './left-recordings.ts';
import { storeLimits } from './limits.ts';
import { paged, placeAt } from './pages.ts';
import type { CallRecord, RecordPrivate } from './record.ts';
import { recordOf, secretOf } from './rows.ts';
import type { Db, Tables } from './schema.ts';
import type { CallArchive, CallFilter, CallPage, PageRequest } from './store.ts';

export interface ArchiveParts {
  readonly db: () => Promise<Db>;
  /** For lists. */
  readonly reads: () => Promise<Db>;
  readonly sealer: Sealer;
  /** Name of this node. */
  readonly node: string;
  readonly removeRecording: RemoveRecording;
}

type Calls = SelectQueryBuilder<Tables, 'calls', object>;

/** Reads of calls. Lists may go through every call, and answer with a page of them. */
export class DurableArchive implements CallArchive {
  readonly #parts: ArchiveParts;

  constructor(parts: ArchiveParts) {
    this.#parts = parts;
  }

  async find(id: string): Promise<CallRecord | undefined> {
    const db = await this.#parts.db();
    const row = await db
      .selectFrom('call_names')
      .innerJoin('calls', 'calls.key', 'call_names.call')
      .select('calls.record')
      .where('call_names.name', '=', id)
      .orderBy('calls.begun_at', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row === undefined ? undefined : recordOf(row);
  }

  async secret(call: CallKey): Promise<RecordPrivate | undefined> {
    const db = await this.#parts.db();
    const row = await db
      .selectFrom('calls')
      .select(['key', 'sealed'])
      .where('key', '=', call)
      .executeTakeFirst();
    return row === undefined ? undefined : secretOf(row, this.#parts.sealer);
  }

  async list(filter: CallFilter, page: PageRequest): Promise<CallPage> {
    const db = await this.#parts.reads();
    const size = Math.max(1, Math.min(page.size, storeLimits.pageRows - 1));
    const direction = page.oldestFirst === true ? 'asc' : 'desc';
    const rows = await after(narrowed(db.selectFrom('calls'), filter), page)
      .select(['key', 'begun_at', 'record'])
      .orderBy('begun_at', direction)
      .orderBy('key', direction)
      .limit(size + 1)
      .execute();
    const shown = paged(rows, size, row => ({ at: Number(row.begun_at), names: [row.key] }));
    return {
      calls: shown.rows.map(recordOf),
      ...(shown.next === undefined ? {} : { next: shown.next }),
    };
  }

  async delete(id: string): Promise<'deleted' | 'not-found' | 'running'> {
    const record = await this.find(id);
    if (record === undefined) return 'not-found';
    if (record.state === 'running') return 'running';
    await this.remove(record);
    return 'deleted';
  }

  /**
   * The recording first: what cannot be removed keeps its record, so that it can be tried again. One that another node made
   * lies there, and is left to that node.
   */
  async remove(record: CallRecord): Promise<void> {
    await this.#parts.removeRecording(record);
    const db = await this.#parts.db();
    const { key, node, recording } = record;
    await db.transaction().execute(async tx => {
      if (node !== this.#parts.node && recording !== undefined) await leave(tx, record);
      await tx.deleteFrom('outbox').where('call', '=', key).execute();
      await tx.deleteFrom('tool_runs').where('call', '=', key).execute();
      await tx.deleteFrom('call_names').where('call', '=', key).execute();
      await tx.deleteFrom('calls').where('key', '=', key).execute();
    });
  }
}

function narrowed(calls: Calls, filter: CallFilter): Calls {
  const { agentId, trunk, direction, state, results, reasons, tools, successful, verified } = filter;
  let query = withinTimes(calls, filter);
  if (agentId !== undefined) query = query.where('agent', '=', agentId);
  if (trunk !== undefined) query = query.where('trunk', '=', trunk);
  if (direction !== undefined) query = query.where('direction', '=', direction);
  // An index finds those that are running. Of the others SQLite would sort all by their time, were it to find them so.
  if (state === 'running') query = query.where('state', '=', state);
  if (state === 'ended') query = query.where('state', '!=', 'running');
  if (results !== undefined) query = query.where('result', 'in', [...results, '']);
  if (reasons !== undefined) query = query.where('reason', 'in', [...reasons, '']);
  if (successful === true) query = query.where('result', '=', 'success');
  if (successful === false)
    query = query.where(eb => eb.or([eb('result', 'is', null), eb('result', '!=', 'success')]));
  if (verified !== undefined) query = query.where('verified', '=', verified ? 1 : 0);
  if (tools !== undefined) {
    query = query.where(({ exists, selectFrom }) =>
      exists(
        selectFrom('tool_runs')
          .select('tool_runs.call')
          .whereRef('tool_runs.call', '=', 'calls.key')
          .where('tool_runs.tool', 'in', [...tools, '']),
      ),
    );
  }
  return query;
}

function withinTimes(calls: Calls, filter: CallFilter): Calls {
  const { begunBefore, begunAfter, secondsAtLeast, secondsAtMost } = filter;
  let query = calls;
  if (begunBefore !== undefined) query = query.where('begun_at', '<', begunBefore);
  if (begunAfter !== undefined) query = query.where('begun_at', '>', begunAfter);
  if (secondsAtLeast !== undefined) query = query.where('seconds', '>=', secondsAtLeast);
  if (secondsAtMost !== undefined) query = query.where('seconds', '<=', secondsAtMost);
  return query;
}

/** Goes on behind the last call of the page before. */
function after(calls: Calls, { cursor, oldestFirst }: PageRequest): Calls {
  const place = placeAt(cursor, 1);
  if (place === undefined) return calls;
  const { at } = place;
  const [key = ''] = place.names;
  const beyond = oldestFirst === true ? '>' : '<';
  return calls.where(eb =>
    eb.or([eb('begun_at', beyond, at), eb.and([eb('begun_at', '=', at), eb('key', beyond, key)])]),
  );
}
