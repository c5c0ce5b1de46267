import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock, Timer } from '../../../src/core/clock.ts';
import type { Result } from '../../../src/core/errors.ts';
import { SimTwilio } from '../../../src/sim/twilio/server.ts';
import { TwilioClient, type TwilioOptions } from '../../../src/twilio/client.ts';
import type { TwilioFailure } from '../../../src/twilio/failure.ts';
import { twilioLimits } from '../../../src/twilio/limits.ts';
import { createVerify } from '../../../src/twilio/verify.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const number = '+14155550123';
const anySid = (prefix: string) => prefix + '0'.repeat(32);

/** Lets waits pass at once, notes them, and never lets a request time out. */
class WaitingClock implements Clock {
  readonly waits: number[] = [];
  isWait = (ms: number) => ms < twilioLimits.timeoutMs;
  #now = 0;
  now = () => this.#now;
  wall = () => this.#now;
  timer(ms: number, fire: () => void): Timer {
    if (!this.isWait(ms)) return { cancel: () => undefined };
    this.waits.push(ms);
    const handle = setImmediate(() => {
      this.#now += ms;
      fire();
    });
    return { cancel: () => clearImmediate(handle) };
  }
}

let sim: SimTwilio;
let clock: WaitingClock;

beforeEach(async () => {
  sim = await SimTwilio.start();
  clock = new WaitingClock();
});
afterEach(() => sim.close());

function clientFor(options: Partial<TwilioOptions> = {}): TwilioClient {
  const { accountSid, apiKeySid, apiKeySecret, baseUrl } = sim;
  const made = TwilioClient.create({
    accountSid,
    apiKeySid,
    apiKeySecret,
    baseUrl,
    clock,
    random: () => 0.5,
    ...options,
  });
  if (!made.ok) throw made.failure;
  return made.value;
}

const verifyFor = (options: Partial<TwilioOptions> = {}) =>
  createVerify(clientFor(options), sim.verifyServiceSid);

async function failureOf(sending: Promise<Result<unknown, TwilioFailure>>): Promise<TwilioFailure> {
  const result = await sending;
  if (result.ok) throw new Error('expected a failure');
  return result.failure;
}

describe('the Twilio client', () => {
  it('sends a code and has it checked, by sid and by number', async () => {
    const verify = verifyFor();
    const sent = await verify.send(number, 'sms');
    expect(sent).toMatchObject({ ok: true, value: { status: 'pending' } });
    if (!sent.ok) return;
    const { verificationSid } = sent.value;
    expect(await verify.check({ to: number }, 'wrong1')).toMatchObject({
      value: { status: 'pending', valid: false },
    });
    const checked = await verify.check({ verificationSid }, sim.codeFor(number));
    expect(checked).toEqual({ ok: true, value: { verificationSid, status: 'approved', valid: true } });
    expect(sim.requests.at(-1)?.params).toEqual({
      VerificationSid: verificationSid,
      Code: sim.codeFor(number),
    });
  });

  it('authenticates with the auth token where there is no API key', async () => {
    const verify = verifyFor({ apiKeySid: undefined, authToken: sim.authToken });
    expect((await verify.send(number, 'sms')).ok).toBe(true);
  });

  it('reports wrong credentials as 20003 and does not try again', async () => {
    const failure = await failureOf(verifyFor({ apiKeySecret: 'x' }).send(number, 'sms'));
    expect(failure).toMatchObject({ code: 'twilio-refused', status: 401, errorCode: 20003 });
    expect(failure.requestId).toMatch(/^RQ/);
    expect(clock.waits).toEqual([]);
  });

  it.each([
    [{ accountSid: 'nonsense' }, 'TWILIO_ACCOUNT_SID'],
    [{ apiKeySid: 'AC1' }, 'TWILIO_API_KEY_SID'],
    [{ apiKeySecret: undefined }, 'TWILIO_API_KEY_SECRET'],
    [{ apiKeySid: undefined }, 'TWILIO_AUTH_TOKEN'],
    [{ baseUrl: 'http://twilio.example' }, 'TWILIO_BASE_URL'],
    [{ baseUrl: 'nonsense' }, 'TWILIO_BASE_URL'],
  ])('is not made from %o and names %s', (options, name) => {
    const { accountSid, apiKeySid, apiKeySecret } = sim;
    const made = TwilioClient.create({ accountSid, apiKeySid, apiKeySecret, ...options });
    expect(made.ok ? '' : made.failure.message).toContain(name);
  });

  it('sends every host of Twilio to the stand-in, with its path and query', async () => {
    const client = clientFor();
    await client.call(sdk => sdk.lookups.v2.phoneNumbers(number).fetch({ fields: 'line_status' }));
    await client.call(sdk => sdk.messages.list({ limit: 1 }));
    expect(sim.requests.map(request => request.path)).toEqual([
      `/v2/PhoneNumbers/${number}`,
      `/2010-04-01/Accounts/${sim.accountSid}/Messages.json`,
    ]);
    expect(sim.requests[0]?.params).toEqual({ Fields: 'line_status' });
  });

  it('keeps the path of the base URL in front', async () => {
    await verifyFor({ baseUrl: `${sim.baseUrl}/gateway/` }).send(number, 'sms');
    expect(sim.requests[0]?.path).toBe(`/gateway/v2/Services/${sim.verifyServiceSid}/Verifications`);
  });

  it('refuses hosts that are not known to be needed', async () => {
    const get = (uri: string) => clientFor().call(sdk => sdk.request({ method: 'get', uri }));
    for (const host of ['studio.twilio.com', 'verify.twilio.com.evil.example', 'evil.example']) {
      const result = await get(`https://${host}/v2`);
      expect(result).toMatchObject({ ok: false, failure: { code: 'twilio-bad-request', word: 'host' } });
    }
    expect(sim.requests).toEqual([]);
    await get('https://verify.dublin.ie1.twilio.com/v2');
    expect(sim.requests).toHaveLength(1);
  });

  it('turns what the SDK throws before sending into a failure', async () => {
    const result = await clientFor().call(sdk =>
      sdk.verify.v2
        .services(anySid('VA'))
        .verifications.create({ to: number, channel: undefined as unknown as string }),
    );
    expect(result).toMatchObject({ ok: false, failure: { code: 'twilio-bad-request', word: 'Error' } });
  });

  it('ignores HTTP_PROXY, which would take the requests elsewhere', async () => {
    process.env['HTTP_PROXY'] = 'http://127.0.0.1:9';
    try {
      expect((await verifyFor().send(number, 'sms')).ok).toBe(true);
    } finally {
      delete process.env['HTTP_PROXY'];
    }
  });

  it('sends over one connection again and again', async () => {
    const verify = verifyFor();
    await verify.send(number, 'sms');
    await verify.send(number, 'sms');
    expect(sim.connections).toBe(1);
  });
});

