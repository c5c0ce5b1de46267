import twilio from 'twilio';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SimTwilio } from '../../../../src/sim/twilio/server.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const number = '+14155550123';
let sim: SimTwilio;
let clock: ManualClock;

beforeEach(async () => {
  clock = new ManualClock();
  sim = await SimTwilio.start({ clock });
});
afterEach(() => sim.close());

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Headers;
}

async function request(
  path: string,
  form?: Record<string, string> | [string, string][],
  user?: string,
): Promise<Answer> {
  const credential = Buffer.from(user ?? `${sim.apiKeySid}:${sim.apiKeySecret}`).toString('base64');
  const response = await fetch(`${sim.baseUrl}/v2/Services/${sim.verifyServiceSid}/${path}`, {
    headers: { Authorization: `Basic ${credential}` },
    ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
  });
  return {
    status: response.status,
    body: (await response.json()) as Answer['body'],
    headers: response.headers,
  };
}

const send = (to = number, channel = 'sms') => request('Verifications', { To: to, Channel: channel });
const check = (code: string, to = number) => request('VerificationCheck', { To: to, Code: code });
const wrong = () => (sim.codeFor(number) === '000000' ? '111111' : '000000');

describe('the stand-in Verify', () => {
  it('sends a code, finds it right once, and has forgotten it afterwards', async () => {
    const sent = await send();
    expect(sent).toMatchObject({
      status: 201,
      body: { status: 'pending', valid: false, to: number, channel: 'sms' },
    });
    expect(JSON.stringify(sent.body)).not.toContain(sim.codeFor(number));
    expect(sim.codeFor(number)).toMatch(/^\d{6}$/);
    const good = await check(sim.codeFor(number));
    expect(good).toMatchObject({
      status: 200,
      body: { status: 'approved', valid: true, sid: sent.body['sid'] },
    });
    expect(await check(sim.codeFor(number))).toMatchObject({
      status: 404,
      body: { code: 20404, status: 404 },
    });
  });

  it('answers a wrong code with 200 and pending, and the sixth check with 60202', async () => {
    await send();
    for (let n = 0; n < 5; n += 1) {
      expect(await check(wrong())).toMatchObject({ status: 200, body: { status: 'pending', valid: false } });
    }
    expect(await check(sim.codeFor(number))).toMatchObject({ status: 429, body: { code: 60202 } });
    expect(await send()).toMatchObject({ status: 429, body: { code: 60202 } });
  });

  it('resends the same code within the same verification, five times in all', async () => {
    const first = await send();
    const code = sim.codeFor(number);
    for (let n = 1; n < 5; n += 1) expect((await send()).body['sid']).toBe(first.body['sid']);
    expect(sim.codeFor(number)).toBe(code);
    expect(sim.texts).toHaveLength(5);
    expect(await send()).toMatchObject({ status: 429, body: { code: 60203 } });
    clock.advance(600_000);
    expect((await send()).body['sid']).not.toBe(first.body['sid']);
  });

  it('lets a verification expire by its clock', async () => {
    await send();
    clock.advance(599_999);
    expect((await check(wrong())).status).toBe(200);
    clock.advance(1);
    expect(await check(sim.codeFor(number))).toMatchObject({ status: 404, body: { code: 20404 } });
  });

  it('finds a verification by its sid, and cancels it', async () => {
    const { sid } = (await send()).body;
    expect(await request(`Verifications/${sid}`)).toMatchObject({
      status: 200,
      body: { status: 'pending', sid },
    });
    const canceled = await request(`Verifications/${sid}`, { Status: 'canceled' });
    expect(canceled).toMatchObject({ status: 200, body: { status: 'canceled' } });
    expect((await request(`Verifications/${sid}`)).body['status']).toBe('canceled');
    const late = await request('VerificationCheck', {
      VerificationSid: String(sid),
      Code: sim.codeFor(number),
    });
    expect(late.body['code']).toBe(20404);
  });

  it.each([
    [{ To: 'junk', Channel: 'sms' }, 60200],
    [{ To: number, Channel: 'pigeon' }, 60200],
    [{ To: number }, 60200],
    [{ To: number, Channel: 'email' }, 60217],
  ])('refuses to send for %o with %i', async (form, code) => {
    const refused = await request('Verifications', form);
    expect(refused.body['code']).toBe(code);
    expect(sim.texts).toEqual([]);
  });

  it('refuses a code that is too short, and a check of nobody', async () => {
    await send();
    expect((await check('123')).body['code']).toBe(60200);
    expect((await request('VerificationCheck', { Code: '123456' })).body['code']).toBe(60200);
  });

  it('refuses numbers as it is told, and reaches a landline by a call', async () => {
    sim.refuse(number, 60205);
    expect(await send()).toMatchObject({ status: 403, body: { code: 60205 } });
    expect((await send(number, 'call')).status).toBe(201);
    sim.refuse(number, 60410);
    expect((await send()).body['code']).toBe(60410);
    sim.refuse(number, undefined);
    expect((await send()).status).toBe(201);
  });

  it('makes codes of the length that is asked for', async () => {
    const other = await SimTwilio.start({ codeLength: 8 });
    const client = twilio(other.accountSid, other.authToken);
    client.verify.baseUrl = other.baseUrl;
    await client.verify.v2
      .services(other.verifyServiceSid)
      .verifications.create({ to: number, channel: 'sms' });
    expect(other.codeFor(number)).toMatch(/^\d{8}$/);
    await other.close();
  });
});

