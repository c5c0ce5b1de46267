import type { Kysely, Migration } from 'kysely';
import type { Clock } from '../core/clock.ts';
import type { Sealer } from '../core/seal.ts';
import { notNull } from './columns.ts';
import { storeLimits } from './limits.ts';
import type { Db } from './schema.ts';
import type { Pending, PendingKind } from './sends.ts';

/** What something that was begun needs later on. */
export const pendingTable: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('pending')
      .addColumn('kind', 'text', notNull)
      .addColumn('id', 'text', notNull)
      .addColumn('node', 'text', notNull)
      .addColumn('at', 'bigint', notNull)
      .addColumn('body', 'text', notNull)
      .addPrimaryKeyConstraint('pending_id', ['kind', 'id'])
      .execute();
    await db.schema.createIndex('pending_at').on('pending').column('at').execute();
  },
};

export interface PendingParts {
  readonly db: () => Promise<Db>;
  readonly clock: Clock;
  readonly sealer: Sealer;
  readonly node: string;
}

/** Things as rows, each sealed for its own place. */
export class DurablePending implements Pending {
  readonly #parts: PendingParts;

  constructor(parts: PendingParts) {
    this.#parts = parts;
  }

  async put(kind: PendingKind, id: string, body: string): Promise<boolean> {
    const { clock, sealer, node } = this.#parts;
    const db = await this.#parts.db();
    const { rows } = await db
      .selectFrom('pending')
      .select(({ fn }) => fn.countAll().as('rows'))
      .where('kind', '=', kind)
      .where('at', '>', this.#oldest())
      .executeTakeFirstOrThrow();
    if (Number(rows) >= storeLimits.pending) return false;
    const row = { node, at: Math.round(clock.wall()), body: sealer.seal(body, context(kind, id)) };
    await db
      .insertInto('pending')
      .values({ kind, id, ...row })
      .onConflict(conflict => conflict.columns(['kind', 'id']).doUpdateSet(row))
      .execute();
    return true;
  }

  async find(kind: PendingKind, id: string): Promise<string | undefined> {
    const db = await this.#parts.db();
    const row = await db
      .selectFrom('pending')
      .select('body')
      .where('kind', '=', kind)
      .where('id', '=', id)
      .where('at', '>', this.#oldest())
      .executeTakeFirst();
    return row === undefined ? undefined : this.#parts.sealer.open(row.body, context(kind, id));
  }

  async remove(kind: PendingKind, id: string): Promise<void> {
    const db = await this.#parts.db();
    await db.deleteFrom('pending').where('kind', '=', kind).where('id', '=', id).execute();
  }

  async own(kind: PendingKind, most: number): Promise<readonly string[]> {
    const { sealer, node } = this.#parts;
    const db = await this.#parts.db();
    const found: string[] = [];
    let after = '';
    // A page at a time: one answer of the database is never larger than that.
    while (found.length < most) {
      const rows = await db
        .selectFrom('pending')
        .select(['id', 'body'])
        .where('kind', '=', kind)
        .where('node', '=', node)
        .where('at', '>', this.#oldest())
        .where('id', '>', after)
        .orderBy('id')
        .limit(Math.min(storeLimits.pageRows, most - found.length))
        .execute();
      for (const { id, body } of rows) found.push(sealer.open(body, context(kind, id)) ?? '');
      const last = rows.at(-1);
      if (last === undefined) break;
      after = last.id;
    }
    return found.filter(body => body !== '');
  }

  /** Removes those whose day is over. */
  async sweep(): Promise<void> {
    const db = await this.#parts.db();
    await db.deleteFrom('pending').where('at', '<=', this.#oldest()).execute();
  }

  #oldest(): number {
    return Math.round(this.#parts.clock.wall()) - storeLimits.pendingMs;
  }
}

const context = (kind: PendingKind, id: string) => `pending ${kind} ${id}`;
