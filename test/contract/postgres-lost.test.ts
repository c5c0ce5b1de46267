import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openPostgres } from '../../src/store/database.ts';
import { type Postgres, requirePostgres, startPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

const there = requirePostgres('a connection to PostgreSQL that breaks');

let postgres: Postgres;
let database: Database;
let other: Database;
const lost: Error[] = [];
beforeAll(async () => {
  if (!there) return;
  postgres = await startPostgres();
  const url = postgres.database();
  database = await openPostgres(url, error => void lost.push(error));
  other = await openPostgres(url, () => undefined);
}, 60_000);
afterAll(async () => {
  if (!there) return;
  await Promise.all([database.close(), other.close()]);
  await postgres.remove();
});

const ownPid = sql<{ pid: number }>`select pg_backend_pid() as pid`;

/** Ends that connection on the side of the server, and waits until it is gone. */
async function terminate(pid: number): Promise<void> {
  await sql`select pg_terminate_backend(${pid})`.execute(other.db);
  const alive = sql<{ n: number }>`select count(*) as n from pg_stat_activity where pid = ${pid}`;
  await until(async () => (await alive.execute(other.db)).rows[0]?.n === 0, 'the connection to be gone');
}

describe.skipIf(!there)('a connection that PostgreSQL ends', () => {
  it('between two queries of a transaction fails the transaction, and neither the process nor the next one', async () => {
    // Nobody waits for anything at that moment: without a listener it would be an exception that nobody catches.
    const transaction = database.db.transaction().execute(async tx => {
      const { rows } = await ownPid.execute(tx);
      await terminate(rows[0]?.pid ?? 0);
      await sql`select 1`.execute(tx);
    });
    // Which of them it is depends on whether the server's farewell was read before the next query was written.
    await expect(transaction).rejects.toThrow(/connection|terminat|ECONNRESET|EPIPE/i);
    expect((await ownPid.execute(database.db)).rows).toHaveLength(1);
  });

  it('while it rests is told, and the next query has another', async () => {
    const { rows } = await ownPid.execute(database.db);
    await terminate(rows[0]?.pid ?? 0);
    await until(() => lost.length === 1, 'the pool to tell');
    expect((await ownPid.execute(database.db)).rows[0]?.pid).not.toBe(rows[0]?.pid);
  });
});
