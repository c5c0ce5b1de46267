import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { composeHttp } from '../../src/http/http.ts';
import type { ApiKey } from '../../src/http/keys.ts';
import { createLogger } from '../../src/observability/log.ts';
import { SimTwilio } from '../../src/sim/twilio/server.ts';
import { noMeters } from '../../src/store/meters.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { sourceOf } from '../../src/twilio/connection-desk.ts';
import { connectionLimits } from '../../src/twilio/limits.ts';
import { verifyOf } from '../../src/twilio/verify.ts';
import { composeTwilio, configuredSource, type TwilioRoom } from '../../src/twilio-room.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { until } from '../support/until.ts';

const keys: readonly ApiKey[] = [
  { name: 'panel', role: 'read', secret: 'read-secret-0123456789' },
  { name: 'ops', role: 'operator', secret: 'operator-secret-0123456789' },
  { name: 'root', role: 'admin', secret: 'admin-secret-0123456789' },
];
const path = '/v1/twilio/connection';

let clock: ManualClock;
let sim: SimTwilio;
let store: Store;
let folder: string;
let env: Record<string, string>;
let lines: string[];
let rooms: TwilioRoom[];
/** Everything that came back over HTTP. */
let answers: string[];

const configuredKey = () => ({
  TWILIO_ACCOUNT_SID: sim.accountSid,
  TWILIO_API_KEY_SID: sim.apiKeySid,
  TWILIO_API_KEY_SECRET: sim.apiKeySecret,
});

beforeEach(async () => {
  clock = new ManualClock();
  sim = await SimTwilio.start();
  env = { TWILIO_BASE_URL: sim.baseUrl };
  folder = mkdtempSync(join(tmpdir(), 'trunkbridge-twilio-'));
  lines = [];
  rooms = [];
  answers = [];
  store = await openStore({
    ...{ dataDir: folder, dataKeys: [Buffer.alloc(32, 7)], keepDays: () => 30, announce: () => [] },
    removeRecording: async () => undefined,
    ...{ clock, log: log(), meters: noMeters },
  });
});
afterEach(async () => {
  for (const room of rooms) room.close();
  await store.close();
  await sim.close();
  rmSync(folder, { recursive: true });
});

const log = () => createLogger('trace', { write: (line: string) => void lines.push(line) });

function now() {
  const loaded = loadConfig({ env: { ELEVENLABS_API_KEY: 'sk_1', ELEVENLABS_AGENT_ID: 'a', ...env } });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.failure));
  return loaded.value.config;
}

/** A node, as it is after a start. */
async function node() {
  const room = await composeTwilio({
    ...{ now, documents: store.documents, clock, log: log() },
    useNumbers: () => undefined,
  });
  rooms.push(room);
  const http = composeHttp({
    ...{ apiKeys: keys, health: () => ({ ready: true }), registry: new Registry(), log: log() },
    twilio: room.desk,
  });
  const ask = async (
    method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE',
    url = path,
    body?: object,
    role = 'admin',
  ) => {
    const key = keys.find(each => each.role === role)?.secret ?? '';
    const answer = await http.inject({
      ...{ method, url, headers: { 'xi-api-key': key } },
      ...(body === undefined ? {} : { payload: body }),
    });
    answers.push(answer.body);
    return { status: answer.statusCode, body: answer.json() as Record<string, unknown> };
  };
  return { room, ask };
}

const given = () => ({
  account_sid: sim.accountSid,
  api_key_sid: sim.apiKeySid,
  api_key_secret: sim.apiKeySecret,
});
const works = async (room: TwilioRoom) => {
  const client = room.connection.client();
  return client.ok && (await client.value.call(sdk => sdk.incomingPhoneNumbers.list({ limit: 1 }))).ok;
};

