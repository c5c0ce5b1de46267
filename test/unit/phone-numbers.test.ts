import { inspect } from 'node:util';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { withImported } from '../../src/config/imported.ts';
import { loadConfig } from '../../src/config/load.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { composeHttp } from '../../src/http/http.ts';
import type { ApiKey } from '../../src/http/keys.ts';
import { SimTwilio } from '../../src/sim/twilio/server.ts';
import { composeTwilio, type TwilioRoom } from '../../src/twilio-room.ts';
import { FakeStore } from '../support/fake-store.ts';
import { ManualClock } from '../support/manual-clock.ts';

const keys: readonly ApiKey[] = [
  { name: 'panel', role: 'read', secret: 'read-secret-0123456789' },
  { name: 'root', role: 'admin', secret: 'admin-secret-0123456789' },
];
const path = '/v1/convai/phone-numbers';
const base = 'https://bridge.example.com';

let clock: ManualClock;
let sim: SimTwilio;
let store: FakeStore;
let env: Record<string, string>;
let yaml: string;
let rooms: TwilioRoom[];

beforeEach(async () => {
  clock = new ManualClock();
  sim = await SimTwilio.start();
  store = new FakeStore({ clock });
  rooms = [];
  yaml = 'tools: { default_country: US }\n';
  env = {
    TWILIO_BASE_URL: sim.baseUrl,
    TWILIO_ACCOUNT_SID: sim.accountSid,
    TWILIO_API_KEY_SID: sim.apiKeySid,
    TWILIO_API_KEY_SECRET: sim.apiKeySecret,
    PUBLIC_HTTP_LISTEN: '127.0.0.1:0',
    PUBLIC_URL: base,
    TOOLS_SECRET: 'tools-secret-0123456789',
  };
});
afterEach(async () => {
  for (const room of rooms) room.close();
  await sim.close();
});

function configured(): Config {
  const loaded = loadConfig({
    env: { ELEVENLABS_API_KEY: 'sk_1', ELEVENLABS_AGENT_ID: 'agent_default', ...env },
    ...{ path: 't.yaml', read: () => yaml },
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.failure));
  return loaded.value.config;
}

async function node() {
  let inForce = configured();
  const room = await composeTwilio({
    ...{ now: configured, documents: store.documents, clock, log: silentLogger },
    useNumbers: imported => {
      inForce = withImported(configured(), imported);
    },
  });
  rooms.push(room);
  const http = composeHttp({
    ...{ apiKeys: keys, health: () => ({ ready: true }), registry: new Registry(), log: silentLogger },
    phoneNumbers: room.numbers,
  });
  type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
  const ask = async (method: Method, url = '', body?: object, role = 'admin') => {
    const answer = await http.inject({
      ...{ method, url: `${path}${url}` },
      headers: { 'xi-api-key': keys.find(key => key.role === role)?.secret ?? '' },
      ...(body === undefined ? {} : { payload: body }),
    });
    return { status: answer.statusCode, body: answer.json() as Record<string, unknown> };
  };
  /** Imports one and gives its id. */
  const made = async (body: object) => {
    const { status, body: answer } = await ask('POST', '', body);
    expect([status, answer]).toEqual([200, { phone_number_id: expect.any(String) }]);
    return `/${String(answer['phone_number_id'])}`;
  };
  const agentOf = (number: string) =>
    inForce.numbers.find(({ pattern }) => pattern.kind === 'number' && pattern.number === number)?.agentId;
  return { room, ask, made, agentOf, config: () => inForce };
}

const refusal = (status: number, words: RegExp) => ({
  status,
  body: { detail: { message: expect.stringMatching(words) } },
});
const twilioNumber = (more: object = {}) => ({
  ...{ phone_number: '(415) 555-0100', label: 'Front desk', provider: 'twilio', agent_id: 'agent_1' },
  ...{ sid: sim.accountSid, token: 'never-kept', ...more },
});
const trunkNumber = (more: object = {}) => ({
  ...{ phone_number: '+493090182000', label: 'Berlin', provider: 'sip_trunk', agent_id: 'agent_2' },
  inbound_trunk_config: {
    allowed_addresses: ['192.0.2.0/24'],
    media_encryption: 'required',
    credentials: { username: 'berlin', password: 'a-password-of-the-trunk' },
  },
  ...more,
});

