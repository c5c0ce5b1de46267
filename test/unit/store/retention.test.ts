import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CallKey } from '../../../src/core/ids.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { Sealer } from '../../../src/core/seal.ts';
import { DurableArchive } from '../../../src/store/archive.ts';
import { type Database, migrate, openSqlite } from '../../../src/store/database.ts';
import { CallDraft } from '../../../src/store/draft.ts';
import { LeftRecordings, type RemoveRecording } from '../../../src/store/left-recordings.ts';
import { storeLimits } from '../../../src/store/limits.ts';
import { Retention } from '../../../src/store/retention.ts';
import { imageOf } from '../../../src/store/rows.ts';
import { writeCall } from '../../../src/store/writer.ts';
import { someCall, someEnd } from '../../support/call-records.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const dayMs = 86_400_000;
const sealer = new Sealer([randomBytes(32)], 'records');

let database: Database;
let clock: ManualClock;
let keepDays: number;
/** Calls whose recordings cannot be removed. */
let locked: Set<CallKey>;
let removed: CallKey[];
let errors: unknown[];
let retention: Retention;
beforeEach(async () => {
  database = openSqlite(':memory:');
  await migrate(database);
  clock = new ManualClock();
  keepDays = 30;
  locked = new Set();
  removed = [];
  errors = [];
  const db = async () => database.db;
  const removeRecording: RemoveRecording = async ({ key }) => {
    if (locked.has(key)) throw new Error('EROFS');
    removed.push(key);
  };
  const log = { ...silentLogger, error: (_: string, fields?: object) => void errors.push(fields) };
  const archive = new DurableArchive({
    db,
    reads: db,
    sealer,
    node: 'node',
    removeRecording,
  });
  const swept = { sweep: async () => undefined };
  const leftRecordings = new LeftRecordings({ db, node: 'node', removeRecording, log });
  const others = {
    heldSends: swept,
    inboundMessages: swept,
    actionKeys: swept,
    pending: swept,
    leftRecordings,
  };
  retention = new Retention({ db, archive, ...others, clock, keepDays: () => keepDays, log });
});
afterEach(() => database.close());

/** A call that began so many days ago; it is over unless `up`. */
async function call(daysAgo: number, up = false): Promise<CallKey> {
  const begin = someCall();
  const at = clock.wall() - daysAgo * dayMs;
  const draft = new CallDraft(begin, 'node', at);
  if (!up) draft.finish(someEnd, at + 1000);
  const image = imageOf(draft.record, draft.secret, { sealer, boot: 'boot', now: at, toolsFrom: 0 });
  await database.db
    .transaction()
    .execute(tx =>
      writeCall(tx, image, at, { sealer, announce: () => [{ kind: 'call-ended', target: 'crm' }] }),
    );
  return begin.key;
}

const kept = async () =>
  (await database.db.selectFrom('calls').select('key').execute()).map(({ key }) => key);

