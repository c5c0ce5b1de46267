import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ending } from '../../src/core/ending.ts';
import type { CallKey } from '../../src/core/ids.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { storeLimits } from '../../src/store/limits.ts';
import { noMeters } from '../../src/store/meters.ts';
import { openStore } from '../../src/store/open.ts';
import type { StoreOptions } from '../../src/store/options.ts';
import type { CallBegin } from '../../src/store/record.ts';
import type { Announce, CallFilter, Store } from '../../src/store/store.ts';
import { someCall, someEnd, someNumber, someRun } from '../support/call-records.ts';
import { FakeStore } from '../support/fake-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { type Postgres, requirePostgres, startPostgres } from '../support/postgres.ts';

// Vitest cannot start a TypeScript worker on Node 20.
const built = new URL('../../dist/src/store/reading.js', import.meta.url).href;
const { startReading } = (await import(/* @vite-ignore */ built)) as {
  readonly startReading: NonNullable<StoreOptions['reading']>;
};

const announce: Announce = record => [
  { kind: 'call-ended', target: 'crm' },
  ...(record.answered ? [{ kind: 'post-call', target: 'crm', body: `from ${someNumber}` }] : []),
];

interface Kind {
  readonly name: string;
  readonly skipped?: boolean;
  start?(): Promise<void>;
  open(clock: ManualClock): Promise<Store>;
  stop?(): Promise<void>;
}

let folder = '';
let postgres: Postgres | undefined;
const made = (
  databaseUrl: string | undefined,
  dataDir: string,
  clock: ManualClock,
  reading?: StoreOptions['reading'],
) =>
  openStore({
    ...(reading === undefined ? {} : { reading }),
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
    dataDir,
    dataKeys: [],
    keepDays: () => 30,
    announce,
    removeRecording: async () => undefined,
    clock,
    log: silentLogger,
    meters: noMeters,
  });

const kinds: readonly Kind[] = [
  { name: 'the stand-in', open: async clock => new FakeStore({ clock, announce }) },
  { name: 'SQLite', open: clock => made(undefined, folder, clock) },
  {
    name: 'SQLite, read in a thread of its own',
    open: clock => made(undefined, folder, clock, startReading),
  },
  {
    name: 'PostgreSQL',
    skipped: !requirePostgres('the store on PostgreSQL'),
    start: async () => {
      postgres = await startPostgres();
    },
    open: clock => made(postgres?.database(), folder, clock),
    stop: async () => postgres?.remove(),
  },
];

