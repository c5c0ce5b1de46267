import type { DeleteResult } from 'kysely';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { CallKey } from '../core/ids.ts';
import type { Logger } from '../core/logger.ts';
import type { DurableActionKeys } from './action-keys.ts';
import type { DurableArchive } from './archive.ts';
import type { DurableHeldSends } from './held-sends.ts';
import type { DurableInboundMessages } from './inbound-messages.ts';
import type { LeftRecordings } from './left-recordings.ts';
import { storeLimits } from './limits.ts';
import type { DurablePending } from './pending.ts';
import type { CallRecord } from './record.ts';
import { recordOf } from './rows.ts';
import type { Db } from './schema.ts';

const dayMs = 86_400_000;

export interface RetentionParts {
  readonly db: () => Promise<Db>;
  readonly archive: Pick<DurableArchive, 'remove'>;
  readonly heldSends: Pick<DurableHeldSends, 'sweep'>;
  readonly inboundMessages: Pick<DurableInboundMessages, 'sweep'>;
  readonly actionKeys: Pick<DurableActionKeys, 'sweep'>;
  readonly pending: Pick<DurablePending, 'sweep'>;
  readonly leftRecordings: Pick<LeftRecordings, 'sweep'>;
  readonly clock: Clock;
  /** Days that calls are kept; 0 keeps them. Asked each time. */
  readonly keepDays: () => number;
  readonly log: Logger;
}

/**
 * Removes some of what is too old: a bounded piece of work, so that nothing else waits for it. A call whose recording cannot
 * be removed keeps its record, holds up no other, and is tried again in the next round.
 */
export class Retention {
  readonly #parts: RetentionParts;
  /** What could not be removed in this round. */
  readonly #stuck = new Set<CallKey>();

  constructor(parts: RetentionParts) {
    this.#parts = parts;
  }

  /** How many calls were removed, and whether there may be more of anything. */
  async sweep(): Promise<{ readonly calls: number; readonly more: boolean }> {
    const db = await this.#parts.db();
    const now = Math.round(this.#parts.clock.wall());
    const queues = await this.#sweepQueues(db, now);
    await this.#parts.heldSends.sweep();
    await this.#parts.inboundMessages.sweep();
    await this.#parts.actionKeys.sweep();
    await this.#parts.pending.sweep();
    await db
      .deleteFrom('tool_runs')
      .where('call', '=', '')
      .where('at', '<', now - storeLimits.heldKeptMs)
      .execute();
    const left = await this.#parts.leftRecordings.sweep();
    const { calls, more: moreCalls } = await this.#sweepCalls(db, now);
    const more = queues || left || moreCalls;
    if (!more) this.#stuck.clear();
    return { calls, more };
  }

  async #sweepCalls(db: Db, now: number): Promise<{ readonly calls: number; readonly more: boolean }> {
    const days = this.#parts.keepDays();
    if (days <= 0 || this.#stuck.size >= storeLimits.stuckCalls) return { calls: 0, more: false };
    const rows = await db
      .selectFrom('calls')
      .select('record')
      .where('begun_at', '<', now - days * dayMs)
      // Said so, SQLite goes by the time and stops at the last of them: by the state it would sort all that ended.
      .where('state', '!=', 'running')
      .where('key', 'not in', [...this.#stuck, ''])
      .orderBy('begun_at')
      .limit(storeLimits.sweepCalls)
      .execute();
    let calls = 0;
    for (const row of rows) if (await this.#remove(recordOf(row))) calls += 1;
    return {
      calls,
      more: rows.length === storeLimits.sweepCalls && this.#stuck.size < storeLimits.stuckCalls,
    };
  }

  async #remove(record: CallRecord): Promise<boolean> {
    const { archive, log } = this.#parts;
    try {
      await archive.remove(record);
      return true;
    } catch (error) {
      this.#stuck.add(record.key);
      log.error('a call that is too old cannot be removed', { call: record.key, error: messageOf(error) });
      return false;
    }
  }

  /** Deliveries that are over, and takes whose window is: a page of each. True: there may be more. */
  async #sweepQueues(db: Db, now: number): Promise<boolean> {
    let more = false;
    const old = [
      { state: 'done' as const, before: now - storeLimits.doneKeptMs },
      { state: 'dead' as const, before: now - storeLimits.deadKeptMs },
    ];
    for (const { state, before } of old) {
      const rows = db
        .selectFrom('outbox')
        .select('id')
        .where('state', '=', state)
        // When it was last at it: by that they are found without going through all that are kept.
        .where('due_at', '<', before)
        .limit(storeLimits.pageRows);
      const gone = await db
        .deleteFrom('outbox')
        .where('id', 'in', eb => eb.selectFrom(rows.as('old')).select('old.id'))
        .executeTakeFirst();
      more ||= wholePage(gone);
    }
    const takes = db
      .selectFrom('counter_takes')
      .select('receipt')
      .where('until', '<', now)
      .limit(storeLimits.pageRows);
    const gone = await db
      .deleteFrom('counter_takes')
      .where('until', '<', now)
      .where('receipt', 'in', eb => eb.selectFrom(takes.as('old')).select('old.receipt'))
      .executeTakeFirst();
    return more || wholePage(gone);
  }
}

const wholePage = ({ numDeletedRows }: DeleteResult) => Number(numDeletedRows) >= storeLimits.pageRows;