describe('retries of the Twilio client', () => {
  it('follow a doubling back-off with jitter while Twilio is throttling', async () => {
    sim.failNext({ code: 20429 }, 3);
    expect((await verifyFor().send(number, 'sms')).ok).toBe(true);
    expect(clock.waits).toEqual([150, 300, 600]);
    expect(sim.texts).toHaveLength(1);
  });

  it('end after the third', async () => {
    sim.failNext({ code: 20429 }, 9);
    const failure = await failureOf(verifyFor().send(number, 'sms'));
    expect(failure).toMatchObject({ status: 429, errorCode: 20429, unprocessed: true });
    expect(sim.requests).toHaveLength(4);
  });

  it('wait as long as a numeric Retry-After asks', async () => {
    sim.failNext({ code: 20429, retryAfter: '2' });
    expect((await verifyFor().send(number, 'sms')).ok).toBe(true);
    expect(clock.waits).toEqual([2_100]);
  });

  it('are left to the caller where Retry-After is longer than anyone on the line can bear', async () => {
    sim.failNext({ code: 20429, retryAfter: '30' });
    const failure = await failureOf(verifyFor().send(number, 'sms'));
    expect(failure.retryAfterSeconds).toBe(30);
    expect(clock.waits).toEqual([]);
  });

  it('take a Retry-After that is a date for none', async () => {
    sim.failNext({ code: 20429, retryAfter: 'Wed, 21 Oct 2026 07:28:00 GMT' });
    expect((await verifyFor().send(number, 'sms')).ok).toBe(true);
    expect(clock.waits).toEqual([150]);
  });

  it.each([60202, 60203, 60207] as const)('never follow %i, although it is a 429', async code => {
    sim.failNext({ code });
    expect((await failureOf(verifyFor().send(number, 'sms'))).errorCode).toBe(code);
    expect(sim.requests).toHaveLength(1);
  });

  it('follow 60212 once', async () => {
    sim.failNext({ code: 60212 }, 2);
    expect((await failureOf(verifyFor().send(number, 'sms'))).errorCode).toBe(60212);
    expect(sim.requests).toHaveLength(2);
  });

  it.each([
    [{ status: 503, raw: '<html>down</html>' }, 'twilio-refused'],
    [{ drop: 'request' }, 'twilio-broken'],
    [{ drop: 'answer' }, 'twilio-broken'],
    [{ status: 200, raw: 'not json' }, 'twilio-bad-answer'],
    [{ status: 201, body: { surprise: true } }, 'twilio-bad-answer'],
    [{ status: 302, body: {} }, 'twilio-refused'],
  ] as const)('never follow %o, which may have been processed: %s', async (fault, code) => {
    sim.failNext(fault);
    expect((await failureOf(verifyFor().send(number, 'sms'))).code).toBe(code);
    expect(sim.requests).toHaveLength(1);
  });

  it('follow a refused connection, and come through when the server is there again', async () => {
    const verify = verifyFor();
    const port = Number(new URL(sim.baseUrl).port);
    const { accountSid, apiKeySid, apiKeySecret } = sim;
    await sim.close();
    const failure = await failureOf(verify.send(number, 'sms'));
    expect(failure).toMatchObject({ code: 'twilio-unreachable', word: 'ECONNREFUSED', unprocessed: true });
    expect(clock.waits).toHaveLength(3);
    sim = await SimTwilio.start({ port, credentials: { accountSid, apiKeySid, apiKeySecret } });
    expect(await createVerify(clientFor(), sim.verifyServiceSid).send(number, 'sms')).toMatchObject({
      ok: true,
    });
  });

  it('stop where the time for the whole call is used up', async () => {
    sim.failNext({ code: 20429, retryAfter: '3' }, 9);
    clock.isWait = ms => ms === 3_100;
    const failure = await failureOf(verifyFor({ limits: { budgetMs: 7_000 } }).send(number, 'sms'));
    expect(failure.errorCode).toBe(20429);
    expect(clock.waits).toEqual([3_100, 3_100]);
  });
});