describe('the stand-in server', () => {
  it('asks for a Basic credential that is one of its own', async () => {
    for (const user of ['', 'a:b', `${sim.apiKeySid}:wrong`, `${sim.accountSid}:${sim.apiKeySecret}`]) {
      expect(await request('Verifications', { To: number, Channel: 'sms' }, user)).toMatchObject({
        status: 401,
        body: { code: 20003, status: 401 },
      });
    }
    expect(sim.requests).toEqual([]);
    expect(
      (await request('Verifications', { To: number, Channel: 'sms' }, `${sim.accountSid}:${sim.authToken}`))
        .status,
    ).toBe(201);
  });

  it('does not know other services, other paths and bodies that are no forms', async () => {
    expect((await request('Nothing')).body['code']).toBe(20404);
    const url = `${sim.baseUrl}/v2/Services/VA${'0'.repeat(32)}/Verifications`;
    const headers = { Authorization: `Basic ${btoa(`${sim.apiKeySid}:${sim.apiKeySecret}`)}` };
    const stranger = await fetch(url, { method: 'POST', headers, body: new URLSearchParams({ To: number }) });
    expect(stranger.status).toBe(404);
    const json = { ...headers, 'Content-Type': 'application/json' };
    expect((await fetch(url, { method: 'POST', headers: json, body: '{}' })).status).toBe(415);
    const huge = await fetch(url, {
      method: 'POST',
      headers,
      body: new URLSearchParams({ To: 'x'.repeat(70_000) }),
    });
    expect(huge.status).toBe(413);
  });

  it('keeps repeated fields apart', async () => {
    await request('Verifications', [
      ['To', number],
      ['Channel', 'sms'],
      ['Tags', 'one'],
      ['Tags', 'two'],
    ]);
    expect(sim.requests[0]).toEqual({
      method: 'POST',
      path: `/v2/Services/${sim.verifyServiceSid}/Verifications`,
      params: { To: number, Channel: 'sms', Tags: ['one', 'two'] },
    });
  });

  it('fails as it is told, in order, and only as often', async () => {
    sim.failNext({ code: 20429, retryAfter: '7' });
    sim.failNext({ status: 503, raw: '<html></html>' });
    const throttled = await send();
    expect(throttled).toMatchObject({ status: 429, body: { code: 20429 } });
    expect(throttled.headers.get('retry-after')).toBe('7');
    await expect(send()).rejects.toThrow(/JSON/);
    expect((await send()).status).toBe(201);
    sim.failNext({ drop: 'request' });
    await expect(send()).rejects.toThrow();
    sim.failNext({ drop: 'answer' });
    await expect(send()).rejects.toThrow();
    expect(sim.texts).toHaveLength(1);
  });

  it('stalls on its own clock and then answers as ever', async () => {
    sim.failNext({ delayMs: 5_000 });
    let answered = false;
    const sending = send().then(answer => {
      answered = true;
      return answer;
    });
    await sim.received(1);
    await new Promise(setImmediate);
    expect(answered).toBe(false);
    clock.advance(5_000);
    expect((await sending).status).toBe(201);
  });
});
