import { mkdtempSync, rmSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import Libsql from 'libsql';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/core/logger.ts';
import { type Database, migrate, openPostgres, openSqlite } from '../../src/store/database.ts';
import { storeLimits } from '../../src/store/limits.ts';
import type { Reading, startReading } from '../../src/store/reading.ts';
import type { Db } from '../../src/store/schema.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { nicenessOf } from '../support/niceness.ts';
import { type Postgres, requirePostgres, startPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

// Vitest cannot start a TypeScript worker on Node 20.
const built = new URL('../../dist/src/store/reading.js', import.meta.url).href;
const { startReading: start } = (await import(/* @vite-ignore */ built)) as {
  readonly startReading: typeof startReading;
};

let folder: string;
let path: string;
let warned: string[];
let written: Database;
let reading: Reading;
const log = { ...silentLogger, warn: (message: string) => void warned.push(message) };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'trunkbridge-reading-'));
  path = join(folder, 'a.db');
  warned = [];
  written = openSqlite(path);
  await migrate(written);
  reading = start(path, log);
});
afterEach(async () => {
  await reading.close();
  await written.close();
  rmSync(folder, { recursive: true, force: true });
});

const add = (name: string) => written.db.insertInto('facts').values({ name, value: 'x' }).execute();
const names = async (db: Db) =>
  (await db.selectFrom('facts').select('name').orderBy('name').execute()).map(({ name }) => name);

/** Goes through a table of `rows` rows once for each row of it: for as long as it is wished. */
const search = (db: Db) =>
  db
    .selectFrom(['facts as a', 'facts as b'])
    .select(({ fn }) => fn.countAll<number>().as('pairs'))
    .whereRef('a.value', '!=', 'b.value')
    .executeTakeFirstOrThrow();

/** What was asked is with the thread. */
const handedOver = () => new Promise(resolve => setImmediate(resolve));

async function fill(rows: number): Promise<void> {
  const file = new Libsql(path);
  const insert = file.prepare('INSERT INTO facts VALUES (?, ?)');
  file.exec('BEGIN');
  for (let i = 0; i < rows; i++) insert.run(`name ${i}`, `value of ${i}`);
  file.exec('COMMIT');
  file.close();
}

