import { randomUUID } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import type { Clock } from '../core/clock.ts';
import type { Sealer } from '../core/seal.ts';
import { storeLimits } from './limits.ts';
import type { Engine } from './migrations.ts';
import type { Db, Tables } from './schema.ts';
import type { CounterAnswer, Counters, CounterTake } from './store.ts';

export interface CounterParts {
  readonly db: () => Promise<Db>;
  readonly engine: Engine;
  readonly clock: Clock;
  /** Names whom a counter is for, so that no number is stored. */
  readonly sealer: Sealer;
}

/** Counters as rows of takes: a window slides, and holds over restarts and nodes. */
export class DurableCounters implements Counters {
  readonly #parts: CounterParts;

  constructor(parts: CounterParts) {
    this.#parts = parts;
  }

  async take(takes: readonly CounterTake[]): Promise<CounterAnswer> {
    const db = await this.#parts.db();
    return db.transaction().execute(async tx => {
      const wanted = takes.map(take => ({ ...take, counter: this.#counter(take.name, take.subject) }));
      await this.#lock(tx, wanted);
      const now = Math.round(this.#parts.clock.wall());
      for (const want of wanted) {
        const retryAfterMs = await (want.amount === undefined ? waitFor : waitForSum)(tx, want, now);
        if (retryAfterMs !== undefined) return { taken: false, name: want.name, retryAfterMs };
      }
      const receipt = randomUUID();
      await tx
        .insertInto('counter_takes')
        .values(
          wanted.map(({ counter, windowMs, amount = 1 }) => ({
            receipt,
            counter,
            at: now,
            until: now + windowMs,
            amount,
          })),
        )
        .execute();
      return { taken: true, receipt };
    });
  }

  async giveBack(receipt: string): Promise<void> {
    const db = await this.#parts.db();
    await db.deleteFrom('counter_takes').where('receipt', '=', receipt).execute();
  }

  async correct(receipt: string, names: readonly string[], amount: number): Promise<void> {
    const db = await this.#parts.db();
    await db
      .updateTable('counter_takes')
      .set({ amount })
      .where('receipt', '=', receipt)
      .where(eb => eb.or(names.map(name => eb('counter', 'like', `${name}:%`))))
      .execute();
  }

  async count(name: string, subject: string, windowMs: number): Promise<number> {
    const db = await this.#parts.db();
    const now = Math.round(this.#parts.clock.wall());
    const row = await db
      .selectFrom('counter_takes')
      .select(({ fn }) => fn.countAll().as('takes'))
      .where('counter', '=', this.#counter(name, subject))
      .where('at', '>', now - windowMs)
      .executeTakeFirst();
    return Number(row?.takes ?? 0);
  }

  /** SQLite has one writer at a time; PostgreSQL's are kept apart by name, in one order, so that none waits in a circle. */
  async #lock(tx: Kysely<Tables>, wanted: readonly { readonly counter: string }[]): Promise<void> {
    if (this.#parts.engine !== 'postgres') return;
    for (const { counter } of [...wanted].sort((a, b) => (a.counter < b.counter ? -1 : 1))) {
      await sql`select pg_advisory_xact_lock(hashtextextended(${counter}, 0))`.execute(tx);
    }
  }

  #counter(name: string, subject: string): string {
    return `${name}:${this.#parts.sealer.name(`${name} ${subject}`)}`;
  }
}

/** How long until there is room; undefined when there is. */
async function waitFor(
  tx: Kysely<Tables>,
  { counter, limit, windowMs }: CounterTake & { readonly counter: string },
  now: number,
): Promise<number | undefined> {
  if (limit <= 0) return windowMs;
  // The oldest of the newest `limit` takes: where there is one, it has to leave the window first.
  const last = await tx
    .selectFrom('counter_takes')
    .select('at')
    .where('counter', '=', counter)
    .where('at', '>', now - windowMs)
    .orderBy('at', 'desc')
    .limit(1)
    .offset(limit - 1)
    .executeTakeFirst();
  return last === undefined ? undefined : Math.max(1, last.at + windowMs - now);
}

/** The same where amounts are limited, not how often. */
async function waitForSum(
  tx: Kysely<Tables>,
  { counter, limit, windowMs, amount = 1 }: CounterTake & { readonly counter: string },
  now: number,
): Promise<number | undefined> {
  if (amount > limit) return windowMs;
  const inWindow = tx
    .selectFrom('counter_takes')
    .where('counter', '=', counter)
    .where('at', '>', now - windowMs);
  const row = await inWindow.select(({ fn }) => fn.sum('amount').as('sum')).executeTakeFirst();
  let excess = Number(row?.sum ?? 0) + amount - limit;
  if (excess <= 0) return undefined;
  const oldest = await inWindow.select(['at', 'amount']).orderBy('at').limit(storeLimits.pageRows).execute();
  // So many of the oldest have to leave the window first.
  for (const take of oldest) {
    excess -= Number(take.amount);
    if (excess <= 0) return Math.max(1, take.at + windowMs - now);
  }
  return windowMs;
}
