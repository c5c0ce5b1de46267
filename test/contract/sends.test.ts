import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newCallKey } from '../../src/core/ids.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { storeLimits } from '../../src/store/limits.ts';
import { noMeters } from '../../src/store/meters.ts';
import { openStore } from '../../src/store/open.ts';
import type { NewHeldSend } from '../../src/store/sends.ts';
import type { Store } from '../../src/store/store.ts';
import { someCall, someNumber, someRun } from '../support/call-records.ts';
import { FakeStore } from '../support/fake-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { type Postgres, requirePostgres, startPostgres } from '../support/postgres.ts';

const minuteMs = 60_000;
const body = JSON.stringify({ to: someNumber, text: 'see https://example.org' });
const author = { who: 'ops', why: 'the link is ours' };

let folder = '';
let postgres: Postgres | undefined;
const key = Buffer.alloc(32, 7);
function made(clock: ManualClock, nodeId: string, databaseUrl?: string, dataKeys = [key]) {
  const dataDir = databaseUrl === undefined ? folder : join(folder, nodeId);
  mkdirSync(dataDir, { recursive: true });
  return openStore({
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
    dataDir,
    dataKeys,
    nodeId,
    keepDays: () => 30,
    announce: () => [],
    removeRecording: async () => undefined,
    clock,
    log: silentLogger,
    meters: noMeters,
  });
}

interface Kind {
  readonly name: string;
  readonly skipped?: boolean;
  start?(): Promise<void>;
  /** Two nodes of one store where it can have two, else one and the same. */
  open(clock: ManualClock): Promise<readonly [Store, Store]>;
  stop?(): Promise<void>;
}

const twice = (store: Store) => [store, store] as const;
const kinds: readonly Kind[] = [
  { name: 'the stand-in', open: async clock => twice(new FakeStore({ clock })) },
  { name: 'SQLite', open: async clock => twice(await made(clock, 'one')) },
  {
    name: 'two nodes on PostgreSQL',
    skipped: !requirePostgres('held sends on PostgreSQL'),
    start: async () => {
      postgres = await startPostgres();
    },
    open: async clock => {
      const url = postgres?.database();
      const first = await made(clock, 'one', url);
      return [first, await made(clock, 'two', url)];
    },
    stop: async () => postgres?.remove(),
  },
];