describe('the connection to Twilio over the API', () => {
  it('is made, shown without a secret, rotated and taken away, all without a restart', async () => {
    const { room, ask } = await node();
    expect((await ask('GET')).body).toMatchObject({
      status: 'disconnected',
      source: null,
      account_sid: null,
    });
    const made = await ask('PUT', path, { ...given(), verify_service_sid: sim.verifyServiceSid });
    expect(made).toMatchObject({
      status: 200,
      body: {
        ...{ status: 'active', source: 'api', opens: 'main-key', checks_signatures: false },
        account_sid: `AC…${sim.accountSid.slice(-4)}`,
        credential: { kind: 'api_key', sid: `SK…${sim.apiKeySid.slice(-4)}` },
      },
    });
    expect((await verifyOf(room.connection)?.send('+14155550123', 'sms'))?.ok).toBe(true);

    const next = sim.credentials.issue('standard');
    const rotated = await ask('POST', `${path}/rotate`, {
      ...{ api_key_sid: next.sid, api_key_secret: next.secret, why: 'yearly' },
    });
    sim.credentials.revoke(sim.apiKeySid);
    expect(rotated.body).toMatchObject({ status: 'active', opens: 'standard-key' });
    expect((await verifyOf(room.connection)?.send('+14155550123', 'sms'))?.ok).toBe(true);

    expect((await ask('DELETE')).body).toMatchObject({ status: 'disconnected', source: 'api' });
    expect(verifyOf(room.connection)).toBeUndefined();
    const history = (await ask('GET', `${path}/history`)).body['changes'] as { what: string; who: string }[];
    expect(history.map(({ what, who }) => `${what} by ${who}`)).toEqual([
      ...['disconnected by root', 'rotated by root', 'connected by root'],
    ]);
  });

  it('wins over what is configured until it is reset, and says so', async () => {
    env = { ...env, ...configuredKey() };
    const { room, ask } = await node();
    expect((await ask('GET')).body).toMatchObject({ source: 'configuration', also_configured: false });
    const other = sim.credentials.issue('main');
    await ask('PUT', path, { ...given(), api_key_sid: other.sid, api_key_secret: other.secret });
    expect((await ask('GET')).body).toMatchObject({
      ...{ source: 'api', also_configured: true },
      credential: { sid: `SK…${other.sid.slice(-4)}` },
    });
    const again = await node();
    expect(lines.join()).toContain('made over the API is used, not the configured one');
    expect((await again.ask('GET')).body).toMatchObject({ source: 'api' });
    await ask('DELETE');
    expect(await works(room)).toBe(false);
    expect((await ask('POST', `${path}/reset`)).body).toMatchObject({
      ...{ status: 'active', source: 'configuration' },
      credential: { sid: `SK…${sim.apiKeySid.slice(-4)}` },
    });
    expect(await works(room)).toBe(true);
  });

  it('reaches the other nodes soon, and survives a restart', async () => {
    const [one, other] = [await node(), await node()];
    other.room.start(true);
    await until(() => clock.pending > 0, 'the first look');
    await one.ask('PUT', path, given());
    expect(await works(other.room)).toBe(false);
    clock.advance(connectionLimits.refreshMs);
    await until(() => other.room.connection.accountSid, 'the second look');
    expect(await works(other.room)).toBe(true);
    expect(await works((await node()).room)).toBe(true);
  });

  it('takes nothing that Twilio does not take, unless told not to ask', async () => {
    const { ask } = await node();
    await ask('PUT', path, given());
    const wrong = { api_key_sid: sim.apiKeySid, api_key_secret: 'not the secret' };
    expect(await ask('POST', `${path}/rotate`, wrong)).toMatchObject({
      status: 422,
      body: {
        detail: { status: 'twilio_refused', message: expect.stringContaining('Nothing was changed.') },
      },
    });
    expect((await ask('GET', `${path}?check=1`)).body).toMatchObject({ status: 'active' });
    expect((await ask('POST', `${path}/rotate`, { ...wrong, check: false })).status).toBe(200);
    expect((await ask('GET', `${path}?check=1`)).body).toMatchObject({
      ...{ status: 'error', code: 20003, cause: expect.stringContaining('TWILIO_API_KEY_SECRET') },
    });
  });

  it('does not take a token beside a key that is not of the account', async () => {
    const { room, ask } = await node();
    const wrong = await ask('PUT', path, { ...given(), auth_token: 'not the token' });
    expect(wrong).toMatchObject({ status: 422, body: { detail: { status: 'twilio_refused' } } });
    await ask('PUT', path, { ...given(), auth_token: sim.authToken });
    expect(room.connection.authToken()).toBe(sim.authToken);
    const next = sim.credentials.rotateAuthToken();
    expect((await ask('POST', `${path}/rotate`, { auth_token: next })).body).toMatchObject({
      ...{ checks_signatures: true, credential: { kind: 'api_key' } },
    });
    expect(room.connection.authToken()).toBe(next);
  });

  it('is changed by admins alone, and seen by everybody with numbers masked', async () => {
    const { ask } = await node();
    await ask('PUT', path, { ...given(), phone_number: '+14155550100' });
    for (const method of ['PUT', 'POST', 'PATCH', 'DELETE'] as const) {
      expect((await ask(method, path, {}, 'operator')).status).toBe(403);
    }
    expect((await ask('GET', path, undefined, 'read')).body['phone_number']).toBe('+141******00');
    expect((await ask('GET', path, undefined, 'operator')).body['phone_number']).toBe('+14155550100');
  });

  it('tells what is wrong with a body without a word of it', async () => {
    const { ask } = await node();
    const secret = 'a-secret-that-must-not-come-back';
    for (const body of [
      { ...given(), account_sid: secret },
      { ...given(), api_key_secret: [secret] },
      { ...given(), auth_tokne: secret },
      { account_sid: sim.accountSid },
      { ...given(), phone_number: '020 7123 4567' },
    ]) {
      const answer = await ask('PUT', path, body);
      expect(answer.status).toBe(422);
      expect(JSON.stringify(answer.body)).not.toContain(secret);
    }
    expect((await ask('PUT', path, { ...given(), phone_number: '020 7123 4567' })).body).toMatchObject({
      detail: { message: expect.stringContaining('country code') },
    });
  });

  it('is connected once only with POST, and needs a connection for the rest', async () => {
    const { ask } = await node();
    expect((await ask('POST', `${path}/rotate`, { auth_token: sim.authToken })).status).toBe(409);
    expect((await ask('POST', path, given())).status).toBe(200);
    expect((await ask('POST', path, given())).status).toBe(409);
    await ask('DELETE');
    expect((await ask('PATCH', path, { phone_number: 'auto' })).status).toBe(409);
    expect((await ask('POST', path, given())).status).toBe(200);
  });
});

