import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../../../src/cli/cli.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { SimTwilio } from '../../../src/sim/twilio/server.ts';
import { noMeters } from '../../../src/store/meters.ts';
import { openStore } from '../../../src/store/open.ts';

let sim: SimTwilio;
let folder: string;

beforeEach(async () => {
  sim = await SimTwilio.start();
  folder = mkdtempSync(join(tmpdir(), 'trunkbridge-twilio-test-'));
});
afterEach(async () => {
  await sim.close();
  rmSync(folder, { recursive: true, force: true });
});

const account = () => ({
  TWILIO_ACCOUNT_SID: sim.accountSid,
  TWILIO_API_KEY_SID: sim.apiKeySid,
  TWILIO_API_KEY_SECRET: sim.apiKeySecret,
});
const everything = () => ({
  ...account(),
  TWILIO_AUTH_TOKEN: sim.authToken,
  TWILIO_VERIFY_SERVICE_SID: sim.verifyServiceSid,
  TWILIO_PHONE_NUMBER: 'auto',
  TWILIO_WHATSAPP_NUMBER: sim.phoneNumber,
  TWILIO_MESSAGING_SERVICE_SID: sim.messagingServiceSid,
  PUBLIC_HTTP_LISTEN: '127.0.0.1:0',
  PUBLIC_URL: 'https://bridge.example.com',
  TOOLS_SECRET: 'tools-secret-0123456789',
});

async function run(more: Readonly<Record<string, string>>, words = 'twilio test') {
  const out: string[] = [];
  const err: string[] = [];
  const env = {
    ELEVENLABS_API_KEY: 'sk_1',
    ELEVENLABS_AGENT_ID: 'agent_1',
    TWILIO_BASE_URL: sim.baseUrl,
    DATA_DIR: folder,
    ...more,
  };
  const code = await runCli(words.split(' '), {
    ...{ env, out: text => void out.push(text), err: text => void err.push(text) },
    onSignal: () => () => undefined,
  });
  const lines = out.join('\n').split('\n');
  const line = (part: string) => lines.find(each => each.slice(7).startsWith(part)) ?? '';
  return { code, out: out.join('\n'), err: err.join('\n'), line };
}

describe('trunkbridge twilio test', () => {
  it('finds that all works, and sends nothing', async () => {
    const { code, out } = await run(everything());
    expect(out).not.toContain('FAILS');
    expect(out.match(/^works/gm)).toHaveLength(8);
    expect(code).toBe(0);
    expect(sim.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
    expect(out).not.toContain(sim.phoneNumber);
  });

  it('names the setting of each part that is off, which is no failure', async () => {
    const { code, line } = await run(account());
    expect(code).toBe(0);
    expect(line('one-time codes')).toMatch(/^off .*TWILIO_VERIFY_SERVICE_SID/);
    expect(line('texts and calls')).toMatch(/^off .*TWILIO_PHONE_NUMBER/);
    expect(line('WhatsApp')).toMatch(/^off .*TWILIO_WHATSAPP_NUMBER/);
    expect(line('messaging service')).toMatch(/^off .*TWILIO_MESSAGING_SERVICE_SID/);
    expect(line('webhooks')).toMatch(/^off .*PUBLIC_HTTP_LISTEN and PUBLIC_URL/);
  });

  it.each<[string, string, Record<string, string>, RegExp]>([
    [
      'a Verify service of somebody else',
      'one-time codes',
      { TWILIO_VERIFY_SERVICE_SID: `VA${'0'.repeat(32)}` },
      /TWILIO_VERIFY_SERVICE_SID/,
    ],
    [
      'a number of somebody else',
      'texts and calls',
      { TWILIO_PHONE_NUMBER: '+14155550199' },
      /no number of the account/,
    ],
    ['a number that cannot text', 'texts and calls', { TWILIO_PHONE_NUMBER: '+14155550101' }, /cannot text/],
    ['a caller id', 'texts and calls', { TWILIO_PHONE_NUMBER: '+14155550102' }, /verified caller id/],
    [
      'another WhatsApp sender',
      'WhatsApp',
      { TWILIO_WHATSAPP_NUMBER: '+14155550199' },
      /TWILIO_WHATSAPP_NUMBER/,
    ],
    [
      'another messaging service',
      'messaging service',
      { TWILIO_MESSAGING_SERVICE_SID: `MG${'0'.repeat(32)}` },
      /TWILIO_MESSAGING_SERVICE_SID/,
    ],
    ['no token for signatures', 'webhooks', { TWILIO_AUTH_TOKEN: '' }, /TWILIO_AUTH_TOKEN/],
  ])('says what is wrong with %s', async (_title, part, env, words) => {
    sim.numbers.buy('+14155550101', { sms: false });
    sim.numbers.verifyCallerId('+14155550102');
    const { code, line, out } = await run({ ...everything(), ...env });
    expect(line(part)).toMatch(/^FAILS/);
    expect(line(part)).toMatch(words);
    expect(out.match(/^FAILS/gm)).toHaveLength(1);
    expect(code).toBe(1);
  });

  it('tells a Standard key by what it does not open', async () => {
    const { sid, secret } = sim.credentials.issue('standard');
    const { code, line } = await run({
      ...everything(),
      TWILIO_API_KEY_SID: sid,
      TWILIO_API_KEY_SECRET: secret,
    });
    expect(line('credentials')).toMatch(/^works .*Standard key/);
    expect(line('account overview')).toMatch(/^FAILS .*Main key.*TWILIO_API_KEY_SID/);
    expect(code).toBe(1);
  });

  it('says no more than that the credentials are wrong where they are', async () => {
    const { code, out, err } = await run({ ...everything(), TWILIO_API_KEY_SECRET: 'wrong-secret' });
    expect(out.split('\n')).toEqual([expect.stringMatching(/^FAILS {2}credentials .*TWILIO_API_KEY_SECRET/)]);
    expect(out + err).not.toContain('wrong-secret');
    expect(code).toBe(1);
  });

  it('is a wrong use without credentials, and with other words', async () => {
    const none = await run({});
    expect([none.code, none.err]).toEqual([2, expect.stringContaining('TWILIO_ACCOUNT_SID')]);
    expect((await run({}, 'twilio')).code).toBe(2);
    expect((await run({}, 'twilio test now')).code).toBe(2);
    const help = await run({}, 'twilio --help');
    expect([help.code, help.out]).toEqual([0, expect.stringContaining('Examples:')]);
  });

  it('tests what was connected over the API, also while a daemon has the store open', async () => {
    const store = await openStore({
      ...{ dataDir: folder, dataKeys: [], keepDays: () => 30, announce: () => [] },
      ...{ removeRecording: async () => undefined, clock: systemClock, log: silentLogger, meters: noMeters },
    });
    const credentials = { kind: 'key', keySid: sim.apiKeySid, keySecret: sim.apiKeySecret };
    const text = JSON.stringify({
      ...{ state: 'connected', account: { accountSid: sim.accountSid, credentials } },
      senders: { phoneNumber: 'auto' },
    });
    const document = { id: 'current', name: 'current', text };
    await store.documents.put('twilio-connection', document, { who: 'ops', why: '', what: 'connected' });
    const { code, out, line } = await run({});
    expect(out).toContain('made over the API');
    expect(line('texts and calls')).toMatch(/^works/);
    expect(code).toBe(0);
    await store.close();
  });
});
