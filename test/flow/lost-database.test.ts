import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SimConversation } from '../../src/sim/agent/conversation.ts';
import type { SimCall } from '../../src/sim/caller/call.ts';
import { type Bridge, withBridge } from '../support/flow.ts';
import { type Postgres, requirePostgres, startPostgres } from '../support/postgres.ts';
import { json, Receiver } from '../support/receiver.ts';
import { toneHeard } from '../support/sound.ts';
import { until } from '../support/until.ts';

const there = requirePostgres('a PostgreSQL that goes away under calls');
const number = '+14155550123';
const agentHz = 1300;

let postgres: Postgres;
let databaseUrl: string;
let folder: string;
let receiver: Receiver;
beforeAll(async () => {
  if (there) postgres = await startPostgres();
}, 60_000);
afterAll(async () => {
  if (there) await postgres.remove();
});
beforeEach(async () => {
  if (!there) return;
  databaseUrl = postgres.database();
  folder = mkdtempSync(join(tmpdir(), 'trunkbridge-lost-'));
  receiver = await Receiver.start(json({}));
});
afterEach(async () => {
  if (!there) return;
  await receiver.close();
  rmSync(folder, { recursive: true, force: true });
});

const onPostgres = (body: (bridge: Bridge) => Promise<void>) =>
  withBridge(
    {
      script: { mode: 'quiet', outputFormat: 'ulaw_8000' },
      agent: { leadMs: 60_000 },
      env: {
        DATABASE_URL: databaseUrl,
        DATA_DIR: folder,
        WEBHOOK_SECRET: 'a-secret-that-signs-webhooks',
        WEBHOOK_NETWORKS: '127.0.0.1/32',
        POST_CALL_WEBHOOK_URL: receiver.url,
      },
    },
    body,
  );

interface Talk {
  readonly call: SimCall;
  readonly conversation: SimConversation;
  /** How long it took to be answered, ms. */
  readonly answeredIn: number;
}

async function talk(bridge: Bridge, index: number): Promise<Talk> {
  const call = await bridge.call({ headers: [['X-CALLER-ID', number]] });
  const { status, ms } = await call.answered;
  expect(status).toBe(200);
  return { call, conversation: await bridge.world.agent.conversation(index), answeredIn: ms };
}

const send = async ({ conversation }: Talk) =>
  JSON.parse((await conversation.callTool('send_SMS_verification', { To: number })).result) as object;

const read = (bridge: Bridge, { conversation }: Talk) =>
  bridge.http(`/v1/convai/conversations/${conversation.conversationId}`);

interface Kept {
  readonly trunkbridge?: { readonly ending: object | null; readonly answered: boolean };
}

/** The record of a call, once it is there and tells of its end. */
const ended = (bridge: Bridge, each: Talk) =>
  until(
    async () => {
      const { trunkbridge } = (await (await read(bridge, each)).json()) as Kept;
      return trunkbridge !== undefined && trunkbridge.ending !== null && trunkbridge;
    },
    'the end of a call on record',
    30_000,
  );

const told = () =>
  new Set(receiver.bodies.map(body => (body as { data: { conversation_id: string } }).data.conversation_id));

const outages = [
  { how: 'is stopped', away: () => postgres.stop(), back: () => postgres.start() },
  { how: 'answers nothing', away: async () => postgres.freeze(), back: async () => postgres.thaw() },
] as const;

describe.skipIf(!there)('a PostgreSQL that goes away under running calls', () => {
  it.each(outages)(
    '($how) costs none of them anything, lets no code be sent, and has every call once it is back',
    ({ away, back }) =>
      onPostgres(async bridge => {
        const before = await talk(bridge, 0);
        expect(await send(before)).toMatchObject({ status: 'pending' });
        const { connections } = bridge.world.twilio;
        await before.conversation.say(agentHz, 5000);
        await toneHeard(before.call, agentHz, 500);
        await until(() => read(bridge, before).then(({ status }) => status === 200), 'its record');
        expect((await bridge.metrics()).sum('trunkbridge_store_failures_total')).toBe(0);

        await away();
        const during = await talk(bridge, 1);
        const across = await talk(bridge, 2);
        // Half of the time that a query is waited for: no set-up waits for the database.
        for (const { answeredIn } of [during, across]) expect(answeredIn).toBeLessThan(5000);
        const sending = send(during);
        // What was being said when it went was said without a break.
        await toneHeard(before.call, agentHz, 4800);
        expect(await sending).toMatchObject({ status: 'unavailable', retry_after_s: 10 });
        expect(bridge.world.twilio.connections).toBe(connections);
        expect((await read(bridge, before)).status).toBe(503);
        for (const { call } of [before, during]) await call.hangup();
        for (const index of [0, 1]) expect((await bridge.ended(index)).reason).toBe('caller-hung-up');
        const line = await until(
          () => bridge.log('store cannot be written')[0] ?? bridge.log('database cannot be used')[0],
          'the log to say so',
          20_000,
        );
        expect(line['error']).toMatch(/the database of DATABASE_URL/);

        await back();
        for (const each of [before, during]) {
          expect(await ended(bridge, each)).toMatchObject({
            answered: true,
            ending: { reason: 'caller-hung-up' },
          });
        }
        expect(await send(across)).toMatchObject({ status: 'pending' });
        await across.conversation.say(agentHz, 600);
        await toneHeard(across.call, agentHz, 500);
        await across.call.hangup();
        await ended(bridge, across);
        const ids = [before, during, across].map(({ conversation }) => conversation.conversationId);
        await until(() => told().size === ids.length, 'every end to be told', 20_000);
        expect([...told()].sort()).toEqual(ids.sort());
        const series = await bridge.metrics();
        expect(series.sum('trunkbridge_store_calls_total', { what: 'lost' })).toBe(0);
        expect(series.sum('trunkbridge_store_failures_total')).toBeGreaterThan(0);
        await until(() => !existsSync(join(folder, 'spill.jsonl')), 'the spill file to be gone', 10_000);
      }),
    60_000,
  );

  it('has the calls of a daemon that was stopped meanwhile at its next start', async () => {
    let id = '';
    await onPostgres(async bridge => {
      await postgres.stop();
      const call = await talk(bridge, 0);
      id = call.conversation.conversationId;
      await call.call.hangup();
      await bridge.ended();
    });
    expect(existsSync(join(folder, 'spill.jsonl'))).toBe(true);
    await postgres.start();
    await onPostgres(async bridge => {
      const answer = await bridge.http(`/v1/convai/conversations/${id}`);
      expect(await answer.json()).toMatchObject({ trunkbridge: { ending: { reason: 'caller-hung-up' } } });
      await until(() => told().has(id), 'its end to be told');
    });
  }, 60_000);
});