/** Turns that the loop of this thread took until something was over. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  let over = false;
  const count = () => {
    turns++;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  await work.finally(() => {
    over = true;
  });
  return turns;
}

describe('the thread that reads records', () => {
  it('sees all that was written before', async () => {
    await add('first');
    expect(await names(reading.db)).toEqual(['first']);
    await add('second');
    expect(await names(reading.db)).toEqual(['first', 'second']);
  });

  it('lets calls go on during a search that takes long, and the main thread does not without it', async () => {
    const rows = 3_000;
    await fill(rows);
    await names(reading.db);
    const pairs = rows * (rows - 1);
    const beside = search(reading.db);
    expect(await turnsDuring(beside)).toBeGreaterThan(100);
    expect(await beside).toEqual({ pairs });
    const own = search(written.db);
    expect(await turnsDuring(own)).toBeLessThan(20);
    expect(await own).toEqual({ pairs });
  }, 60_000);

  it('keeps nobody from writing during a search', async () => {
    await fill(6_000);
    let searched = false;
    const beside = search(reading.db).finally(() => {
      searched = true;
    });
    await add('written meanwhile');
    expect(searched).toBe(false);
    await beside;
    expect(await names(reading.db)).toContain('written meanwhile');
  }, 60_000);

  it('writes nothing', async () => {
    const insert = reading.db.insertInto('facts').values({ name: 'a', value: 'b' }).execute();
    await expect(insert).rejects.toMatchObject({ code: 'store-read' });
    await expect(reading.db.transaction().execute(async () => 1)).rejects.toThrow('single queries');
    expect(await names(reading.db)).toEqual([]);
  });

  it('says what is wrong with a query, and answers the next', async () => {
    const wrong = reading.db
      .selectFrom('nothing' as 'facts')
      .selectAll()
      .execute();
    await expect(wrong).rejects.toMatchObject({
      code: 'store-read',
      message: expect.stringContaining('no such table: nothing'),
    });
    expect(await names(reading.db)).toEqual([]);
  });

  it('refuses more reads at a time than its limit, which it names, and carries the others out', async () => {
    await add('first');
    const asked = await Promise.allSettled(
      Array.from({ length: storeLimits.reads + 1 }, () => names(reading.db)),
    );
    const refused = asked.filter(({ status }) => status === 'rejected');
    expect(refused).toMatchObject([
      { reason: { code: 'store-busy', message: expect.stringContaining('storeLimits.reads') } },
    ]);
    expect(await names(reading.db)).toEqual(['first']);
  });

  it('fails what was asked when it cannot open the database, says so once, and is begun again by the next read', async () => {
    const later = join(folder, 'later', 'a.db');
    const other = start(later, log);
    const [one, two] = await Promise.allSettled([names(other.db), names(other.db)]);
    for (const asked of [one, two]) {
      expect(asked).toMatchObject({ status: 'rejected', reason: { code: 'store-read' } });
    }
    expect(warned).toEqual(['the thread that reads records failed: the next read begins another']);
    const made = openSqlite(later);
    await migrate(made);
    expect(await names(other.db)).toEqual([]);
    await other.close();
    await made.close();
  });

  it.runIf(process.platform === 'linux')('stands back behind the threads of calls', async () => {
    const own = getPriority();
    const nicer = Math.min(own + 10, 19);
    const before = nicenessOf(process.pid).filter(nice => nice === nicer).length;
    await names(reading.db);
    expect(nicenessOf(process.pid).filter(nice => nice === nicer)).toHaveLength(before + 1);
    expect(getPriority()).toBe(own);
  });

  it('is closed once the search that runs is through, and fails all that were asked', async () => {
    await fill(2_000);
    // Its clock stands still: nothing cuts the wait short.
    const other = start(path, log, new ManualClock());
    await names(other.db);
    const times: number[] = [];
    for (let i = 0; i < 3; i++) {
      const begun = performance.now();
      await search(other.db);
      times.push(performance.now() - begun);
    }
    const asked = Promise.allSettled(Array.from({ length: 20 }, () => search(other.db)));
    await handedOver();
    const closing = performance.now();
    await other.close();
    // Half of what they would have taken.
    expect(performance.now() - closing).toBeLessThan(10 * Math.min(...times));
    for (const each of await asked) {
      expect(each).toMatchObject({
        reason: { code: 'store-read', message: expect.stringContaining('closed') },
      });
    }
  }, 60_000);

  it('is not waited for when a search takes longer than closing may, and says so', async () => {
    await fill(6_000);
    const clock = new ManualClock();
    const other = start(path, log, clock);
    await names(other.db);
    const asked = Promise.allSettled([search(other.db)]);
    await handedOver();
    const closing = other.close();
    await until(() => clock.pending === 1, 'closing to wait');
    clock.advance(storeLimits.closeMs);
    await closing;
    expect(warned).toEqual(['a search of records still runs: it is not waited for']);
    expect(await asked).toMatchObject([{ reason: { code: 'store-read' } }]);
    await expect(names(other.db)).rejects.toThrow();
  }, 60_000);

  it('lets go of the database when it is closed', async () => {
    const alone = join(folder, 'alone.db');
    const file = new Libsql(alone, { timeout: 0 });
    file.pragma('journal_mode = WAL');
    file.exec('CREATE TABLE facts (name TEXT, value TEXT)');
    const other = start(alone, log);
    expect(await names(other.db)).toEqual([]);
    await other.close();
    // Whoever is alone with a database may have it for itself.
    file.pragma('locking_mode = EXCLUSIVE');
    file.exec('BEGIN EXCLUSIVE; COMMIT');
    file.close();
  });
});

const there = requirePostgres('searches beside calls on PostgreSQL');

describe.runIf(there)('searches on PostgreSQL', () => {
  let postgres: Postgres;
  let database: Database;
  beforeAll(async () => {
    postgres = await startPostgres();
    database = await openPostgres(postgres.database(), () => undefined);
    await migrate(database);
  }, 60_000);
  afterAll(async () => {
    await database.close();
    await postgres.remove();
  });

  /** As many searches as there are connections for all, each of a second; tells when the first of them is through. */
  async function duringSearches(db: Db, work: () => Promise<unknown>): Promise<'before' | 'after'> {
    let through = false;
    const searches = Array.from({ length: storeLimits.connections }, () =>
      sql`select pg_sleep(1)`.execute(db).then(() => {
        through = true;
      }),
    );
    await work();
    const when = through ? 'after' : 'before';
    await Promise.allSettled(searches);
    return when;
  }

  it('leave connections to calls, which would have to wait for them otherwise', async () => {
    const write = (name: string) => () =>
      database.db.insertInto('facts').values({ name, value: 'x' }).execute();
    expect(await duringSearches(database.reads, write('one'))).toBe('before');
    expect(await duringSearches(database.db, write('two'))).toBe('after');
  }, 30_000);
});