describe('senders', () => {
  it('are given over the API one by one, as people write them, and configured otherwise', async () => {
    env = { ...env, ...configuredKey(), TWILIO_WHATSAPP_NUMBER: '+442071234567' };
    const { room, ask } = await node();
    await ask('PATCH', path, { phone_number: '+1 (415) 555-0100' });
    expect(room.connection.senders).toEqual({ phoneNumber: '+14155550100', whatsAppNumber: '+442071234567' });
    expect((await ask('GET')).body).toMatchObject({ source: 'configuration' });
    await ask('PATCH', path, { phone_number: null });
    expect(room.connection.senders).toEqual({ whatsAppNumber: '+442071234567' });
  });

  it('auto is the first number that can text, and none before it is known', async () => {
    sim.numbers.buy('+14155550101');
    const first = sim.numbers.bought[0];
    if (first !== undefined) Object.assign(first, { capabilities: { voice: true, sms: false, mms: false } });
    env = { ...env, ...configuredKey(), TWILIO_PHONE_NUMBER: 'auto' };
    const { room, ask } = await node();
    expect(room.connection.senders).toEqual({});
    room.start(true);
    await until(() => room.connection.senders.phoneNumber, 'a sender');
    expect(room.connection.senders).toEqual({ phoneNumber: '+14155550101' });
    expect((await ask('GET')).body).toMatchObject({
      phone_number: '+14155550101',
      phone_number_setting: 'auto',
    });
  });
});

