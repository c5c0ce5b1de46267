import type { KyselyPlugin } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Sealer } from '../../../src/core/seal.ts';
import { DurableCounters } from '../../../src/store/counters.ts';
import { type Database, migrate, openSqlite } from '../../../src/store/database.ts';
import { ManualClock } from '../../support/manual-clock.ts';

let database: Database;
beforeEach(async () => {
  database = openSqlite(':memory:');
  await migrate(database);
});
afterEach(() => database.close());

describe('a take', () => {
  it('reads one row, however high its limit is', async () => {
    let rows = 0;
    const counted: KyselyPlugin = {
      transformQuery: ({ node }) => node,
      transformResult: async ({ result }) => {
        rows += result.rows.length;
        return result;
      },
    };
    const db = database.db.withPlugin(counted);
    const sealer = new Sealer([Buffer.alloc(32, 1)], 'records');
    const clock = new ManualClock();
    const counters = new DurableCounters({ db: async () => db, engine: 'sqlite', clock, sealer });
    const take = { name: 'minutes', subject: 'x', limit: 50, windowMs: 60_000 };
    for (let taken = 0; taken < take.limit; taken += 1) {
      expect(await counters.take([take])).toMatchObject({ taken: true });
      clock.advance(1);
    }
    rows = 0;
    expect(await counters.take([take])).toEqual({ taken: false, name: 'minutes', retryAfterMs: 60_000 - 50 });
    expect(await counters.take([{ ...take, limit: 10_000_000 }])).toMatchObject({ taken: true });
    expect(rows).toBe(1);
  });
});
