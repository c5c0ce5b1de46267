import type { Clock } from '../core/clock.ts';
import type { DurableArchive } from './archive.ts';
import { storeLimits } from './limits.ts';
import { recordOf } from './rows.ts';
import type { Db } from './schema.ts';

const dayMs = 86_400_000;

export interface RetentionParts {
  readonly db: () => Promise<Db>;
  readonly archive: Pick<DurableArchive, 'remove'>;
  readonly clock: Clock;
  /** Days that calls are kept; 0 keeps them. Asked each time. */
  readonly keepDays: () => number;
}

/** Removes some of what is too old: a bounded piece of work, so that nothing else waits for it. */
export class Retention {
  readonly #parts: RetentionParts;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
  }

  /** How many calls were removed, and whether there may be more. */
  async sweep(): Promise<{ readonly calls: number; readonly more: boolean }> {
    const { clock, keepDays, archive } = this.#parts;
    const db = await this.#parts.db();
    const now = Math.round(clock.wall());
    await this.#sweepQueues(db, now);
    const days = keepDays();
    if (days <= 0) return { calls: 0, more: false };
    const rows = await db
      .selectFrom('calls')
      .select('record')
      .where('begun_at', '<', now - days * dayMs)
      .where('state', '=', 'ended')
      .orderBy('begun_at')
      .limit(storeLimits.sweepCalls)
      .execute();
    for (const row of rows) await archive.remove(recordOf(row));
    return { calls: rows.length, more: rows.length === storeLimits.sweepCalls };
  }

  /** Deliveries that are over, and takes whose window is. */
  async #sweepQueues(db: Db, now: number): Promise<void> {
    const old = [
      { state: 'done' as const, before: now - storeLimits.doneKeptMs },
      { state: 'dead' as const, before: now - storeLimits.deadKeptMs },
    ];
    for (const { state, before } of old) {
      const rows = db
        .selectFrom('outbox')
        .select('id')
        .where('state', '=', state)
        .where('at', '<', before)
        .limit(storeLimits.pageRows);
      await db
        .deleteFrom('outbox')
        .where('id', 'in', eb => eb.selectFrom(rows.as('old')).select('old.id'))
        .execute();
    }
    const takes = db
      .selectFrom('counter_takes')
      .select('receipt')
      .where('until', '<', now)
      .limit(storeLimits.pageRows);
    await db
      .deleteFrom('counter_takes')
      .where('until', '<', now)
      .where('receipt', 'in', eb => eb.selectFrom(takes.as('old')).select('old.receipt'))
      .execute();
  }
}
