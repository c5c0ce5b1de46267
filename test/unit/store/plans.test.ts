import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { silentLogger } from '../../../src/core/logger.ts';
import type { LiveStore } from '../../../src/store/live-store.ts';
import { noMeters } from '../../../src/store/meters.ts';
import { databaseFile, openStore } from '../../../src/store/open.ts';
import { someCall, someEnd, someNumber, someRun } from '../../support/call-records.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const dayMs = 86_400_000;

let folder: string;
let clock: ManualClock;
let store: LiveStore;
let asked: Set<string>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'trunkbridge-plans-'));
  clock = new ManualClock();
  asked = new Set();
  const prepare = Libsql.prototype.prepare;
  vi.spyOn(Libsql.prototype, 'prepare').mockImplementation(function (this: Libsql.Database, text: string) {
    asked.add(text);
    return prepare.call(this, text);
  });
  store = await openStore({
    dataDir: folder,
    dataKeys: [],
    keepDays: () => 30,
    announce: () => [{ kind: 'call-ended', target: 'crm', body: 'b' }],
    removeRecording: async () => undefined,
    clock,
    log: silentLogger,
    meters: noMeters,
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await store.close();
  rmSync(folder, { recursive: true });
});

/** Tables that grow with calls. */
const grow =
  /^SCAN (calls|call_names|tool_runs|outbox|counter_takes|held_sends|inbound_messages|action_keys|pending|opt_outs)\b/;

/** Queries for which SQLite goes through a table that grows, or sorts what it finds there ("EXPLAIN QUERY PLAN"). */
function walks(queries: Iterable<string>): readonly string[] {
  const file = new Libsql(join(folder, databaseFile));
  const found: string[] = [];
  for (const text of queries) {
    if (!/^(select|insert|update|delete)/i.test(text)) continue;
    const values = Array.from(text.matchAll(/\?/g), () => 1);
    const steps = file.prepare(`EXPLAIN QUERY PLAN ${text}`).all(...values) as { detail: string }[];
    const details = steps.map(({ detail }) => detail);
    const sorts = details.includes('USE TEMP B-TREE FOR ORDER BY') && !details.some(few);
    if (sorts || details.some(detail => grow.test(detail) || rowsOfQueue(text, detail)))
      found.push(`${text}: ${details.join(', ')}`);
  }
  file.close();
  return found;
}

/** The queue is counted for each look at the metrics, and may be long: its index has to do. */
const rowsOfQueue = (text: string, detail: string) =>
  /count\(\*\)/.test(text) && /^SEARCH outbox USING INDEX/.test(detail);

/** There is a handful of nodes, and of tables. */
const few = (detail: string) => /^SCAN (nodes|sqlite_master)\b/.test(detail);

describe('what calls wait for in the database', () => {
  it('is found by an index, however many calls are kept', async () => {
    const call = someCall({ callSid: 'CA1' });
    store.journal.begin(call);
    store.journal.update(call.key, { conversation: { id: 'conv_1', input: 'a', output: 'b' } });
    store.journal.tool(call.key, someRun);
    store.journal.finish(call.key, someEnd);
    await store.flush();
    await store.archive.secret(call.key);
    await store.outbox.enqueue(call.key, [{ kind: 'call-ended', target: 'crm' }]);
    for (const entry of await store.outbox.claim(5, 1_000)) await store.outbox.done(entry);
    for (const entry of await store.outbox.claim(5, 1_000)) await store.outbox.failed(entry, 'no', undefined);
    await store.outbox.counts();
    const take = { name: 'otp-hour', subject: someNumber, limit: 5, windowMs: 3_600_000 };
    const taken = await store.counters.take([take, { ...take, name: 'cost', amount: 3 }]);
    await store.counters.count('otp-hour', someNumber, take.windowMs);
    if (taken.taken) await store.counters.correct(taken.receipt, ['cost'], 2);
    if (taken.taken) await store.counters.giveBack(taken.receipt);
    await store.executions.priced({ requestId: 'r', at: clock.wall(), cost: { micros: 1, currency: 'USD' } });
    await store.pending.put('call', 'id', 'body');
    await store.pending.find('call', 'id');
    await store.actionKeys.begin('key', 'request');
    await store.actionKeys.answered('key', 'answer');
    await store.optOuts.has({ number: someNumber, sender: someNumber });
    // Every beat, and the sweep of what is too old.
    clock.advance(31 * dayMs);
    await vi.waitFor(() =>
      expect([...asked].some(text => text.startsWith('delete from "calls"'))).toBe(true),
    );

    expect(asked.size).toBeGreaterThan(40);
    expect(walks(asked)).toEqual([]);
    const ended =
      "select record from calls where begun_at < ? and state = 'ended' order by begun_at limit 20";
    const queue = 'select state, count(*), min(at) from outbox where state in (?, ?) group by state';
    expect(walks([ended, queue, 'select key from calls where seconds > ?'])).toHaveLength(3);
  });
});