describe('a number bought at Twilio', () => {
  it('is inbound and outbound, and its calls come to us until it is deleted', async () => {
    const number = sim.numbers.find('+14155550100');
    number?.settings.set('VoiceUrl', 'https://old.example.com/voice');
    number?.settings.set('VoiceMethod', 'GET');
    number?.settings.set('VoiceApplicationSid', `AP${'0'.repeat(32)}`);
    const before = new Map(number?.settings);
    const { ask, made, agentOf } = await node();
    const id = await made(twilioNumber());
    expect(number?.settings.has('SmsUrl')).toBe(false);
    expect(agentOf('+14155550100')).toBe('agent_1');
    expect(Object.fromEntries(number?.settings ?? [])).toMatchObject({
      ...{ VoiceUrl: `${base}/twilio/voice`, VoiceMethod: 'POST', VoiceApplicationSid: '' },
      ...{ StatusCallback: `${base}/twilio/status`, VoiceFallbackUrl: `${base}/twilio/fallback` },
    });
    expect((await ask('GET', id)).body).toMatchObject({
      ...{
        phone_number: '+14155550100',
        provider: 'twilio',
        supports_inbound: true,
        supports_outbound: true,
      },
      assigned_agent: { agent_id: 'agent_1' },
    });
    expect(await ask('DELETE', id)).toEqual({ status: 200, body: {} });
    for (const [name, value] of before) expect([name, number?.settings.get(name)]).toEqual([name, value]);
    expect(number?.settings.get('StatusCallback')).toBe('');
    expect(agentOf('+14155550100')).toBeUndefined();
    expect((await ask('GET', id)).status).toBe(404);
  });

  it('brings its messages too where that is wanted, and gives them back', async () => {
    const number = sim.numbers.find('+14155550100');
    number?.settings.set('SmsUrl', 'https://old.example.com/sms');
    const { ask, made } = await node();
    const id = await made(twilioNumber({ enable_sms: true }));
    expect(number?.settings.get('SmsUrl')).toBe(`${base}/twilio/sms`);
    expect((await ask('DELETE', id)).status).toBe(200);
    expect(number?.settings.get('SmsUrl')).toBe('https://old.example.com/sms');
  });

  it('keeps what somebody else has set since, when it is deleted', async () => {
    const { ask, made } = await node();
    const id = await made(twilioNumber());
    sim.numbers.find('+14155550100')?.settings.set('VoiceUrl', 'https://new.example.com/voice');
    expect((await ask('DELETE', id)).status).toBe(200);
    expect(sim.numbers.find('+14155550100')?.settings.get('VoiceUrl')).toBe('https://new.example.com/voice');
  });

  it('is not deleted while Twilio cannot be told, unless forced', async () => {
    const { ask, made } = await node();
    const id = await made(twilioNumber());
    sim.failNext({ status: 500, raw: 'no' }, 9);
    expect((await ask('DELETE', id)).status).toBe(502);
    expect((await ask('GET', id)).status).toBe(200);
    expect((await ask('DELETE', `${id}?force=true`)).status).toBe(200);
  });

  it('on an Elastic SIP trunk keeps its URLs: its calls come over the trunk', async () => {
    const number = sim.numbers.find('+14155550100');
    number?.settings.set('TrunkSid', `TK${'0'.repeat(32)}`);
    const { made, agentOf, ask } = await node();
    const id = await made(twilioNumber());
    expect(number?.settings.has('VoiceUrl')).toBe(false);
    expect(agentOf('+14155550100')).toBe('agent_1');
    expect((await ask('DELETE', id)).status).toBe(200);
    expect(sim.requests.filter(({ method }) => method === 'POST')).toEqual([]);
  });

  it('is not imported where Twilio cannot reach us, but for calls from it', async () => {
    env['PUBLIC_URL'] = '';
    const { ask } = await node();
    expect(await ask('POST', '', twilioNumber())).toMatchObject(refusal(409, /PUBLIC_URL/));
    expect((await ask('POST', '', twilioNumber({ supports_inbound: false }))).status).toBe(200);
  });

  it('is not kept when Twilio does not take its URLs', async () => {
    const { ask, agentOf } = await node();
    sim.failNext({ code: 20003 }, 1, { method: 'POST' });
    expect((await ask('POST', '', twilioNumber())).status).toBe(502);
    expect((await ask('GET')).body).toEqual([]);
    expect(agentOf('+14155550100')).toBeUndefined();
    expect((await ask('POST', '', twilioNumber())).status).toBe(200);
  });

  it('has to be of the account that is connected', async () => {
    const { ask } = await node();
    expect(await ask('POST', '', twilioNumber({ phone_number: '+14155550199' }))).toMatchObject(
      refusal(422, /neither a number nor a verified caller id/),
    );
    expect(await ask('POST', '', twilioNumber({ sid: `AC${'0'.repeat(32)}` }))).toMatchObject(
      refusal(409, /not the account/),
    );
    Object.assign(env, { TWILIO_ACCOUNT_SID: '', TWILIO_API_KEY_SID: '', TWILIO_API_KEY_SECRET: '' });
    expect(await ask('POST', '', twilioNumber())).toMatchObject(refusal(409, /not connected/));
  });
});