describe.each(kinds)('the store on $name', ({ skipped, start, open, stop }) => {
  let clock: ManualClock;
  let store: Store;
  const own = skipped === true ? it.skip : it;

  beforeAll(async () => start?.(), 60_000);
  afterAll(async () => stop?.());
  beforeEach(async () => {
    if (skipped === true) return;
    folder = mkdtempSync(join(tmpdir(), 'trunkbridge-store-'));
    clock = new ManualClock();
    store = await open(clock);
  });
  afterEach(async () => {
    if (skipped === true) return;
    await store.close();
    rmSync(folder, { recursive: true });
  });

  async function ended(more: Partial<CallBegin> = {}, seconds = 12): Promise<CallKey> {
    const call = someCall(more);
    store.journal.begin(call);
    store.journal.finish(call.key, { ...someEnd, seconds });
    await store.flush();
    clock.advance(1_000);
    return call.key;
  }

  own('tells whoever reads what it was told before, although that waits for company', async () => {
    const call = someCall();
    store.journal.begin(call);
    expect(await store.archive.find(call.key)).toMatchObject({ state: 'running' });
    store.journal.finish(call.key, someEnd);
    expect(await store.archive.find(call.key)).toMatchObject({ state: 'ended' });
  });

  own('finds a call by any of its ids, from its beginning', async () => {
    const call = someCall({ callSid: 'CA1' });
    store.journal.begin(call);
    store.journal.update(call.key, { conversation: { id: 'conv_1', input: 'a', output: 'b' } });
    store.journal.update(call.key, { conversation: { id: 'conv_2', input: 'a', output: 'b' } });
    await store.flush();
    const local = `conv_local_${call.key.slice(5)}`;
    for (const id of [call.key, local, 'conv_1', 'conv_2', call.callId, 'CA1', call.sipCallId]) {
      expect((await store.archive.find(id))?.key, id).toBe(call.key);
    }
    expect(await store.archive.find('conv_3')).toBeUndefined();
    expect(await store.archive.find(call.key)).toMatchObject({ state: 'running', conversationId: 'conv_1' });
  });

  own('keeps everything that became known, numbers masked, and the rest apart', async () => {
    const call = someCall();
    store.journal.begin(call);
    clock.advance(500);
    store.journal.update(call.key, { answered: true, warning: 'The agent was started twice.' });
    store.journal.tool(call.key, someRun);
    await store.flush();
    store.journal.tool(call.key, { ...someRun, tool: 'check_SMS_verification', status: 'approved' });
    store.journal.update(call.key, {
      verified: { number: '+141******23', channel: 'sms', at: 5 },
      transcript: [{ role: 'user', message: `It is ${someNumber}.`, at: 1 }],
    });
    clock.advance(500);
    store.journal.finish(call.key, someEnd);
    await store.flush();
    const record = await store.archive.find(call.key);
    expect(record).toMatchObject({
      state: 'ended',
      answered: true,
      caller: '+141******23',
      warnings: ['The agent was started twice.'],
      verified: { channel: 'sms' },
      messages: 1,
      end: ending('caller-hung-up'),
      seconds: 12,
      stats: { codec: 'PCMU' },
    });
    expect(record?.tools.map(({ status }) => status)).toEqual(['pending', 'approved']);
    expect(JSON.stringify(record)).not.toContain(someNumber.slice(1));
    const secret = await store.archive.secret(call.key);
    expect(secret?.callerId).toBe(someNumber);
    expect(secret?.transcript[0]?.message).toBe(`It is ${someNumber}.`);
  });

  own('takes the first end of a call and no other, and announces it once', async () => {
    const call = someCall();
    store.journal.begin(call);
    expect(store.journal.current(call.key)?.record.state).toBe('running');
    store.journal.finish(call.key, someEnd);
    store.journal.finish(call.key, { ...someEnd, end: ending('agent-lost') });
    store.journal.update(call.key, { warning: 'too late' });
    await store.flush();
    store.journal.finish(call.key, { ...someEnd, end: ending('agent-lost') });
    await store.flush();
    expect(store.journal.current(call.key)).toBeUndefined();
    expect((await store.archive.find(call.key))?.end?.reason).toBe('caller-hung-up');
    expect((await store.archive.find(call.key))?.warnings).toEqual([]);
    expect(await store.outbox.counts()).toMatchObject({ waiting: 1, dead: 0 });
  });

  own('gives the calls page by page, newest first, each once', async () => {
    const keys: CallKey[] = [];
    for (let i = 0; i < 7; i++) keys.push(await ended());
    const seen: CallKey[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.archive.list({}, { size: 3, ...(cursor === undefined ? {} : { cursor }) });
      expect(page.calls.length).toBeLessThanOrEqual(3);
      seen.push(...page.calls.map(({ key }) => key));
      cursor = page.next;
    } while (cursor !== undefined);
    expect(seen).toEqual([...keys].reverse());
    const oldest = await store.archive.list({}, { size: 100, oldestFirst: true });
    expect(oldest.calls.map(({ key }) => key)).toEqual(keys);
    expect(oldest.next).toBeUndefined();
  });

  own('begins no list anew for a cursor that is none', async () => {
    await ended();
    for (const cursor of ['conv_1', 'bm90aGluZw', '-1'])
      await expect(store.archive.list({}, { size: 3, cursor }), cursor).rejects.toMatchObject({
        code: 'wrong-cursor',
      });
  });

  own('gives only the calls that were asked for', async () => {
    const first = await ended({ agentId: 'agent_2', direction: 'outbound' }, 3);
    const between = clock.wall();
    const second = await ended({ trunk: 'carrier' }, 60);
    const running = someCall();
    store.journal.begin(running);
    store.journal.tool(running.key, someRun);
    store.journal.update(running.key, { verified: { number: '+1*', channel: 'sms', at: 1 } });
    await store.flush();
    const of = async (filter: CallFilter) =>
      (await store.archive.list(filter, { size: 10 })).calls.map(({ key }) => key);
    expect(await of({ agentId: 'agent_2' })).toEqual([first]);
    expect(await of({ direction: 'outbound' })).toEqual([first]);
    expect(await of({ trunk: 'carrier' })).toEqual([second]);
    expect(await of({ begunBefore: between })).toEqual([first]);
    expect(await of({ begunAfter: between })).toEqual([running.key]);
    expect(await of({ secondsAtLeast: 30 })).toEqual([second]);
    expect(await of({ secondsAtMost: 10, state: 'ended' })).toEqual([first]);
    expect(await of({ state: 'running' })).toEqual([running.key]);
    expect(await of({ tools: ['send_SMS_verification'] })).toEqual([running.key]);
    expect(await of({ successful: true })).toEqual([second, first]);
    expect(await of({ successful: false })).toEqual([running.key]);
    expect(await of({ verified: true })).toEqual([running.key]);
    expect(await of({ reasons: ['caller-hung-up'], results: ['success'] })).toEqual([second, first]);
    expect(await of({ reasons: [] })).toEqual([]);
  });

  own('removes a call with its queue entries, and not while it is up', async () => {
    const call = someCall();
    store.journal.begin(call);
    await store.flush();
    expect(await store.archive.delete(call.callId)).toBe('running');
    store.journal.finish(call.key, someEnd);
    await store.flush();
    expect((await store.outbox.counts()).waiting).toBe(1);
    expect(await store.archive.delete(call.callId)).toBe('deleted');
    expect(await store.archive.find(call.key)).toBeUndefined();
    expect(await store.archive.secret(call.key)).toBeUndefined();
    expect((await store.outbox.counts()).waiting).toBe(0);
    expect(await store.archive.delete(call.callId)).toBe('not-found');
  });

  own('counts in windows that slide, and takes all or nothing', async () => {
    const hour = { name: 'number-hour', subject: someNumber, limit: 2, windowMs: 3_600_000 };
    const day = { name: 'number-day', subject: someNumber, limit: 3, windowMs: 86_400_000 };
    const take = () => store.counters.take([day, hour]);
    expect(await take()).toMatchObject({ taken: true });
    clock.advance(600_000);
    expect(await take()).toMatchObject({ taken: true });
    expect(await take()).toEqual({ taken: false, name: 'number-hour', retryAfterMs: 3_000_000 });
    expect(await store.counters.count('number-day', someNumber, day.windowMs)).toBe(2);
    clock.advance(3_000_000);
    const third = await take();
    expect(third).toMatchObject({ taken: true });
    clock.advance(3_600_000);
    expect(await take()).toMatchObject({ taken: false, name: 'number-day' });
    if (third.taken) await store.counters.giveBack(third.receipt);
    expect(await take()).toMatchObject({ taken: true });
    expect(await store.counters.count('number-hour', '+49301234567', hour.windowMs)).toBe(0);
  });

  own('never lets more through than the limit, however many ask at once', async () => {
    const take = { name: 'call', subject: 'call_1', limit: 3, windowMs: 60_000 };
    const answers = await Promise.all(Array.from({ length: 20 }, () => store.counters.take([take])));
    expect(answers.filter(({ taken }) => taken)).toHaveLength(3);
  });

  own('remembers switches, and who turned them and why', async () => {
    expect(await store.switches.read()).toEqual({});
    await store.switches.set('kill_switch', true, { who: 'ops', why: 'fraud' });
    clock.advance(1_000);
    expect(await store.switches.read()).toEqual({ kill_switch: true });
    await store.switches.set('kill_switch', undefined, { who: 'ops', why: 'over' });
    expect(await store.switches.read()).toEqual({});
    const history = await store.switches.history(10);
    expect(history.map(({ value, who, why }) => ({ value, who, why }))).toEqual([
      { value: undefined, who: 'ops', why: 'over' },
      { value: true, who: 'ops', why: 'fraud' },
    ]);
  });

  own('keeps documents, one of a name, and counts their changes', async () => {
    const { documents } = store;
    const change = { who: 'ops', why: 'new number', what: 'made' };
    expect(await documents.revision('phone-number')).toBe(0);
    expect(await documents.list('phone-number')).toEqual([]);
    const first = { id: 'b', name: '+4930901820', text: '{"label":"desk"}' };
    expect(await documents.put('phone-number', first, change)).toBe('kept');
    expect(await documents.put('phone-number', { ...first, id: 'a' }, change)).toBe('taken');
    expect(await documents.put('phone-number', { id: 'a', name: '+49301', text: 'x' }, change)).toBe('kept');
    const renamed = { ...first, text: '{"label":"bar"}' };
    expect(await documents.put('phone-number', renamed, { ...change, what: 'changed' }, 1)).toBe('stale');
    expect(await documents.put('phone-number', renamed, { ...change, what: 'changed' }, 2)).toBe('kept');
    expect(await documents.list('phone-number')).toEqual([
      { id: 'a', text: 'x' },
      { id: 'b', text: '{"label":"bar"}' },
    ]);
    expect(await documents.revision('phone-number')).toBe(3);
    expect(await documents.list('twilio-connection')).toEqual([]);
    expect(await documents.revision('twilio-connection')).toBe(0);
    expect(await documents.remove('phone-number', 'b', { ...change, what: 'removed' })).toBe(true);
    expect(await documents.remove('phone-number', 'b', { ...change, what: 'removed' })).toBe(false);
    expect(await documents.revision('phone-number')).toBe(4);
    expect(await documents.put('phone-number', { ...first, id: 'c' }, change)).toBe('kept');
    const history = await documents.history('phone-number', 2);
    expect(history.map(({ id, what, who }) => ({ id, what, who }))).toEqual([
      { id: 'c', what: 'made', who: 'ops' },
      { id: 'b', what: 'removed', who: 'ops' },
    ]);
  });

  own('counts every change of documents that several make at once', async () => {
    const change = { who: 'ops', why: '', what: 'made' };
    const ids = Array.from({ length: 8 }, (_, i) => `doc_${i}`);
    await Promise.all(ids.map(id => store.documents.put('phone-number', { id, name: id, text: id }, change)));
    expect(await store.documents.revision('phone-number')).toBe(8);
    expect(await store.documents.list('phone-number')).toHaveLength(8);
  });

  own('hands deliveries of one call out one at a time, in their order', async () => {
    const call = someCall();
    store.journal.begin(call);
    store.journal.update(call.key, { answered: true });
    store.journal.finish(call.key, someEnd);
    await store.flush();
    const [first, ...more] = await store.outbox.claim(10, 30_000);
    expect(more).toEqual([]);
    expect(first).toMatchObject({ kind: 'call-ended', call: call.key, attempt: 1 });
    expect(await store.outbox.claim(10, 30_000)).toEqual([]);
    if (first === undefined) return;
    expect(await store.outbox.failed(first, 'refused', 5_000)).toBe('waiting');
    expect(await store.outbox.claim(10, 30_000)).toEqual([]);
    clock.advance(5_000);
    const [again] = await store.outbox.claim(10, 30_000);
    expect(again).toMatchObject({ kind: 'call-ended', attempt: 2, at: first.at });
    await store.outbox.done(first);
    expect((await store.outbox.counts()).waiting).toBe(2);
    if (again !== undefined) await store.outbox.done(again);
    const [next] = await store.outbox.claim(10, 30_000);
    expect(next).toMatchObject({ kind: 'post-call', attempt: 1, body: `from ${someNumber}` });
    expect(await store.outbox.counts()).toMatchObject({ waiting: 1, oldestMs: 5_000 });
  });

  own('hands a delivery out again when its holder is not heard of any more', async () => {
    const key = await ended();
    const [first] = await store.outbox.claim(1, 30_000);
    clock.advance(30_001);
    const [second] = await store.outbox.claim(1, 30_000);
    expect(second).toMatchObject({ call: key, attempt: 2 });
    if (first !== undefined) await store.outbox.done(first);
    expect((await store.outbox.counts()).waiting).toBe(1);
    if (second !== undefined) await store.outbox.done(second);
    expect((await store.outbox.counts()).waiting).toBe(0);
  });

  own('gives a delivery up when it is told to, or after too many attempts, and goes on', async () => {
    const key = await ended();
    await store.outbox.enqueue(key, [{ kind: 'later', target: 'crm' }]);
    for (let attempt = 1; attempt <= storeLimits.attempts; attempt++) {
      const [entry] = await store.outbox.claim(5, 1_000);
      if (entry === undefined) throw new Error('nothing is due');
      const left = await store.outbox.failed(entry, 'refused', 0);
      expect(left).toBe(attempt === storeLimits.attempts ? 'dead' : 'waiting');
    }
    const [later] = await store.outbox.claim(5, 1_000);
    expect(later?.kind).toBe('later');
    if (later !== undefined) expect(await store.outbox.failed(later, 'gone', undefined)).toBe('dead');
    expect(await store.outbox.counts()).toEqual({ waiting: 0, dead: 2, oldestMs: 0 });
  });

  own('tells when something was queued', async () => {
    let woken = 0;
    store.outbox.onQueued(() => {
      woken += 1;
    });
    const key = await ended();
    expect(woken).toBe(1);
    await store.outbox.enqueue(key, [{ kind: 'later', target: 'crm' }]);
    expect(woken).toBe(2);
  });
});
