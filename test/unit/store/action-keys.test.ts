import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Sealer } from '../../../src/core/seal.ts';
import { DurableActionKeys } from '../../../src/store/action-keys.ts';
import { type Database, migrate, openSqlite } from '../../../src/store/database.ts';
import { storeLimits } from '../../../src/store/limits.ts';
import { ManualClock } from '../../support/manual-clock.ts';

let database: Database;
let clock: ManualClock;
let keys: DurableActionKeys;

beforeEach(async () => {
  clock = new ManualClock();
  database = openSqlite(':memory:');
  await migrate(database);
  const sealer = new Sealer([randomBytes(32)], 'records');
  keys = new DurableActionKeys({ db: async () => database.db, clock, sealer });
});
afterEach(() => database.close());

const rows = async () => (await database.db.selectFrom('action_keys').select('id').execute()).length;

it('keeps so many keys and no more, until their day is over', async () => {
  const at = Math.round(clock.wall());
  await sql`
    with recursive n(i) as (select 1 union all select i + 1 from n where i < ${storeLimits.actionKeys - 1})
    insert into action_keys select i, 'x', 'answered', ${at}, null from n`.execute(database.db);
  expect(await keys.begin('last', 'x')).toEqual({ state: 'first' });
  expect(await keys.begin('too many', 'x')).toEqual({ state: 'full' });
  expect(await keys.begin('last', 'x')).toEqual({ state: 'running' });
  await keys.sweep();
  expect(await rows()).toBe(storeLimits.actionKeys);
  clock.advance(storeLimits.actionKeyMs);
  expect(await keys.begin('too many', 'x')).toEqual({ state: 'first' });
  await keys.sweep();
  expect(await rows()).toBe(1);
});