describe('the status', () => {
  it('is found out at the start and by use, and never by requests that a good Standard key may not make', async () => {
    const standard = sim.credentials.issue('standard');
    const main = { sid: sim.apiKeySid };
    env = {
      ...{ ...env, ...configuredKey() },
      ...{ TWILIO_API_KEY_SID: standard.sid, TWILIO_API_KEY_SECRET: standard.secret },
    };
    const { room } = await node();
    expect(room.connection.status).toEqual({ state: 'active' });
    expect(sim.requests).toEqual([]);
    room.start(true);
    await until(() => 'checkedAt' in room.connection.status, 'the check');
    const client = room.connection.client();
    if (!client.ok) throw client.failure;
    await client.value.call(sdk => sdk.api.v2010.accounts(sim.accountSid).fetch());
    expect(room.connection.status.state).toBe('active');
    sim.credentials.revoke(standard.sid);
    expect(await works(room)).toBe(false);
    expect(room.connection.status).toMatchObject({ state: 'error', code: 20003, at: clock.wall() });
    expect(lines.join()).toContain('twilio connection failed');
    expect(lines.join()).toContain('20003');
    env['TWILIO_API_KEY_SID'] = main.sid;
    env['TWILIO_API_KEY_SECRET'] = sim.apiKeySecret;
    expect(await works(room)).toBe(true);
    expect(room.connection.status).toMatchObject({ state: 'active', checkedAt: clock.wall() });
  });

  it('is an error for an account that is suspended', async () => {
    env = { ...env, ...configuredKey() };
    sim.account.status = 'suspended';
    const { ask } = await node();
    for (let time = 0; time < 2; time += 1) {
      expect((await ask('GET', `${path}?check=1`)).body).toMatchObject({
        ...{ status: 'error', cause: expect.stringContaining('not active') },
      });
    }
    expect(lines.filter(line => line.includes('twilio connection'))).toHaveLength(1);
  });

  it('is not changed by a Twilio that is away', async () => {
    const { ask } = await node();
    await ask('PUT', path, given());
    sim.failNext({ drop: 'request' }, 9);
    expect((await ask('PUT', path, given())).status).toBe(502);
    sim.recover();
    expect((await ask('GET')).body).toMatchObject({ status: 'active' });
  });
});

describe('credentials', () => {
  /** Every form in which somebody may write them down. */
  const forms = (secret: string) => [
    ...[secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')],
    Buffer.from(`${sim.apiKeySid}:${secret}`).toString('base64'),
    Buffer.from(`${sim.accountSid}:${secret}`).toString('base64'),
  ];
  const databaseBytes = () =>
    Buffer.concat(readdirSync(folder).map(name => readFileSync(join(folder, name))));

  it('are in no log, no answer, no printed object and no byte of the database', async () => {
    const { room, ask } = await node();
    const wrong = 'wrong-secret-wrong-secret';
    const next = sim.credentials.issue('main');
    const secrets = [sim.apiKeySecret, sim.authToken, next.secret, wrong];
    await ask('PUT', path, { ...given(), auth_token: sim.authToken });
    await ask('POST', `${path}/rotate`, { api_key_sid: next.sid, api_key_secret: next.secret });
    await ask('POST', `${path}/rotate`, { api_key_sid: next.sid, api_key_secret: wrong });
    await ask('PUT', path, { ...given(), surprise: sim.authToken });
    sim.failNext({ status: 500, raw: next.secret }, 3);
    await ask('GET', `${path}?check=1`);
    sim.failNext({ drop: 'answer' }, 3);
    await ask('GET', `${path}?check=1`);
    sim.recover();
    await ask('GET', `${path}/history`);
    const client = room.connection.client();
    if (!client.ok) throw client.failure;
    sim.credentials.revoke(next.sid);
    const refused = await client.value.call(sdk => sdk.incomingPhoneNumbers.list({ limit: 1 }));
    const printed = [
      room,
      room.connection,
      room.desk,
      room.connection.status,
      client.value,
      refused,
      now(),
    ].map(each => inspect(each, { depth: 12, showHidden: true, getters: true }) + safeJson(each));
    const text = [...printed, ...answers, ...lines, databaseBytes().toString('latin1')].join('\n');
    expect(secrets.flatMap(forms).filter(form => text.includes(form))).toEqual([]);
    // The search finds what is there: the account in what was printed, the row in the database, the name in the log.
    expect(text).toContain(sim.accountSid);
    expect(databaseBytes().includes('twilio-connection')).toBe(true);
    expect(text).toContain('root');
  });

  it('survive another DATA_KEY that stands before the old one', async () => {
    const { ask } = await node();
    await ask('PUT', path, given());
    await store.close();
    store = await openStore({
      ...{ dataDir: folder, keepDays: () => 30, announce: () => [], removeRecording: async () => undefined },
      ...{ dataKeys: [Buffer.alloc(32, 8), Buffer.alloc(32, 7)], clock, log: log(), meters: noMeters },
    });
    expect(await works((await node()).room)).toBe(true);
  });

  it('that cannot be read are not replaced by those of the configuration', () => {
    env = { ...env, ...configuredKey() };
    const source = sourceOf(configuredSource(now()), { state: 'unreadable' });
    expect(source.account).toBeUndefined();
    expect(source.cause).toContain('DATA_KEY');
  });
});

function safeJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}