describe('a verified caller id', () => {
  it('is outbound alone: no agent is assigned to it, and the reason is said', async () => {
    sim.numbers.verifyCallerId('+442071234567');
    const { ask, made } = await node();
    const number = { phone_number: '+44 20 7123 4567', label: 'London', provider: 'twilio' };
    const reason = refusal(422, /verified caller id: .* no agent can answer/);
    expect(await ask('POST', '', { ...number, agent_id: 'agent_1' })).toMatchObject(reason);
    const id = await made(number);
    expect((await ask('GET', id)).body).toMatchObject({
      ...{ supports_inbound: false, supports_outbound: true, assigned_agent: null },
    });
    expect(await ask('PATCH', id, { agent_id: 'agent_1' })).toMatchObject(reason);
    expect((await ask('PATCH', id, { label: 'City' })).body).toMatchObject({ label: 'City' });
    expect((await ask('DELETE', id)).status).toBe(200);
    expect(sim.requests.filter(({ method }) => method === 'POST')).toEqual([]);
  });
});

describe('a number with a SIP trunk of its own', () => {
  it('brings its trunk, which holds at once and shows no password', async () => {
    const { ask, made, agentOf, config } = await node();
    const id = await made(
      trunkNumber({ outbound_trunk_config: { address: 'sip.example.com', transport: 'tls' } }),
    );
    const name = id.slice(1);
    expect(config().trunks).toMatchObject([
      {
        name,
        username: 'berlin',
        allowedAddresses: ['192.0.2.0/24'],
        mediaEncryption: 'required',
        imported: true,
      },
    ]);
    expect(config().trunks[0]?.outbound?.from).toBe('+493090182000');
    expect(config().secrets.trunkPasswords.get(name)).toBe('a-password-of-the-trunk');
    expect(config().numbers).toMatchObject([{ agentId: 'agent_2', trunk: name, label: 'Berlin' }]);
    const shown = await ask('GET', id);
    expect(shown.body).toMatchObject({
      inbound_trunk: { has_auth_credentials: true, username: 'berlin', allowed_addresses: ['192.0.2.0/24'] },
      outbound_trunk: { address: 'sip.example.com', transport: 'tls', has_auth_credentials: false },
    });
    expect(JSON.stringify(shown.body)).not.toContain('a-password');
    expect((await ask('PATCH', id, { agent_id: null })).body).toMatchObject({ assigned_agent: null });
    expect(agentOf('+493090182000')).toBeUndefined();
    await ask('DELETE', id);
    expect(config().trunks).toEqual([]);
  });

  it.each<[string, object, RegExp]>([
    ['lets everybody in', { inbound_trunk_config: {} }, /allowed_addresses, credentials or remote_domains/],
    [
      'has a key that is none',
      { inbound_trunk_config: { allowed_adresses: ['192.0.2.1'] } },
      /did you mean allowed_addresses/,
    ],
    ['names a file', { inbound_trunk_config: { allowed_addresses: ['file:/etc/passwd'] } }, /cannot be read/],
    [
      'asks for a variable',
      { inbound_trunk_config: { allowed_addresses: ['$' + '{PATH}'] } },
      /that variable is not set/,
    ],
    [
      'has no address to call',
      { outbound_trunk_config: { transport: 'tcp' }, inbound_trunk_config: null },
      /address/,
    ],
  ])('is refused when its trunk %s', async (_title, more, words) => {
    const { ask } = await node();
    expect(await ask('POST', '', trunkNumber(more))).toMatchObject(refusal(422, words));
    expect((await ask('GET')).body).toEqual([]);
  });

  it('stays, with its way out, while transfers of the configuration go over it', async () => {
    const { ask, made } = await node();
    const outbound_trunk_config = { address: 'sip.example.com' };
    const id = await made(trunkNumber({ outbound_trunk_config }));
    yaml = `transfers: [{ name: Sales, phone_number: "+14155550150", trunk: ${id.slice(1)} }]\n`;
    const used = refusal(409, /Transfers go over the trunk of this number: Sales/);
    expect(await ask('PATCH', id, { outbound_trunk_config: null })).toMatchObject(used);
    expect(await ask('DELETE', id)).toMatchObject(used);
    expect((await ask('PATCH', id, { label: 'Desk', outbound_trunk_config })).status).toBe(200);
    yaml = '{}\n';
    expect((await ask('PATCH', id, { outbound_trunk_config: null })).status).toBe(200);
    yaml = `transfers: [{ name: Sales, phone_number: "+14155550150", trunk: ${id.slice(1)} }]\n`;
    expect((await ask('DELETE', `${id}?force=true`)).status).toBe(200);
  });

  it('needs a username that no other trunk has', async () => {
    const { ask, made } = await node();
    await made(trunkNumber());
    expect(await ask('POST', '', trunkNumber({ phone_number: '+493090182001' }))).toMatchObject(
      refusal(409, /username/),
    );
  });

  it('without a trunk is called over every trunk there is', async () => {
    const { made, config } = await node();
    await made(trunkNumber({ inbound_trunk_config: null }));
    expect(config().numbers).toMatchObject([{ agentId: 'agent_2' }]);
    expect(config().numbers[0]).not.toHaveProperty('trunk');
  });
});

