import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KyselyPlugin, sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ending } from '../../src/core/ending.ts';
import type { CallKey } from '../../src/core/ids.ts';
import { silentLogger } from '../../src/core/logger.ts';
import type { Recorded } from '../../src/core/recorded.ts';
import { Sealer } from '../../src/core/seal.ts';
import { type Database, openPostgres, openSqlite } from '../../src/store/database.ts';
import { storeLimits } from '../../src/store/limits.ts';
import { LiveStore } from '../../src/store/live-store.ts';
import { noMeters } from '../../src/store/meters.ts';
import { openStore } from '../../src/store/open.ts';
import type { CallBegin } from '../../src/store/record.ts';
import { someCall, someEnd, someNumber } from '../support/call-records.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { type Postgres, requirePostgres, startPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

const dayMs = 86_400_000;
const recorded: Recorded = {
  ...{ end: ending('recording-complete'), rate: 8_000, seconds: 12, bytes: 384_000, gaps: [], lostMs: 0 },
};
const unwritten = 'store was closed before all was written: what is new of these is lost';
const [oldKey, newKey] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];

/** One run of one node. */
interface Run {
  readonly store: LiveStore;
  readonly clock: ManualClock;
  readonly database: Database;
  /** Set it, and every query of this run fails. */
  away: boolean;
  /** Calls whose recordings this node was told to remove. */
  readonly removed: CallKey[];
  /** What the answers to its queries wait for. */
  answer?: () => Promise<void>;
  readonly spillPath: string;
}

let folder: string;
let runs: Run[];
let removed: CallKey[];
/** Errors that were logged. */
let logged: object[];
let boots = 0;
let postgres: Postgres | undefined;
let url = '';

const kinds = [
  { name: 'SQLite', postgres: false, skipped: false },
  { name: 'PostgreSQL', postgres: true, skipped: !requirePostgres('nodes of a store on PostgreSQL') },
];