describe.each(kinds)('sends in the store: $name', ({ name, skipped, start, open, stop }) => {
  let clock: ManualClock;
  let store: Store;
  let other: Store;
  const own = skipped === true ? it.skip : it;
  const durable = skipped === true || name === 'the stand-in' ? it.skip : it;

  beforeAll(async () => start?.(), 60_000);
  afterAll(async () => stop?.());
  beforeEach(async () => {
    if (skipped === true) return;
    folder = mkdtempSync(join(tmpdir(), 'trunkbridge-sends-'));
    clock = new ManualClock();
    [store, other] = await open(clock);
  });
  afterEach(async () => {
    if (skipped === true) return;
    await store.close();
    if (other !== store) await other.close();
    rmSync(folder, { recursive: true });
  });

  const held = (more: Partial<NewHeldSend> = {}): NewHeldSend => ({
    call: newCallKey(),
    agentId: 'agent_1',
    tool: 'twilio_send_sms',
    kind: 'sms',
    recipient: '+141******23',
    findings: ['link'],
    body,
    lifeMs: 15 * minuteMs,
    ...more,
  });
  const hold = async (more: Partial<NewHeldSend> = {}): Promise<string> =>
    (await store.heldSends.hold(held(more))) ?? 'none';

  describe('held sends', () => {
    own('are listed with what was found, and never with number or text', async () => {
      const id = await hold();
      const { held: listed } = await other.heldSends.list({ states: ['waiting'] }, { size: 10 });
      expect(listed).toMatchObject([{ id, state: 'waiting', recipient: '+141******23', findings: ['link'] }]);
      expect(JSON.stringify(listed)).not.toContain('example.org');
      expect(await other.heldSends.body(id)).toBe(body);
    });

    own('are claimed by one alone, whoever tries on whatever node', async () => {
      const id = await hold();
      const claims = await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          (index % 2 === 0 ? store : other).heldSends.claim(id, author),
        ),
      );
      expect(claims.filter(claim => claim !== 'over')).toEqual([{ body }]);
      await store.heldSends.finish(id, 'sent', 'queued');
      const over = { state: 'sent', status: 'queued', decidedBy: 'ops', why: author.why };
      expect(await other.heldSends.find(id)).toMatchObject(over);
      expect(await store.heldSends.body(id)).toBeUndefined();
      expect(await other.heldSends.claim(id, author)).toBe('over');
      expect(await other.heldSends.refuse(id, author)).toBe('over');
    });

    own('are refused once, and then not sent', async () => {
      const id = await hold();
      expect(await store.heldSends.refuse(id, author)).toBe('refused');
      expect(await other.heldSends.claim(id, author)).toBe('over');
      expect(await store.heldSends.body(id)).toBeUndefined();
      expect(await store.heldSends.claim('held_none', author)).toBe('not-found');
    });

    own('expire, and are not sent after that', async () => {
      const id = await hold();
      clock.advance(15 * minuteMs - 1);
      expect((await store.heldSends.find(id))?.state).toBe('waiting');
      clock.advance(1);
      expect((await store.heldSends.find(id))?.state).toBe('expired');
      expect(await store.heldSends.claim(id, author)).toBe('over');
      await store.heldSends.list({}, { size: 1 });
      expect(await store.heldSends.body(id)).toBeUndefined();
    });

    own('that a node died over are unknown, never sent again', async () => {
      const id = await hold();
      await store.heldSends.claim(id, author);
      clock.advance(storeLimits.sendingMs + 1);
      await other.heldSends.list({}, { size: 1 });
      expect((await other.heldSends.find(id))?.state).toBe('unknown');
      expect(await other.heldSends.claim(id, author)).toBe('over');
    });

    own('are bounded for each call', async () => {
      const call = newCallKey();
      for (let n = 0; n < storeLimits.heldPerCall; n += 1) await hold({ call });
      expect(await store.heldSends.hold(held({ call }))).toBeUndefined();
      expect(await store.heldSends.hold(held())).toBeDefined();
      clock.advance(15 * minuteMs);
      expect(await store.heldSends.hold(held({ call }))).toBeDefined();
    });

    own('come in pages, newest first', async () => {
      const ids: string[] = [];
      for (let n = 0; n < 5; n += 1) {
        clock.advance(1);
        ids.unshift(await hold());
      }
      const first = await store.heldSends.list({}, { size: 3 });
      const second = await store.heldSends.list({}, { size: 3, cursor: first.next ?? '' });
      expect([...first.held, ...second.held].map(({ id }) => id)).toEqual(ids);
      expect(second.next).toBeUndefined();
    });
  });

  describe('messages that came in', () => {
    own('are kept once, whoever tells of them', async () => {
      const message = {
        ...{ sid: `SM${'1'.repeat(32)}`, from: '+14155550123', to: '+14155550199', channel: 'sms' as const },
        ...{ text: 'I am in front of the door', media: ['https://api.twilio.com/x'] },
      } as const;
      expect(await store.inboundMessages.add(message)).toBe(true);
      expect(await other.inboundMessages.add({ ...message, text: 'another' })).toBe(false);
      const { sid, channel, from, to, text, media } = message;
      const { messages } = await other.inboundMessages.list({}, { size: 10 });
      expect(messages).toEqual([
        expect.objectContaining({ sid, channel, sender: '+141******23', content: { from, to, text, media } }),
      ]);
    });

    own('come in pages, newest first, and by channel, call and time', async () => {
      const begun = clock.wall();
      const sids: string[] = [];
      for (let n = 0; n < 5; n += 1) {
        clock.advance(1);
        const sid = `SM${String(n).repeat(32)}`;
        sids.unshift(sid);
        await store.inboundMessages.add({
          ...{ sid, from: someNumber, to: '+14155550199', text: 'Hello', media: [] },
          channel: n === 2 ? 'whatsapp' : 'sms',
          call: n === 3 ? 'call-3' : undefined,
        });
      }
      const list = async (...asked: Parameters<typeof store.inboundMessages.list>) => {
        const { messages, next } = await other.inboundMessages.list(...asked);
        return { sids: messages.map(({ sid }) => sid), next };
      };
      const first = await list({}, { size: 3 });
      const second = await list({}, { size: 3, cursor: first.next ?? '' });
      expect([...first.sids, ...second.sids]).toEqual(sids);
      expect(second.next).toBeUndefined();
      expect((await list({ channel: 'whatsapp' }, { size: 9 })).sids).toEqual([sids[2]]);
      expect((await list({ call: 'call-3' }, { size: 9 })).sids).toEqual([sids[1]]);
      const from = Math.round(begun) + 2;
      expect((await list({ from, to: from + 1 }, { size: 9 })).sids).toEqual([sids[2], sids[3]]);
    });
  });

  describe('opt-outs', () => {
    const pair = { number: someNumber, sender: '+14155550199' };

    own('hold for number and sender together, on every node', async () => {
      await store.optOuts.add(pair, 'stop');
      await other.optOuts.add(pair, 'refused');
      expect(await other.optOuts.has(pair)).toBe(true);
      expect(await other.optOuts.has({ ...pair, sender: `MG${'0'.repeat(32)}` })).toBe(false);
      expect(await other.optOuts.has({ ...pair, number: '+14155550124' })).toBe(false);
      const { optOuts } = await other.optOuts.list({ size: 10 });
      expect(optOuts).toMatchObject([{ number: '+141******23', sender: '+141******99', cause: 'stop' }]);
      expect(await other.optOuts.remove(pair)).toBe(true);
      expect(await store.optOuts.has(pair)).toBe(false);
      expect(await store.optOuts.remove(pair)).toBe(false);
    });

    own('are removed by what the list calls them, and come in pages', async () => {
      for (let n = 0; n < 5; n += 1) {
        clock.advance(1);
        await store.optOuts.add({ ...pair, number: `+1415555010${n}` }, 'operator');
      }
      const first = await store.optOuts.list({ size: 3 });
      const second = await store.optOuts.list({ size: 3, cursor: first.next ?? '' });
      const all = [...first.optOuts, ...second.optOuts];
      expect(new Set(all.map(({ id }) => id)).size).toBe(5);
      for (const { id } of all) expect(await store.optOuts.removeById(id)).toBe(true);
      expect((await store.optOuts.list({ size: 3 })).optOuts).toEqual([]);
    });
  });

  describe('keys of actions', () => {
    const begin = (at: Store, request = 'a text', key = 'crm order-1') => at.actionKeys.begin(key, request);

    own('are taken by one alone of many that begin at once, on whatever node', async () => {
      const all = await Promise.all(Array.from({ length: 12 }, (_, n) => begin(n % 2 === 0 ? store : other)));
      expect(all.filter(({ state }) => state === 'first')).toHaveLength(1);
      expect(all.filter(({ state }) => state === 'running')).toHaveLength(11);
      expect(await begin(other, 'a text', 'crm order-2')).toEqual({ state: 'first' });
    });

    own('give the answer again, for a day, and stand for nothing else', async () => {
      await begin(store);
      await store.actionKeys.answered('crm order-1', '{"messageSid":"SM1"}');
      clock.advance(storeLimits.actionKeyMs - 1);
      expect(await begin(other)).toEqual({ state: 'answered', answer: '{"messageSid":"SM1"}' });
      expect(await begin(other, 'another text')).toEqual({ state: 'other' });
      await other.actionKeys.free('crm order-1');
      expect(await begin(other)).toMatchObject({ state: 'answered' });
      clock.advance(1);
      expect(await begin(other, 'another text')).toEqual({ state: 'first' });
      expect(await begin(store, 'another text')).toEqual({ state: 'running' });
    });

    own('are free again where nothing was done', async () => {
      await begin(store);
      await store.actionKeys.free('crm order-1');
      expect(await begin(other, 'another text')).toEqual({ state: 'first' });
    });

    own('whose work a node died over are lost, never free', async () => {
      await begin(store);
      clock.advance(storeLimits.sendingMs);
      expect(await begin(other)).toEqual({ state: 'running' });
      clock.advance(1);
      expect(await begin(other)).toEqual({ state: 'lost' });
      expect(await begin(other, 'another text')).toEqual({ state: 'other' });
    });
  });

  describe('what something that was begun needs later on', () => {
    own('is found on every node, for a day, and is gone once it is removed', async () => {
      expect(await store.pending.put('call', 'a1', '{"dynamic_variables":{"name":"Ada"}}')).toBe(true);
      await store.pending.put('price', 'a1', 'another kind');
      expect(await other.pending.find('call', 'a1')).toBe('{"dynamic_variables":{"name":"Ada"}}');
      await store.pending.put('call', 'a1', 'instead');
      expect(await other.pending.find('call', 'a1')).toBe('instead');
      await other.pending.remove('call', 'a1');
      expect(await store.pending.find('call', 'a1')).toBeUndefined();
      expect(await store.pending.find('price', 'a1')).toBe('another kind');
      clock.advance(storeLimits.pendingMs - 1);
      expect(await store.pending.find('price', 'a1')).toBe('another kind');
      clock.advance(1);
      expect(await store.pending.find('price', 'a1')).toBeUndefined();
    });

    own('is read again by the node that has put it, a page at a time', async () => {
      const ids = Array.from({ length: storeLimits.pageRows + 3 }, (_, n) => String(1000 + n));
      for (const id of ids) await store.pending.put('price', id, `body ${id}`);
      await store.pending.put('call', '1', 'another kind');
      if (other !== store) await other.pending.put('price', '1', 'of another node');
      expect(await store.pending.own('price', 1_000)).toEqual(ids.map(id => `body ${id}`));
      expect(await store.pending.own('price', 2)).toEqual(['body 1000', 'body 1001']);
    });

    durable('is nowhere to be read in the database', async () => {
      await store.pending.put('call', 'a1', `{"dynamic_variables":{"number":"${someNumber}"}}`);
      await store.flush();
      if (name === 'SQLite') {
        const bytes = ['trunkbridge.db', 'trunkbridge.db-wal'].map(file => readFileSync(join(folder, file)));
        expect(Buffer.concat(bytes).includes(someNumber)).toBe(false);
        expect(Buffer.concat(bytes).includes('pending')).toBe(true);
      }
    });
  });

  describe('amounts', () => {
    const take = (amount: number, limit = 100) => ({
      ...{ name: 'money-day', subject: 'all', windowMs: 10 * minuteMs, amount },
      limit,
    });

    own('are limited by their sum in any window, and say when there is room again', async () => {
      expect(await store.counters.take([take(60)])).toMatchObject({ taken: true });
      clock.advance(minuteMs);
      expect(await other.counters.take([take(40)])).toMatchObject({ taken: true });
      const third = await store.counters.take([take(1)]);
      expect(third).toEqual({ taken: false, name: 'money-day', retryAfterMs: 9 * minuteMs });
      const fourth = await store.counters.take([take(61)]);
      expect(fourth).toEqual({ taken: false, name: 'money-day', retryAfterMs: 10 * minuteMs });
      clock.advance(9 * minuteMs);
      expect(await store.counters.take([take(60)])).toMatchObject({ taken: true });
    });

    own('above the limit are never taken', async () => {
      expect(await store.counters.take([take(101)])).toMatchObject({ taken: false });
      expect(await store.counters.take([take(100)])).toMatchObject({ taken: true });
    });

    own('are never taken beyond the limit by many at once', async () => {
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? store : other).counters.take([take(30)])),
      );
      expect(answers.filter(({ taken }) => taken)).toHaveLength(3);
    });

    own('are given back whole', async () => {
      const first = await store.counters.take([take(100)]);
      if (first.taken) await other.counters.giveBack(first.receipt);
      expect(await store.counters.take([take(100)])).toMatchObject({ taken: true });
    });

    own('are corrected under their names alone, down and up, and beyond their limit too', async () => {
      const call = { ...take(60), name: 'money-call', subject: 'call_1' };
      const many = { name: 'sends-day', subject: 'all', limit: 9, windowMs: 10 * minuteMs };
      const first = await store.counters.take([many, call, take(60)]);
      const receipt = first.taken ? first.receipt : '';
      expect(await store.counters.take([take(41)])).toMatchObject({ taken: false });
      await other.counters.correct(receipt, ['money-call', 'money-day'], 20);
      expect(await store.counters.take([take(81)])).toMatchObject({ taken: false, name: 'money-day' });
      expect(await store.counters.take([{ ...call, amount: 81 }])).toMatchObject({ taken: false });
      expect(await store.counters.take([{ ...call, amount: 80 }, take(70)])).toMatchObject({ taken: true });
      await other.counters.correct(receipt, ['money-day'], 500);
      expect(await store.counters.take([take(0)])).toMatchObject({ taken: false });
      expect(await store.counters.count('sends-day', 'all', 10 * minuteMs)).toBe(1);
      await other.counters.correct('of nothing', ['money-day'], 1);
      clock.advance(10 * minuteMs);
      expect(await store.counters.take([take(100)])).toMatchObject({ taken: true });
    });
  });

  describe('runs of tools', () => {
    const facts = {
      action: 'list_recent',
      tier: 'internal',
      gates: [{ gate: 'access', decision: 'pass' }],
      requestId: 'RQ1',
      cost: { micros: 7_900, currency: 'USD' },
    } as const;

    durable('are found by tool, status, call, agent, tier and time, whichever node asks', async () => {
      const call = someCall();
      store.journal.begin(call);
      const at = Math.round(clock.wall());
      store.journal.tool(call.key, { ...someRun, at });
      store.journal.tool(call.key, { ...someRun, ...facts, at: at + 1, tool: 'twilio_manage_calls' });
      await store.flush();
      await other.executions.add({ ...someRun, at: at + 2, call: '', agentId: '', status: 'sent' });
      const list = async (more: object = {}) =>
        (await other.executions.list({ from: at, to: at + 10, ...more }, { size: 10 })).executions;
      expect(await list()).toHaveLength(3);
      expect(await list({ tool: 'twilio_manage_calls' })).toMatchObject([
        { ...facts, call: call.key, agentId: 'agent_1' },
      ]);
      expect(await list({ status: 'sent' })).toMatchObject([{ call: '', at: at + 2 }]);
      expect(await list({ call: call.key })).toHaveLength(2);
      expect(await list({ agentId: 'agent_1' })).toHaveLength(2);
      expect(await list({ tier: 'internal' })).toHaveLength(1);
      expect(await list({ from: at + 2 })).toHaveLength(1);
      const record = await other.archive.find(call.key);
      expect(record?.tools[1]).toMatchObject(facts);
    });

    durable('get the cost that Twilio tells afterwards instead of the estimate, each its own', async () => {
      const at = Math.round(clock.wall());
      const call = someCall();
      store.journal.begin(call);
      store.journal.tool(call.key, { ...someRun, ...facts, at });
      await store.executions.add({ ...someRun, ...facts, requestId: 'RQ2', at, call: '', agentId: '' });
      const told = { micros: 6_100, currency: 'EUR' };
      await other.executions.priced({ requestId: 'RQ1', at: at + minuteMs, cost: told });
      await other.executions.priced({ requestId: 'RQ9', at, cost: told });
      await other.executions.priced({ requestId: 'RQ2', at: at - 11 * minuteMs, cost: told });
      const { executions } = await store.executions.list({ from: at, to: at }, { size: 10 });
      const costs = executions.map(run => [run.requestId, run.cost, run.costKnown]);
      expect(costs.sort()).toEqual([
        ['RQ1', told, true],
        ['RQ2', facts.cost, undefined],
      ]);
      // What is written of the call afterwards takes nothing back.
      store.journal.tool(call.key, { ...someRun, at: at + 1 });
      await store.flush();
      const later = await store.executions.list({ from: at, to: at, call: call.key }, { size: 10 });
      expect(later.executions[0]?.cost).toEqual(told);
    });

    durable('come in pages, newest first, each once', async () => {
      const at = Math.round(clock.wall());
      for (let n = 0; n < 7; n += 1) {
        await store.executions.add({ ...someRun, at: at + (n >> 1), call: '', agentId: '' });
      }
      const seen: number[] = [];
      let cursor: string | undefined;
      do {
        const filter = { from: at, to: at + 10 };
        const page = await store.executions.list(filter, { size: 2, ...(cursor && { cursor }) });
        seen.push(...page.executions.map(run => run.at - at));
        cursor = page.next;
      } while (cursor !== undefined);
      expect(seen).toEqual([3, 2, 2, 1, 1, 0, 0]);
    });
  });

  durable('begins no list anew for a cursor that is none', async () => {
    const page = { size: 3, cursor: 'bm90aGluZw' };
    const wrong = { code: 'wrong-cursor' };
    await expect(store.heldSends.list({}, page)).rejects.toMatchObject(wrong);
    await expect(store.optOuts.list(page)).rejects.toMatchObject(wrong);
    await expect(store.inboundMessages.list({}, page)).rejects.toMatchObject(wrong);
    await expect(store.executions.list({ from: 0, to: 1 }, page)).rejects.toMatchObject(wrong);
  });

  durable('keeps number and text of a held send in no byte of the database', async () => {
    if (name !== 'SQLite') return;
    await hold();
    await store.optOuts.add({ number: someNumber, sender: '+14155550199' }, 'stop');
    await store.close();
    for (const file of ['trunkbridge.db', 'trunkbridge.db-wal']) {
      const bytes = readSafe(join(folder, file));
      expect(bytes.includes('example.org')).toBe(false);
      expect(bytes.includes(someNumber)).toBe(false);
    }
    store = await made(clock, 'one');
    other = store;
  });

  durable('remembers a key of an action over a restart, also under an older key of ours', async () => {
    if (name !== 'SQLite') return;
    await store.actionKeys.begin('crm order-1', `to ${someNumber}`);
    await store.actionKeys.answered('crm order-1', 'SM1');
    await store.close();
    const bytes = readSafe(join(folder, 'trunkbridge.db'));
    expect(bytes.includes(someNumber) || bytes.includes('order-1') || bytes.includes('SM1')).toBe(false);
    store = await made(clock, 'one', undefined, [Buffer.alloc(32, 8), key]);
    other = store;
    const answered = { state: 'answered', answer: 'SM1' };
    expect(await store.actionKeys.begin('crm order-1', `to ${someNumber}`)).toEqual(answered);
    expect(await store.actionKeys.begin('crm order-1', 'to another')).toEqual({ state: 'other' });
  });

  durable('finds an opt-out also under an older key', async () => {
    if (name !== 'SQLite') return;
    const pair = { number: someNumber, sender: '+14155550199' };
    await store.optOuts.add(pair, 'stop');
    await store.close();
    store = await made(clock, 'one', undefined, [Buffer.alloc(32, 8), key]);
    other = store;
    expect(await store.optOuts.has(pair)).toBe(true);
    expect(await store.optOuts.remove(pair)).toBe(true);
    expect(await store.optOuts.has(pair)).toBe(false);
  });

  durable('can be approved after a restart, and expire after one', async () => {
    if (name !== 'SQLite') return;
    const id = await hold();
    await store.close();
    store = await made(clock, 'one');
    other = store;
    expect(await store.heldSends.claim(id, author)).toEqual({ body });
  });
});

function readSafe(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}
