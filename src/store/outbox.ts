import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Clock } from '../core/clock.ts';
import type { CallKey } from '../core/ids.ts';
import type { Sealer } from '../core/seal.ts';
import { storeLimits } from './limits.ts';
import type { Db, OutboxTable } from './schema.ts';
import type { Outbox, OutboxCounts, OutboxEntry, OutboxMessage } from './store.ts';
import { queue } from './writer.ts';

export interface OutboxParts {
  /** Settles once the database can be used. */
  readonly db: () => Promise<Db>;
  readonly clock: Clock;
  readonly sealer: Sealer;
  readonly node: string;
}

/** The queue of deliveries, in the database. */
export class DurableOutbox implements Outbox {
  readonly #parts: OutboxParts;
  #wake: () => void = () => undefined;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  onQueued(wake: () => void): void {
    this.#wake = wake;
  }

  /** Something was queued in a transaction that is through. */
  queued(): void {
    this.#wake();
  }

  async enqueue(call: CallKey, messages: readonly OutboxMessage[]): Promise<void> {
    const { db, clock, sealer } = this.#parts;
    await queue(await db(), call, messages, clock.wall(), sealer);
    if (messages.length > 0) this.queued();
  }

  async claim(size: number, leaseMs: number): Promise<readonly OutboxEntry[]> {
    const db = await this.#parts.db();
    const now = Math.round(this.#parts.clock.wall());
    const due = await db
      .selectFrom('outbox')
      .select('id')
      .where('state', '=', 'waiting')
      .where('due_at', '<=', now)
      // Only the oldest of its call and target: the others come after it.
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('outbox as earlier')
              .select('earlier.id')
              .whereRef('earlier.call', '=', 'outbox.call')
              .whereRef('earlier.target', '=', 'outbox.target')
              .whereRef('earlier.id', '<', 'outbox.id')
              .where('earlier.state', '=', 'waiting'),
          ),
        ),
      )
      .orderBy('due_at')
      .orderBy('id')
      .limit(Math.min(size, storeLimits.pageRows))
      .execute();
    const claimed: OutboxEntry[] = [];
    for (const { id } of due) {
      const entry = await this.#take(db, id, now, leaseMs);
      if (entry !== undefined) claimed.push(entry);
    }
    return claimed;
  }

  /** Another node may have been faster: then the row is not due any more. */
  async #take(db: Db, id: number, now: number, leaseMs: number): Promise<OutboxEntry | undefined> {
    const row = await db
      .updateTable('outbox')
      .set(({ eb }) => ({
        lease: `${this.#parts.node} ${randomUUID()}`,
        due_at: now + Math.round(leaseMs),
        attempt: eb('attempt', '+', 1),
      }))
      .where('id', '=', id)
      .where('state', '=', 'waiting')
      .where('due_at', '<=', now)
      .returningAll()
      .executeTakeFirst();
    return row === undefined ? undefined : this.#entry(row);
  }

  /** What an earlier run of this node was at is due again at once: nobody is at it any more. */
  async reclaim(db: Db): Promise<void> {
    const own = `${this.#parts.node} `;
    await db
      .updateTable('outbox')
      .set({ lease: '', due_at: Math.round(this.#parts.clock.wall()) })
      .where('state', '=', 'waiting')
      .where(sql<string>`substr(lease, 1, ${own.length})`, '=', own)
      .execute();
  }

  #entry({ id, call, kind, target, at, attempt, lease, body }: Row): OutboxEntry {
    const text = body === null ? undefined : this.#parts.sealer.open(body, `outbox ${call}`);
    return {
      id,
      call: call as CallKey,
      kind,
      target,
      at,
      attempt,
      lease,
      ...(text === undefined ? {} : { body: text }),
    };
  }

  async done(entry: OutboxEntry): Promise<void> {
    await this.#settle(entry, { state: 'done', error: null, body: null });
  }

  async failed(entry: OutboxEntry, error: string, retryMs: number | undefined): Promise<'waiting' | 'dead'> {
    const over = retryMs === undefined || entry.attempt >= storeLimits.attempts;
    const now = this.#parts.clock.wall();
    await this.#settle(entry, {
      state: over ? 'dead' : 'waiting',
      error: error.slice(0, storeLimits.errorLength),
      ...(over ? {} : { due_at: Math.round(now + retryMs) }),
    });
    return over ? 'dead' : 'waiting';
  }

  async #settle({ id, lease }: OutboxEntry, change: Partial<Row>): Promise<void> {
    const db = await this.#parts.db();
    await db
      .updateTable('outbox')
      .set({ ...change, lease: '' })
      .where('id', '=', id)
      .where('lease', '=', lease)
      .where('state', '=', 'waiting')
      .execute();
  }

  async counts(): Promise<OutboxCounts> {
    const db = await this.#parts.db();
    // All of it is in an index of SQLite's: after a day without the receiver there are many.
    const rows = await db
      .selectFrom('outbox')
      .select(({ fn }) => ['state', fn.countAll().as('rows'), fn.min('id').as('first')])
      .where('state', 'in', ['waiting', 'dead'])
      .groupBy('state')
      .execute();
    const of = (state: string) => rows.find(row => row.state === state);
    const oldest = await this.#queuedAt(db, Number(of('waiting')?.first ?? 0));
    return {
      waiting: Number(of('waiting')?.rows ?? 0),
      dead: Number(of('dead')?.rows ?? 0),
      oldestMs: oldest === undefined ? 0 : Math.max(0, this.#parts.clock.wall() - oldest),
    };
  }

  /** Numbers begin with 1. */
  async #queuedAt(db: Db, id: number): Promise<number | undefined> {
    if (id === 0) return undefined;
    const row = await db.selectFrom('outbox').select('at').where('id', '=', id).executeTakeFirst();
    return row === undefined ? undefined : Number(row.at);
  }
}

type Row = Omit<OutboxTable, 'id'> & { readonly id: number };