describe('phone numbers', () => {
  it.each([
    ['+1415', /too few digits/],
    ['call me', /not a phone number/],
    ['+14155550100 ext 9', /extension/],
  ])('are refused when they are none: %s', async (phone_number, words) => {
    const { ask } = await node();
    const answer = await ask('POST', '', trunkNumber({ phone_number }));
    expect(answer).toMatchObject({ status: 422 });
    expect(JSON.stringify(answer.body)).toMatch(words);
  });

  it('need a country, their own or that of the configuration', async () => {
    const { ask } = await node();
    yaml = 'tools: { default_country: GB }\n';
    expect((await ask('POST', '', trunkNumber({ phone_number: '020 7123 4567' }))).status).toBe(200);
    yaml = '{}\n';
    expect(await ask('POST', '', trunkNumber({ phone_number: '020 7123 4568' }))).toMatchObject(
      refusal(422, /country code/),
    );
  });

  it('have a country of their own for numbers without one, until it is taken away', async () => {
    const { ask, made, config } = await node();
    yaml = '{}\n';
    const body = trunkNumber({ phone_number: '020 7123 4567', default_country: 'GB' });
    const id = await made({ ...body, outbound_trunk_config: { address: 'sip.example.com' } });
    expect((await ask('GET', id)).body).toMatchObject({ default_country: 'GB' });
    const countries = () => [config().numbers, config().trunks].map(([only]) => only?.defaultCountry);
    expect(countries()).toEqual(['GB', 'GB']);
    expect((await ask('PATCH', id, { label: 'City' })).body).toMatchObject({ default_country: 'GB' });
    expect((await ask('PATCH', id, { default_country: 'IE' })).body).toMatchObject({ default_country: 'IE' });
    expect(countries()).toEqual(['IE', 'IE']);
    expect((await ask('PATCH', id, { default_country: null })).body).toMatchObject({ default_country: null });
    expect(countries()).toEqual([undefined, undefined]);
    for (const wrong of ['gb', 'ZZ', 'GBR', 44])
      for (const [method, url] of [
        ['POST', ''],
        ['PATCH', id],
      ] as const)
        expect(await ask(method, url, { ...body, default_country: wrong })).toMatchObject(
          refusal(422, /default_country is not right/),
        );
  });

  it('that are in the configuration are shown, win, and cannot be changed here', async () => {
    const { made, agentOf } = await node();
    const id = await made(trunkNumber({ inbound_trunk_config: null }));
    yaml = 'numbers: [{ phone_number: "+493090182000", agent_id: agent_file }]\n';
    const again = await node();
    expect(again.agentOf('+493090182000')).toBe('agent_file');
    expect(agentOf('+493090182000')).toBe('agent_2');
    const sentence = /in the configuration \(numbers\), which wins/;
    expect(await again.ask('PATCH', id, { agent_id: 'agent_3' })).toMatchObject(refusal(409, sentence));
    expect((await again.ask('GET', id)).body).toMatchObject({ configured: true });
    expect(await again.ask('POST', '', trunkNumber())).toMatchObject(refusal(409, sentence));
    expect(await again.ask('PATCH', '/config_0', { label: 'x' })).toMatchObject(refusal(409, sentence));
    expect(await again.ask('DELETE', '/config_0')).toMatchObject(refusal(409, sentence));
    expect((await again.ask('GET', '/config_0')).body).toMatchObject({
      assigned_agent: { agent_id: 'agent_file' },
    });
    expect((await again.ask('DELETE', id)).status).toBe(200);
  });

  it('are imported once, listed by provider and agent, and known to other nodes', async () => {
    const [one, other] = [await node(), await node()];
    await one.made(twilioNumber());
    await one.made(trunkNumber());
    expect(await one.ask('POST', '', trunkNumber())).toMatchObject(refusal(409, /imported already/));
    const count = async (query: string) =>
      ((await other.ask('GET', query)).body as unknown as unknown[]).length;
    expect(other.agentOf('+493090182000')).toBeUndefined();
    expect([await count(''), await count('?provider=twilio'), await count('?agent_id=agent_2')]).toEqual([
      2, 1, 1,
    ]);
    expect(other.agentOf('+493090182000')).toBe('agent_2');
    expect((await node()).agentOf('+14155550100')).toBe('agent_1');
  });

  it('are changed by admins alone, and shown masked to who may not see them', async () => {
    const { ask, made } = await node();
    const id = await made(trunkNumber());
    for (const [method, url] of [
      ['POST', ''],
      ['PATCH', id],
      ['DELETE', id],
    ] as const) {
      expect((await ask(method, url, {}, 'read')).status).toBe(403);
    }
    const seen = await ask('GET', id, undefined, 'read');
    expect(seen.body['phone_number']).toBe('+493*******00');
    expect(JSON.stringify(seen.body)).not.toContain('90182000');
    expect((await ask('PATCH', id, { label: 'Berlin +49 30 901820-00' })).body).toMatchObject({
      label: 'Berlin +49 30 901820-00',
    });
    expect((await ask('GET', id, undefined, 'read')).body['label']).toBe('Berlin +493*******00');
  });

  it('go on as they were while the store is down', async () => {
    const { ask, made, agentOf } = await node();
    await made(trunkNumber());
    store.down = true;
    const more = trunkNumber({ phone_number: '+493090182001', inbound_trunk_config: null });
    expect((await ask('POST', '', more)).status).toBe(500);
    expect(agentOf('+493090182000')).toBe('agent_2');
  });

  it('keep no token of Twilio that came with them', async () => {
    const { made, room } = await node();
    await made(twilioNumber());
    const kept = await store.documents.list('phone-number');
    expect(inspect([kept, room], { depth: 12, showHidden: true })).not.toContain('never-kept');
  });
});
