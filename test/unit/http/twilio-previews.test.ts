import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/core/logger.ts';
import { composeHttp } from '../../../src/http/http.ts';
import type { ApiKey } from '../../../src/http/keys.ts';
import { SimTwilio } from '../../../src/sim/twilio/server.ts';
import { type ConnectionSource, LiveConnection } from '../../../src/twilio/live-connection.ts';
import { TwilioPreviews } from '../../../src/twilio/previews.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const keys: readonly ApiKey[] = [
  { name: 'panel', role: 'read', secret: 'read-secret-0123456789' },
  { name: 'desk', role: 'pii', secret: 'pii-secret-0123456789' },
];

let sim: SimTwilio;
let connection: LiveConnection;
let source: ConnectionSource;
let ask: (path: string, role?: string) => Promise<{ status: number; body: Record<string, unknown> }>;

beforeEach(async () => {
  sim = await SimTwilio.start();
  const { accountSid, baseUrl } = sim;
  const credentials = { kind: 'key' as const, keySid: sim.apiKeySid, keySecret: sim.apiKeySecret };
  source = { account: { accountSid, credentials }, baseUrl, senders: {} };
  connection = new LiveConnection({ source: () => source, clock: new ManualClock() });
  const http = composeHttp({
    ...{ apiKeys: keys, health: () => ({ ready: true }), registry: new Registry(), log: silentLogger },
    twilioLooks: new TwilioPreviews(connection),
  });
  ask = async (path, role = 'pii') => {
    const secret = keys.find(key => key.role === role)?.secret ?? '';
    const answer = await http.inject({ url: `/v1/twilio/${path}`, headers: { 'xi-api-key': secret } });
    return { status: answer.statusCode, body: answer.json() as Record<string, unknown> };
  };
});
afterEach(async () => {
  connection.close();
  await sim.close();
});

/** Every page, one after the other. */
async function walk(
  path: string,
  name: string,
): Promise<{ pages: number; items: Record<string, unknown>[] }> {
  const items: Record<string, unknown>[] = [];
  let cursor = '';
  for (let pages = 1; ; pages += 1) {
    const { body } = await ask(`${path}${cursor}`);
    items.push(...(body[name] as Record<string, unknown>[]));
    if (body['has_more'] !== true) return { pages, items };
    cursor = `&cursor=${String(body['next_cursor'])}`;
  }
}

async function text(to: string): Promise<void> {
  const client = connection.client();
  if (!client.ok) throw client.failure;
  const body = 'my secret is 739164';
  await client.value.call(sdk => sdk.messages.create({ to, from: sim.phoneNumber, body }));
}

describe('GET /v1/twilio/phone-numbers', () => {
  it('shows what each number can do, page by page', async () => {
    sim.numbers.buy('+14155550101', { sms: false }).settings.set('TrunkSid', `TK${'0'.repeat(32)}`);
    sim.numbers.buy('+14155550102');
    const { pages, items } = await walk('phone-numbers?limit=2', 'phone_numbers');
    expect(pages).toBe(2);
    expect(items).toMatchObject([
      { phone_number: '+14155550100', capabilities: { voice: true, sms: true }, on_sip_trunk: false },
      { phone_number: '+14155550101', capabilities: { voice: true, sms: false }, on_sip_trunk: true },
      { phone_number: '+14155550102' },
    ]);
  });

  it('masks numbers, also as names, for who may not see them', async () => {
    const { body } = await ask('phone-numbers', 'read');
    expect(body).toMatchObject({ phone_numbers: [{ phone_number: '+141******00', name: '+141******00' }] });
  });
});

describe('GET /v1/twilio/messages', () => {
  it('shows what became of each message and not what it says, page by page', async () => {
    for (const last of [1, 2, 3]) await text(`+1415555012${last}`);
    const { pages, items } = await walk('messages?limit=2', 'messages');
    expect([pages, items.length]).toEqual([2, 3]);
    expect(items[0]).toMatchObject({
      ...{ sid: expect.stringMatching(/^SM/), status: expect.any(String), to: '+14155550123' },
      ...{ direction: 'outbound-api', error_code: null, from: sim.phoneNumber },
    });
    expect(JSON.stringify(items)).not.toContain('739164');
    const one = await ask('messages?to=%2B1%20415%20555%200122');
    expect(one.body['messages']).toHaveLength(1);
    const seen = JSON.stringify((await ask('messages', 'read')).body);
    expect(seen).not.toContain('5550123');
    expect(seen).toContain('+141******23');
  });
});

describe('previews of the Twilio account', () => {
  it.each([
    ['phone-numbers?limit=101', /limit/],
    ['phone-numbers?cursor=bm90aGluZw', /cursor/],
    [`messages?cursor=${Buffer.from('["https://evil.example.com",""]').toString('base64url')}`, /cursor/],
    ['messages?to=someone', /to is not right/],
    ['messages?date_sent_after=yesterday', /date_sent_after/],
    ['messages?body=code', /There are/],
  ])('refuse %s', async (path, words) => {
    const { status, body } = await ask(path);
    expect([status, JSON.stringify(body)]).toEqual([422, expect.stringMatching(words)]);
    expect(sim.requests).toEqual([]);
  });

  it('say that nothing is connected, or that Twilio is away', async () => {
    sim.failNext({ drop: 'request' }, 9);
    expect((await ask('messages')).status).toBe(502);
    source = { senders: {} };
    expect(await ask('messages')).toMatchObject({
      status: 409,
      body: { detail: { message: expect.stringContaining('TWILIO_ACCOUNT_SID') } },
    });
  });
});
