import { beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/core/logger.ts';
import { Sealer } from '../../../src/core/seal.ts';
import { WriteBehind } from '../../../src/store/journal.ts';
import { noMeters } from '../../../src/store/meters.ts';
import type { CallImage } from '../../../src/store/rows.ts';
import { someCall, someEnd, someRun } from '../../support/call-records.ts';
import { ManualClock } from '../../support/manual-clock.ts';

let clock: ManualClock;
let journal: WriteBehind;
const limits = {
  batchCalls: 4,
  betweenMs: 3,
  unwritten: 3,
  retryMs: 100,
  longestRetryMs: 400,
  updateMs: 50,
  finishMs: 5,
};

/** Batches that were written, and what the database does. */
let written: CallImage[][];
let spilt: CallImage[];
let broken: boolean;
/** How many calls were to be spilt at a time. */
let batches: number[];
/** What a write waits for. */
let held: Promise<void> | undefined;
let spillBroken: boolean;
let lost: number;

beforeEach(() => {
  clock = new ManualClock();
  limits.unwritten = 3;
  written = [];
  spilt = [];
  broken = false;
  batches = [];
  held = undefined;
  spillBroken = false;
  lost = 0;
  journal = new WriteBehind({
    write: async images => {
      await held;
      if (broken) throw new Error('the database is away');
      written.push([...images]);
    },
    spill: async images => {
      batches.push(images.length);
      if (!spillBroken) spilt.push(...images);
      return !spillBroken;
    },
    clock,
    sealer: new Sealer([Buffer.alloc(32)], 'records'),
    where: 'trunkbridge.db',
    node: 'node-1',
    boot: 'boot-1',
    log: silentLogger,
    meters: {
      ...noMeters,
      lost: () => {
        lost += 1;
      },
    },
    limits,
  });
});

/** Lets promises that are ready settle. */
const settle = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

describe('what happens in calls, on its way to the database', () => {
  it('is written once the turn is over, only the newest picture of each call', async () => {
    const call = someCall();
    journal.begin(call);
    journal.update(call.key, { answered: true });
    journal.finish(call.key, someEnd);
    expect(written).toEqual([]);
    clock.advance(0);
    await settle();
    expect(written).toHaveLength(1);
    expect(written[0]?.map(({ record }) => record.state)).toEqual(['ended']);
    expect(journal.waiting).toBe(0);
  });

  it('lets what becomes known wait a moment for company, and goes along with the next call that begins', async () => {
    const [first, second, third] = [someCall(), someCall(), someCall()];
    const passed = async (ms: number) => {
      clock.advance(ms);
      await settle();
      return written.splice(0).flatMap(batch => batch.map(({ record: { key, state } }) => [key, state]));
    };
    journal.begin(first);
    expect(await passed(0)).toEqual([[first.key, 'running']]);
    journal.update(first.key, { answered: true });
    expect(await passed(49)).toEqual([]);
    expect(await passed(1)).toEqual([[first.key, 'running']]);
    journal.update(first.key, { answered: true });
    journal.finish(first.key, someEnd);
    expect(await passed(4)).toEqual([]);
    expect(await passed(1)).toEqual([[first.key, 'ended']]);
    await passed(10);
    journal.begin(second);
    expect(await passed(0)).toEqual([[second.key, 'running']]);
    // However short ago that was, a call that begins does not wait: it may be answered soon. Those of one turn share a transaction.
    journal.finish(second.key, someEnd);
    journal.begin(first);
    journal.begin(third);
    expect(await passed(0)).toEqual([
      [second.key, 'ended'],
      [first.key, 'running'],
      [third.key, 'running'],
    ]);
  });

  it('seals what is private once for as long as it stays the same, and writes each name once', async () => {
    const call = someCall();
    journal.begin(call);
    await journal.flush();
    journal.update(call.key, {
      conversation: { id: 'conv_1', input: 'ulaw_8000', output: 'ulaw_8000' },
      variables: { ...call.variables },
    });
    await journal.flush();
    journal.update(call.key, { variables: { ...call.variables, more: 'yes' } });
    await journal.flush();
    const [first, second, third] = written.flat();
    expect(second?.row.sealed).toBe(first?.row.sealed);
    expect(third?.row.sealed).not.toBe(first?.row.sealed);
    expect(third?.secret.variables).toMatchObject({ more: 'yes' });
    expect(first?.names).toContain(call.key);
    expect(second?.names).toEqual(['conv_1']);
    expect(third?.names).toEqual([]);
  });

  it('writes each run of a tool once, also when the write before had failed', async () => {
    const call = someCall();
    journal.begin(call);
    journal.tool(call.key, someRun);
    broken = true;
    await journal.flush();
    broken = false;
    await journal.flush();
    journal.tool(call.key, { ...someRun, tool: 'second' });
    await journal.flush();
    expect(written.flat().map(({ tools }) => tools.map(({ place, tool }) => [place, tool]))).toEqual([
      [[0, someRun.tool]],
      [[1, 'second']],
    ]);
  });

  it('waits longer and longer while the database is away, and then writes what holds now', async () => {
    const call = someCall();
    broken = true;
    journal.begin(call);
    for (const ms of [0, 100, 200, 400, 400]) {
      clock.advance(ms);
      await settle();
      expect(journal.failing).toBe(true);
      expect(journal.waiting).toBe(1);
    }
    broken = false;
    journal.update(call.key, { answered: true });
    clock.advance(400);
    await settle();
    expect(written.flat().map(({ record }) => record.answered)).toEqual([true]);
    expect(journal.failing).toBe(false);
  });

  it('keeps calls that are over in the spill file while the database is away, and running ones at hand', async () => {
    const [over, up] = [someCall(), someCall()];
    broken = true;
    journal.begin(over);
    journal.begin(up);
    journal.finish(over.key, someEnd);
    await journal.flush();
    expect(spilt.map(({ record }) => record.key)).toEqual([over.key]);
    expect(journal.waiting).toBe(1);
    broken = false;
    await journal.flush();
    expect(written.flat().map(({ record }) => record.key)).toEqual([up.key]);
  });

  it('spills all that are over with the first write that fails, not only what it would have written', async () => {
    broken = true;
    const calls = Array.from({ length: 10 }, () => someCall());
    const up = someCall();
    // The next write takes one call alone.
    journal.begin(up);
    await journal.flush();
    limits.unwritten = calls.length;
    for (const call of calls) {
      journal.begin(call);
      journal.finish(call.key, someEnd);
    }
    await journal.flush();
    expect(spilt.map(({ record }) => record.key)).toEqual(calls.map(({ key }) => key));
    expect(batches.every(size => size <= limits.batchCalls)).toBe(true);
    expect([journal.waiting, lost]).toEqual([1, 0]);
  });

  it('keeps for whoever closes also what is over while it is being written, and tells of what it cannot', async () => {
    const [stuck, behind, up] = [someCall(), someCall(), someCall()];
    held = new Promise(() => undefined);
    journal.begin(stuck);
    journal.finish(stuck.key, someEnd);
    clock.advance(0);
    await settle();
    for (const call of [up, behind]) journal.begin(call);
    journal.finish(behind.key, someEnd);
    expect(await journal.keep()).toBe(1);
    expect(spilt.map(({ record }) => record.key)).toEqual([stuck.key, behind.key]);
    spillBroken = true;
    expect(await journal.keep()).toBe(2);
  });

  it('loses the oldest, and says so, only where it can keep no more anywhere', async () => {
    broken = true;
    spillBroken = true;
    const calls = Array.from({ length: 5 }, () => someCall());
    for (const call of calls) {
      journal.begin(call);
      journal.finish(call.key, someEnd);
    }
    await journal.flush();
    expect(lost).toBe(2);
    broken = false;
    clock.advance(1_000);
    await settle();
    await journal.flush();
    expect(
      written
        .flat()
        .map(({ record }) => record.key)
        .sort(),
    ).toEqual(
      calls
        .slice(2)
        .map(({ key }) => key)
        .sort(),
    );
  });

  it('goes on with the others when one call cannot be written', async () => {
    const [bad, good] = [someCall({ trunk: 'bad' }), someCall()];
    journal = new WriteBehind({
      write: async images => {
        if (images.some(({ record }) => record.trunk === 'bad')) throw new Error('no');
        written.push([...images]);
      },
      spill: async () => false,
      clock,
      sealer: new Sealer([Buffer.alloc(32)], 'records'),
      where: 'trunkbridge.db',
      node: 'node-1',
      boot: 'boot-1',
      log: silentLogger,
      meters: noMeters,
      limits,
    });
    journal.begin(bad);
    journal.begin(good);
    for (let i = 0; i < 5; i++) await journal.flush();
    expect(written.flat().map(({ record }) => record.key)).toEqual([good.key]);
  });
});