describe.each(kinds)('nodes of a store on $name', ({ postgres: onPostgres, skipped }) => {
  const own = skipped ? it.skip : it;
  const ifPostgres = onPostgres ? own : it.skip;

  beforeAll(async () => {
    if (onPostgres && !skipped) postgres = await startPostgres();
  }, 60_000);
  afterAll(async () => {
    if (onPostgres) await postgres?.remove();
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'trunkbridge-nodes-'));
    runs = [];
    removed = [];
    logged = [];
    if (onPostgres && !skipped) url = postgres?.database() ?? '';
  });
  afterEach(async () => {
    for (const { store } of runs) await store.abandon();
    rmSync(folder, { recursive: true });
  });

  const connect = () =>
    onPostgres ? openPostgres(url, () => undefined) : openSqlite(join(folder, 'trunkbridge.db'));

  async function start(node: string, keys = [oldKey], clock = new ManualClock()): Promise<Run> {
    const run = await prepared(node, keys, clock);
    await run.store.begin();
    return run;
  }

  async function prepared(
    node: string,
    keys = [oldKey],
    clock = new ManualClock(),
    isOver: (boot: string) => boolean = () => true,
  ): Promise<Run> {
    const opened = await connect();
    boots += 1;
    const fails: KyselyPlugin = {
      transformQuery: ({ node: query }) => {
        if (run.away) throw new Error('the database is away');
        return query;
      },
      transformResult: async ({ result }) => {
        await run.answer?.();
        return result;
      },
    };
    const database = { ...opened, db: opened.db.withPlugin(fails) };
    const gone: CallKey[] = [];
    const spillPath = join(folder, `spill-${node}.jsonl`);
    const store = new LiveStore({
      database,
      where: 'the database',
      node,
      boot: `boot-${boots}`,
      isOver,
      sealer: new Sealer(keys, 'records'),
      spillPath,
      unlock: () => undefined,
      keepDays: () => 30,
      announce: () => [{ kind: 'call-ended', target: 'crm' }],
      removeRecording: async ({ key }) => {
        removed.push(key);
        gone.push(key);
      },
      clock,
      log: { ...silentLogger, error: (message, fields) => void logged.push({ message, ...fields }) },
      meters: noMeters,
    });
    const run: Run = { store, clock, database, away: false, removed: gone, spillPath };
    runs.push(run);
    return run;
  }

  /** As SIGKILL leaves it: nothing is said, nothing written. */
  async function kill(run: Run): Promise<void> {
    runs.splice(runs.indexOf(run), 1);
    await run.store.abandon();
  }

  async function closed(run: Run): Promise<void> {
    runs.splice(runs.indexOf(run), 1);
    await run.store.close();
  }

  async function up({ store }: Run): Promise<CallKey> {
    const call = someCall();
    store.journal.begin(call);
    await store.flush();
    return call.key;
  }

  async function over({ store, clock }: Run, recording?: Recorded): Promise<CallKey> {
    const call = someCall();
    store.journal.begin(call);
    if (recording !== undefined) store.journal.update(call.key, { recording });
    store.journal.finish(call.key, someEnd);
    await store.flush();
    clock.advance(1);
    return call.key;
  }

  /** The node's beat and sweep have run and are armed again. */
  const rested = ({ clock }: Run) => until(() => clock.pending === 2, 'beat and sweep to be armed again');

  async function beat(run: Run, times = 1): Promise<void> {
    for (let i = 0; i < times; i++) {
      run.clock.advance(storeLimits.heartbeatMs);
      await rested(run);
    }
  }

  const stateOf = async ({ store }: Run, call: CallKey) => {
    const record = await store.archive.find(call);
    return record?.state === 'ended' ? record.end?.reason : record?.state;
  };

  own('close the calls of their own earlier run at the start, and nobody else’s', async () => {
    const [one, two] = [await start('node-1'), await start('node-2')];
    const [mine, theirs] = [await up(one), await up(two)];
    await kill(one);
    const again = await start('node-1');
    expect(await stateOf(again, mine)).toBe('interrupted');
    expect(await stateOf(again, theirs)).toBe('running');
    expect((await again.store.outbox.counts()).waiting).toBe(1);
    const third = await start('node-1');
    expect((await third.store.outbox.counts()).waiting).toBe(1);
  });

  /** A start that does not know what became of the run before it, and the times it looked. */
  async function unsure(
    node: string,
  ): Promise<{ run: Run; begun: Promise<unknown>; look: () => Promise<void> }> {
    const run = await prepared(node, [oldKey], new ManualClock(), () => false);
    let over = false;
    const begun = run.store.begin().catch((error: unknown) => error);
    void begun.then(() => {
      over = true;
    });
    const beatAt = run.clock.now() + storeLimits.heartbeatMs;
    // A beat that is due waits for the start.
    const looks = () => over || run.clock.pending === (run.clock.now() < beatAt ? 2 : 1);
    const look = async () => {
      await until(looks, 'its next look');
      run.clock.advance(storeLimits.nameLookMs);
      await until(looks, 'the look after that');
    };
    return { run, begun, look };
  }

  own('leave the calls of a daemon alone that was given the same name, and do not start', async () => {
    const one = await start('node-1');
    const theirs = await up(one);
    const { begun, look } = await unsure('node-1');
    await look();
    await beat(one);
    await look();
    expect(String(await begun)).toContain(
      'Another trunkbridge with the name node-1 uses the database: give each',
    );
    expect(await stateOf(one, theirs)).toBe('running');
    expect((await one.store.outbox.counts()).waiting).toBe(0);
  });

  own('close them when nothing was heard of it for longer than one beat takes', async () => {
    const one = await start('node-1');
    const theirs = await up(one);
    await kill(one);
    const { run, begun, look } = await unsure('node-1');
    for (let looks = 0; looks < storeLimits.nameLooks; looks++) await look();
    expect(await begun).toBeUndefined();
    expect(storeLimits.nameLooks * storeLimits.nameLookMs).toBeGreaterThan(storeLimits.heartbeatMs);
    expect(await stateOf(run, theirs)).toBe('interrupted');
  });

  own('say that another one beats under their name', async () => {
    const one = await start('node-1');
    await beat(one);
    expect(logged).toEqual([]);
    await start('node-1');
    await beat(one);
    expect(logged).toEqual([
      expect.objectContaining({ message: expect.stringContaining('NODE_ID'), node: 'node-1' }),
    ]);
  });

  own('close the calls of another node once it has missed its beats, and not before', async () => {
    const [one, two] = [await start('node-1'), await start('node-2')];
    const theirs = await up(two);
    // The first look is a sighting, not a miss.
    await beat(one, storeLimits.missedHeartbeats);
    expect(await stateOf(one, theirs)).toBe('running');
    await beat(one);
    expect(await stateOf(one, theirs)).toBe('interrupted');
    expect((await one.store.outbox.counts()).waiting).toBe(1);
  });

  own('close the calls that another node was closed under, although it stopped in peace', async () => {
    const [one, two] = [await start('node-1'), await start('node-2')];
    const theirs = await up(two);
    await closed(two);
    await beat(one, storeLimits.missedHeartbeats + 1);
    expect(await stateOf(one, theirs)).toBe('interrupted');
  });

  own('leave the calls of another node alone for as long as it beats, whatever its clock says', async () => {
    const one = await start('node-1');
    const two = await start('node-2', [oldKey], new ManualClock(1_000, 1));
    const theirs = await up(two);
    for (let i = 0; i < storeLimits.missedHeartbeats * 2; i++) {
      await beat(one);
      if (i % 3 === 0) await beat(two);
    }
    expect(await stateOf(one, theirs)).toBe('running');
  });

  own('remove old calls with recording and queue entries, at most twenty at a time', async () => {
    const run = await start('node-1');
    const old: CallKey[] = [];
    for (let i = 0; i < storeLimits.sweepCalls + 3; i++) old.push(await over(run));
    const running = await up(run);
    run.clock.advance(31 * dayMs);
    await until(() => removed.length >= storeLimits.sweepCalls, 'the first sweep');
    await rested(run);
    expect([...removed].sort()).toEqual(old.slice(0, storeLimits.sweepCalls).sort());
    const young = await over(run);
    run.clock.advance(storeLimits.sweepPauseMs);
    await until(() => removed.length === old.length, 'the second sweep');
    await rested(run);
    run.clock.advance(storeLimits.sweepEveryMs);
    await rested(run);
    expect([...removed].sort()).toEqual([...old].sort());
    expect(await stateOf(run, running)).toBe('running');
    expect(await stateOf(run, young)).toBe('caller-hung-up');
    expect((await run.store.outbox.counts()).waiting).toBe(1);
    const left = await run.database.db.selectFrom('call_names').select('call').distinct().execute();
    expect(left.map(({ call }) => call).sort()).toEqual([running, young].sort());
  });

  own('remove the recording of a call that another node deletes, or that is too old there', async () => {
    const [one, two] = [await start('node-1'), await start('node-2')];
    const deleted = await over(two, recorded);
    const silent = await over(two);
    expect(await one.store.archive.delete(deleted)).toBe('deleted');
    expect(await one.store.archive.delete(silent)).toBe('deleted');
    const old = await over(two, recorded);
    const own = await over(one, recorded);
    one.clock.advance(31 * dayMs);
    await until(() => one.removed.length === 4, 'the calls to be removed at the first node');
    await rested(one);
    const left = () => one.database.db.selectFrom('recordings_to_remove').selectAll().execute();
    expect((await left()).map(({ node, call }) => `${node} ${call}`).sort()).toEqual(
      [deleted, old].map(call => `node-2 ${call}`).sort(),
    );
    two.clock.advance(storeLimits.sweepPauseMs);
    await until(() => two.removed.length === 2, 'the recordings to be removed at the second node');
    await rested(two);
    expect([...two.removed].sort()).toEqual([deleted, old].sort());
    expect(one.removed).toContain(own);
    expect(await left()).toEqual([]);
  });

  own('write what ended while the database was away within a beat of its coming back, once', async () => {
    const run = await start('node-1');
    const begun = await up(run);
    run.away = true;
    run.store.journal.finish(begun, someEnd);
    const whole = await over(run);
    await run.store.flush();
    expect(run.store.journal.waiting).toBe(0);
    const text = readFileSync(run.spillPath, 'utf8');
    expect(text).toContain(whole);
    expect(text).not.toContain(someNumber.slice(3));
    run.away = false;
    expect(await stateOf(run, whole)).toBeUndefined();
    await beat(run);
    for (const call of [begun, whole]) expect(await stateOf(run, call)).toBe('caller-hung-up');
    expect((await run.store.archive.secret(whole))?.callerId).toBe(someNumber);
    expect(existsSync(run.spillPath)).toBe(false);
    expect((await run.store.outbox.counts()).waiting).toBe(2);
    await beat(run);
    expect((await run.store.outbox.counts()).waiting).toBe(2);
  });

  own('write at the next start what a killed run had spilt, and no call twice', async () => {
    const run = await start('node-1');
    const written = await over(run);
    const begun = await up(run);
    run.away = true;
    run.store.journal.finish(begun, someEnd);
    await run.store.flush();
    const spilt = readFileSync(run.spillPath);
    await kill(run);
    const again = await start('node-1');
    // Not closed as interrupted: how it ended is known.
    for (const call of [written, begun]) expect(await stateOf(again, call)).toBe('caller-hung-up');
    await kill(again);
    // As if the kill had come between writing and removing the file.
    writeFileSync(again.spillPath, spilt);
    const third = await start('node-1');
    expect((await third.store.outbox.counts()).waiting).toBe(2);
    expect((await third.store.archive.list({}, { size: 10 })).calls).toHaveLength(2);
    expect(existsSync(third.spillPath)).toBe(false);
  });

  own('have at the next start every call that ended during an outage in which they were closed', async () => {
    const run = await start('node-1');
    run.away = true;
    const calls = Array.from({ length: storeLimits.batchCalls + 5 }, () => someCall());
    for (const call of calls) {
      run.store.journal.begin(call);
      run.store.journal.finish(call.key, someEnd);
    }
    await closed(run);
    expect(logged).not.toContainEqual(expect.objectContaining({ message: unwritten }));
    const again = await start('node-1');
    for (const { key } of calls) expect(await stateOf(again, key)).toBe('caller-hung-up');
  });

  /** The calls end in an outage, and this node is back. */
  async function spiltAndBack(run: Run, calls: readonly CallBegin[]): Promise<void> {
    run.away = true;
    for (const call of calls) {
      run.store.journal.begin(call);
      run.store.journal.finish(call.key, someEnd);
    }
    await run.store.flush();
    run.away = false;
  }

  own('take a call with a name that no index takes, which does not find it', async () => {
    const run = await start('node-1');
    const sipCallId = randomBytes(4_000).toString('hex');
    const [long, good] = [someCall({ sipCallId }), someCall()];
    await spiltAndBack(run, [long, good]);
    await beat(run);
    for (const { key } of [long, good]) expect(await stateOf(run, key)).toBe('caller-hung-up');
    expect(await run.store.archive.find(sipCallId)).toBeUndefined();
    expect((await run.store.archive.find(long.callId))?.sipCallId).toBe(sipCallId);
  });

  ifPostgres.each(['beat', 'start'])(
    'set aside at their next %s a call that the database refuses, and no other',
    async when => {
      let run = await start('node-1');
      const [bad, ...good] = [
        someCall({ agentId: randomBytes(4_000).toString('hex') }),
        someCall(),
        someCall(),
      ];
      await spiltAndBack(run, [bad, ...good]);
      if (when === 'start') {
        await kill(run);
        run = await start('node-1');
      } else await beat(run);
      for (const { key } of good) expect(await stateOf(run, key)).toBe('caller-hung-up');
      expect(await stateOf(run, bad.key)).toBeUndefined();
      expect(existsSync(run.spillPath)).toBe(false);
      const aside = run.spillPath.replace('.jsonl', '.bad.jsonl');
      expect(statSync(aside).mode & 0o777).toBe(0o600);
      expect(
        readFileSync(aside, 'utf8')
          .trim()
          .split('\n')
          .map(line => JSON.parse(line).record.key),
      ).toEqual([bad.key]);
      const message = 'the database refuses a call: it was set aside';
      expect(logged).toContainEqual(expect.objectContaining({ message, call: bad.key }));
    },
  );

  own('say at their close of how many calls they leave nothing', async () => {
    const run = await start('node-1');
    run.away = true;
    run.store.journal.begin(someCall());
    await closed(run);
    expect(logged).toContainEqual(expect.objectContaining({ message: unwritten }));
  });

  // SQLite answers before it is asked the next.
  ifPostgres('keep what a database that answers nothing had not taken when they were closed', async () => {
    const run = await start('node-1');
    let asked = false;
    let answer: () => void = () => undefined;
    const held = new Promise<void>(resolve => {
      answer = resolve;
    });
    run.answer = () => {
      asked = true;
      return held;
    };
    const call = someCall();
    run.store.journal.begin(call);
    run.store.journal.finish(call.key, someEnd);
    const closing = closed(run);
    await until(() => asked, 'the call to be written');
    run.clock.advance(storeLimits.closeMs);
    await until(() => existsSync(run.spillPath), 'the call to be spilt');
    run.away = true;
    answer();
    await closing;
    const again = await start('node-1');
    expect(await stateOf(again, call.key)).toBe('caller-hung-up');
  });

  own('refuse a wrong DATA_KEY by name, and open old records with the new and the old one', async () => {
    const first = await start('node-1');
    const before = await over(first);
    await kill(first);
    const wrong = await prepared('node-1', [newKey]);
    await expect(wrong.store.begin()).rejects.toMatchObject({
      code: 'data-key',
      message: expect.stringContaining('set DATA_KEY to it, or to the new and the old one'),
    });
    await kill(wrong);
    const both = await start('node-1', [newKey, oldKey]);
    const after = await over(both);
    expect((await both.store.archive.secret(before))?.callerId).toBe(someNumber);
    await kill(both);
    const dropped = await start('node-1', [newKey]);
    expect((await dropped.store.archive.secret(after))?.callerId).toBe(someNumber);
    expect(await dropped.store.archive.secret(before)).toBeUndefined();
    await kill(dropped);
    const back = await prepared('node-1', [oldKey]);
    await expect(back.store.begin()).rejects.toMatchObject({ code: 'data-key' });
  });

  own(
    'keep documents when an old key is dropped, and tell of opt-outs that are not found without it',
    async () => {
      const first = await start('node-1');
      const text = 'the connection';
      const change = { who: 'ops', why: 'first', what: 'connected' };
      await first.store.documents.put('twilio-connection', { id: 'current', name: 'x', text }, change);
      const pairs = ['+14155550123', '+14155550124'].map(number => ({ number, sender: 'MG1' }));
      for (const pair of pairs) await first.store.optOuts.add(pair, 'stop');
      // As a version had it that did not note the key.
      const one = first.database.db.updateTable('opt_outs').set({ key: null });
      await one.where('number', 'like', '%24').execute();
      await kill(first);
      const both = await start('node-1', [newKey, oldKey]);
      await both.store.optOuts.add({ number: '+14155550125', sender: 'MG1' }, 'stop');
      for (const pair of pairs) expect(await both.store.optOuts.has(pair)).toBe(true);
      await kill(both);
      expect(logged).toEqual([]);
      const dropped = await start('node-1', [newKey]);
      expect(await dropped.store.documents.list('twilio-connection')).toEqual([{ id: 'current', text }]);
      expect(logged).toEqual([
        { message: expect.stringMatching(/opt-outs are not found.*DATA_KEY/), optOuts: 2 },
      ]);
      await kill(dropped);
      const back = await start('node-1', [newKey, oldKey]);
      for (const pair of pairs) expect(await back.store.optOuts.has(pair)).toBe(true);
      expect(logged).toHaveLength(1);
    },
  );

  own('do not start on what a newer version has made, and say what to do', async () => {
    const run = await start('node-1');
    await sql`insert into kysely_migration (name, timestamp) values ('9999-later', '2030-01-01T00:00:00.000Z')`.execute(
      run.database.db,
    );
    await kill(run);
    const older = openStore({
      ...(onPostgres ? { databaseUrl: url } : {}),
      dataDir: folder,
      dataKeys: [oldKey],
      keepDays: () => 30,
      announce: () => [],
      removeRecording: async () => undefined,
      clock: new ManualClock(),
      log: silentLogger,
      meters: noMeters,
    });
    await expect(older).rejects.toMatchObject({
      name: 'Failure',
      code: 'store-newer',
      message: expect.stringMatching(/newer version: install that version, or restore the backup/),
    });
  });

  own('have what they were sending due again at once after a kill, and not what others send', async () => {
    const [one, two] = [await start('node-1'), await start('node-10')];
    const [mine, theirs] = [await over(one), await over(two)];
    const claim = async ({ store }: Run) => (await store.outbox.claim(1, 30_000))[0];
    expect(await claim(one)).toMatchObject({ call: mine, attempt: 1 });
    expect(await claim(two)).toMatchObject({ call: theirs, attempt: 1 });
    expect(await claim(one)).toBeUndefined();
    await kill(one);
    const again = await start('node-1', [oldKey], one.clock);
    expect(await claim(again)).toMatchObject({ call: mine, attempt: 2 });
    expect(await claim(again)).toBeUndefined();
  });
});