describe('what is too old', () => {
  it('goes, and what is younger or still up stays', async () => {
    await call(31);
    const stays = [await call(29), await call(40, true)];
    expect(await retention.sweep()).toEqual({ calls: 1, more: false });
    expect((await kept()).sort()).toEqual(stays.sort());
    keepDays = 0;
    clock.advance(100 * dayMs);
    expect(await retention.sweep()).toEqual({ calls: 0, more: false });
    expect(await kept()).toHaveLength(2);
  });

  it('goes some at a time', async () => {
    for (let i = 0; i <= storeLimits.sweepCalls; i += 1) await call(31);
    expect(await retention.sweep()).toEqual({ calls: storeLimits.sweepCalls, more: true });
    expect(await retention.sweep()).toEqual({ calls: 1, more: false });
  });

  it('stays with its record while its recording cannot be removed, holds up no other, and is tried again', async () => {
    for (let i = 0; i < storeLimits.sweepCalls; i += 1) locked.add(await call(50));
    await call(40);
    expect(await retention.sweep()).toEqual({ calls: 0, more: true });
    expect(errors).toHaveLength(storeLimits.sweepCalls);
    expect(errors[0]).toMatchObject({ error: 'EROFS' });
    expect(await retention.sweep()).toEqual({ calls: 1, more: false });
    expect((await kept()).sort()).toEqual([...locked].sort());
    locked.clear();
    expect(await retention.sweep()).toMatchObject({ calls: storeLimits.sweepCalls });
    expect(await kept()).toEqual([]);
  });

  it('does not make one round of sweeps endless', async () => {
    for (let i = 0; i <= storeLimits.stuckCalls; i += 1) locked.add(await call(50));
    let rounds = 1;
    while ((await retention.sweep()).more) rounds += 1;
    expect(rounds).toBe(storeLimits.stuckCalls / storeLimits.sweepCalls);
  });

  it('goes a page at a time from the queues too, until nothing of it is left, also where calls are kept for ever', async () => {
    keepDays = 0;
    const numbers = Array.from({ length: 500 }, (_, index) => index);
    const at = clock.wall() - dayMs;
    const done = {
      kind: 'call-ended',
      target: 'crm',
      body: null,
      state: 'done' as const,
      lease: '',
      error: null,
    };
    const takes = numbers.map(n => ({
      receipt: `r${n}`,
      counter: 'otp-hour:x',
      at,
      until: at + 1,
      amount: 1,
    }));
    const rows = numbers.map(n => ({ ...done, call: `call_${n}`, at, due_at: at - 1, attempt: 1 }));
    await database.db.insertInto('outbox').values(rows).execute();
    await database.db.insertInto('counter_takes').values(takes).execute();
    const left = async () => {
      const tables = (['outbox', 'counter_takes'] as const).map(table =>
        database.db.selectFrom(table).select('at').execute(),
      );
      return (await Promise.all(tables)).map(({ length }) => length);
    };
    expect(await retention.sweep()).toEqual({ calls: 0, more: true });
    expect(await left()).toEqual([500 - storeLimits.pageRows, 500 - storeLimits.pageRows]);
    while ((await retention.sweep()).more);
    expect(await left()).toEqual([0, 0]);
  });

  it('and could not be removed is not tried again while queues are being emptied', async () => {
    locked.add(await call(50));
    const at = clock.wall() - dayMs;
    const takes = Array.from({ length: storeLimits.pageRows }, (_, n) => n).map(n => ({
      ...{ receipt: `r${n}`, counter: 'otp-hour:x', at, until: at + 1, amount: 1 },
    }));
    await database.db.insertInto('counter_takes').values(takes).execute();
    expect(await retention.sweep()).toEqual({ calls: 0, more: true });
    expect(await retention.sweep()).toEqual({ calls: 0, more: false });
    expect(errors).toHaveLength(1);
    await retention.sweep();
    expect(errors).toHaveLength(2);
  });

  it('includes recordings that other nodes left to this one: some at a time, and past what cannot be removed', async () => {
    keepDays = 0;
    const calls = Array.from({ length: storeLimits.sweepCalls + 2 }, () => someCall().key).sort();
    const left = calls.map(key => ({ node: 'node', call: key }));
    const theirs = { node: 'node-2', call: someCall().key };
    await database.db
      .insertInto('recordings_to_remove')
      .values([...left, theirs])
      .execute();
    const [first, ...rest] = calls;
    if (first !== undefined) locked.add(first);
    expect(await retention.sweep()).toEqual({ calls: 0, more: true });
    expect(await retention.sweep()).toEqual({ calls: 0, more: false });
    expect(removed).toEqual(rest);
    expect(errors).toEqual([{ call: first, error: 'EROFS' }]);
    locked.clear();
    expect(await retention.sweep()).toEqual({ calls: 0, more: false });
    expect(removed).toEqual([...rest, first]);
    expect(await database.db.selectFrom('recordings_to_remove').selectAll().execute()).toEqual([theirs]);
  });
});