describe('the patience of the Twilio client', () => {
  it('ends with the timeout, and nothing is sent twice', async () => {
    const manual = new ManualClock();
    sim.failNext({ drop: 'silence' });
    const limits = { timeoutMs: 600_000, budgetMs: 700_000 };
    const sending = failureOf(verifyFor({ clock: manual, limits }).send(number, 'sms'));
    await sim.received(1);
    manual.advance(limits.timeoutMs);
    expect(await sending).toMatchObject({ code: 'twilio-timeout', unprocessed: false });
    expect(sim.requests).toHaveLength(1);
    expect(manual.pending).toBe(0);
  });

  it('ends when nobody waits any more, during a request', async () => {
    sim.failNext({ drop: 'silence' });
    const abort = new AbortController();
    const limits = { timeoutMs: 600_000 };
    const sending = failureOf(verifyFor({ limits }).send(number, 'sms', abort.signal));
    await sim.received(1);
    abort.abort();
    expect(await sending).toMatchObject({ code: 'twilio-aborted' });
  });

  it('ends when nobody waits any more, between two requests', async () => {
    const manual = new ManualClock();
    sim.failNext({ code: 20429, retryAfter: '3' });
    const abort = new AbortController();
    const sending = failureOf(verifyFor({ clock: manual }).send(number, 'sms', abort.signal));
    await sim.received(1);
    await sim.answered(1);
    setImmediate(() => abort.abort());
    expect(await sending).toMatchObject({ code: 'twilio-aborted' });
    expect(sim.requests).toHaveLength(1);
    expect(manual.pending).toBe(0);
  });

  it('knows an answer that the SDK cannot read from a request that it cannot make', async () => {
    const client = clientFor();
    sim.failNext({ status: 200, body: { surprise: true } });
    const listed = client.call(sdk => sdk.messages.list({ limit: 1 }));
    expect((await failureOf(listed)).code).toBe('twilio-bad-answer');
    const made = client.call(sdk => sdk.messages.create({} as never));
    expect((await failureOf(made)).code).toBe('twilio-bad-request');
  });

  it('does not begin when nobody waits', async () => {
    const failure = await failureOf(verifyFor().send(number, 'sms', AbortSignal.abort()));
    expect(failure.code).toBe('twilio-aborted');
    expect(sim.requests).toEqual([]);
  });

  it('ends where an answer is larger than any of Twilio', async () => {
    sim.failNext({ status: 200, raw: JSON.stringify({ sid: 'x'.repeat(4_000) }) });
    const failure = await failureOf(verifyFor({ limits: { answerBytes: 1_000 } }).send(number, 'sms'));
    expect(failure.code).toBe('twilio-bad-answer');
  });
});
