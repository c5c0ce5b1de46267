import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bridge, withBridge } from '../support/flow.ts';
import { json, Receiver } from '../support/receiver.ts';
import { heardFor } from '../support/sound.ts';
import { until } from '../support/until.ts';

const dayMs = 86_400_000;
const number = '+14155550123';
const keys = {
  read: 'a-key-to-read-metrics',
  ops: 'a-key-to-remove-records',
  ears: 'a-key-to-hear-recordings',
};

let folder: string;
let receiver: Receiver;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'trunkbridge-deletion-'));
  receiver = await Receiver.start(json({}, 503));
});
afterEach(async () => {
  await receiver.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A daemon that records every call and whose events nobody takes, so that they wait in the queue. */
const keeping = (keepDays = 90) => ({
  script: { mode: 'quiet' } as const,
  env: {
    DATA_DIR: folder,
    API_KEYS: `read:read:${keys.read},ops:operator:${keys.ops},ears:pii:${keys.ears}`,
    WEBHOOK_SECRET: 'a-secret-that-signs-webhooks',
    WEBHOOK_NETWORKS: '127.0.0.1/32',
    POST_CALL_WEBHOOK_URL: receiver.url,
  },
  yaml: `recording: { enabled: true, min_free_mb: 1 }\nstore: { keep_days: ${keepDays} }\n`,
});

const conversationPath = (id: string) => `/v1/convai/conversations/${encodeURIComponent(id)}`;
const remove = (bridge: Bridge, id: string, key = keys.ops) =>
  bridge.http(conversationPath(id), { method: 'DELETE', headers: { 'xi-api-key': key } });
const statusOf = async (bridge: Bridge, path: string) =>
  (await bridge.http(path, { headers: { 'xi-api-key': keys.ears } })).status;

/** Every name that a call is found by. */
interface Names {
  readonly key: string;
  readonly conversationId: string;
  readonly callId: string;
}

/** A call with a tool run, a recording and an event; `during` happens before it ends. */
async function recorded(
  bridge: Bridge,
  index: number,
  during = async (_: Names): Promise<void> => undefined,
): Promise<Names> {
  const callId = `pbx-${index}`;
  const headers = [
    ['X-CALLER-ID', number],
    ['X-CALL-ID', callId],
  ] as const;
  const call = await bridge.answered({ headers });
  const conversation = await bridge.world.agent.conversation(index);
  await conversation.callTool('send_SMS_verification', { To: '+442071838750' });
  await heardFor(call, 500);
  const key = String(bridge.log('call arrived')[index]?.['call']);
  const names = { key, conversationId: conversation.conversationId, callId };
  await during(names);
  await call.hangup();
  await bridge.ended(index);
  await until(() => recordings().includes(`${key}.tbrec`), 'the recording');
  return names;
}

const recordings = () => readdirSync(join(folder, 'recordings'));

/** Rows of a call in each table, as they are on the disk. */
function rowsOf(call: string): Record<string, number> {
  const file = new Libsql(join(folder, 'trunkbridge.db'), { readonly: true });
  try {
    const count = (table: string, column: string) =>
      (file.prepare(`select count(*) as n from ${table} where ${column} = ?`).get(call) as { n: number }).n;
    return {
      calls: count('calls', 'key'),
      names: count('call_names', 'call') > 0 ? 1 : 0,
      tools: count('tool_runs', 'call'),
      events: count('outbox', 'call'),
    };
  } finally {
    file.close();
  }
}

const everything = { calls: 1, names: 1, tools: 1, events: 1 };
const nothing = { calls: 0, names: 0, tools: 0, events: 0 };
const written = (call: string) =>
  until(() => rowsOf(call)['events'] === 1, 'the end of the call in the database');

/** Which calls the receiver is told of, once it takes events. */
async function told(calls: number): Promise<unknown[]> {
  const before = receiver.received.length;
  receiver.answer(json({}));
  const received = await receiver.count(before + calls, 20_000);
  return received.slice(before).map(({ body }) => (JSON.parse(body) as EndedEvent).data.call_key);
}

interface EndedEvent {
  readonly data: { readonly call_key: string };
}

describe('DELETE of a conversation', () => {
  it('takes its record, recording and waiting event, and leaves those of others', () =>
    withBridge(keeping(), async bridge => {
      const gone = await recorded(bridge, 0);
      const kept = await recorded(bridge, 1);
      for (const { key } of [gone, kept]) {
        await written(key);
        expect(rowsOf(key)).toEqual(everything);
      }
      expect(recordings()).toEqual([gone, kept].map(({ key }) => `${key}.tbrec`).sort());
      expect(await statusOf(bridge, `${conversationPath(gone.callId)}/audio`)).toBe(200);
      // Who may read, or hear, may not remove.
      for (const key of [keys.read, keys.ears]) {
        expect((await remove(bridge, gone.conversationId, key)).status).toBe(403);
      }
      expect(rowsOf(gone.key)).toEqual(everything);

      expect((await remove(bridge, gone.conversationId)).status).toBe(200);
      expect(rowsOf(gone.key)).toEqual(nothing);
      expect(recordings()).toEqual([`${kept.key}.tbrec`]);
      for (const id of Object.values(gone)) {
        expect(await statusOf(bridge, conversationPath(id))).toBe(404);
        expect(await statusOf(bridge, `${conversationPath(id)}/audio`)).toBe(404);
        expect((await remove(bridge, id)).status).toBe(404);
      }
      expect(rowsOf(kept.key)).toEqual(everything);
      for (const id of Object.values(kept)) {
        expect(await statusOf(bridge, conversationPath(id))).toBe(200);
        expect(await statusOf(bridge, `${conversationPath(id)}/audio`)).toBe(200);
      }
      expect(await told(1)).toEqual([kept.key]);
      const line = await until(() => bridge.log('record deleted')[0], 'the line of the deletion');
      expect(line).toMatchObject({ by: 'ops' });
    }));

  it('is refused while the call is up, which goes on and is recorded, and done once it is over', () =>
    withBridge(keeping(), async bridge => {
      const { key, callId } = await recorded(bridge, 0, async names => {
        for (const id of Object.values(names)) {
          const answer = await remove(bridge, id);
          expect([answer.status, await answer.json()]).toEqual([
            409,
            { detail: expect.objectContaining({ message: expect.stringContaining('once it is over') }) },
          ]);
        }
        expect(recordings()).toEqual([expect.stringMatching(/\.part$/)]);
      });
      await written(key);
      expect(rowsOf(key)).toEqual(everything);
      expect(await statusOf(bridge, `${conversationPath(callId)}/audio`)).toBe(200);
      expect((await remove(bridge, callId)).status).toBe(200);
      expect([rowsOf(key), recordings()]).toEqual([nothing, []]);
    }));
});

describe('a call that is older than store.keep_days', () => {
  /** Two calls, the first of which is made to have begun so long ago. */
  async function aged(days: number): Promise<readonly [Names, Names]> {
    const calls: Names[] = [];
    await withBridge(keeping(), async bridge => {
      for (const index of [0, 1]) calls.push(await recorded(bridge, index));
      for (const { key } of calls) await written(key);
    });
    const [old, young] = calls as [Names, Names];
    const file = new Libsql(join(folder, 'trunkbridge.db'));
    file.prepare('update calls set begun_at = begun_at - ? where key = ?').run(days * dayMs, old.key);
    file.close();
    return [old, young];
  }

  it('goes with its recording and its waiting event, and a younger one stays with all of its own', async () => {
    const [old, young] = await aged(31);
    await withBridge(keeping(30), async bridge => {
      await until(() => rowsOf(old.key)['calls'] === 0, 'the old call to go');
      expect(rowsOf(old.key)).toEqual(nothing);
      expect(recordings()).toEqual([`${young.key}.tbrec`]);
      expect(await statusOf(bridge, conversationPath(old.callId))).toBe(404);
      expect(rowsOf(young.key)).toEqual(everything);
      expect(await statusOf(bridge, `${conversationPath(young.callId)}/audio`)).toBe(200);
      const expired = await until(async () => {
        const series = await bridge.metrics();
        return series.sum('trunkbridge_store_calls_total', { what: 'expired' }) || undefined;
      }, 'the removal to be counted');
      expect(expired).toBe(1);
      expect(await told(1)).toEqual([young.key]);
    });
  });

  it('stays as it is when it is a day too young for that', async () => {
    const [old] = await aged(29);
    await withBridge(keeping(30), async bridge => {
      // The first sweep comes a second after the start.
      const call = await bridge.answered();
      await heardFor(call, 2500);
      await call.hangup();
      expect(rowsOf(old.key)).toEqual(everything);
      expect(recordings()).toContain(`${old.key}.tbrec`);
    });
  });
});
