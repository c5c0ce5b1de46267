import twilio from 'twilio';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SimFault } from '../../../src/sim/twilio/failures.ts';
import { SimTwilio } from '../../../src/sim/twilio/server.ts';
import { TwilioClient } from '../../../src/twilio/client.ts';
import { createVerify } from '../../../src/twilio/verify.ts';
import { dumps } from '../../support/credential-search.ts';

const number = '+14155550123';
const code = '739164';

let sim: SimTwilio;
beforeEach(async () => {
  sim = await SimTwilio.start();
});
afterEach(() => sim.close());

/** Which of the secrets are in a text, also when they are encoded as a form or a Basic credential. */
function leaks(text: string): string[] {
  const basic = Buffer.from(`${sim.apiKeySid}:${sim.apiKeySecret}`).toString('base64');
  const secrets = { code, number, digits: number.slice(1), secret: sim.apiKeySecret, basic };
  return Object.entries(secrets)
    .filter(([, secret]) => text.includes(secret) || text.includes(encodeURIComponent(secret)))
    .map(([name]) => name);
}

const limits = { retries: 0, timeoutMs: 300, answerBytes: 5_000 };

function client(baseUrl = sim.baseUrl): TwilioClient {
  const { accountSid, apiKeySid, apiKeySecret } = sim;
  const made = TwilioClient.create({ accountSid, apiKeySid, apiKeySecret, baseUrl, limits });
  if (!made.ok) throw made.failure;
  return made.value;
}

const echo = `To=${number} Code=${code}`;
const faults: readonly SimFault[] = [
  { code: 60200, value: `To: ${number}` },
  { code: 60200, value: `Code: ${code}` },
  { code: 60205, value: number },
  { code: 21608, value: number },
  { code: 20429, retryAfter: '1' },
  { status: 503, raw: `<html>${echo}</html>` },
  { status: 200, raw: echo },
  { status: 200, raw: `{"to": "${number}", ${code}` },
  { status: 201, body: { to: number, code } },
  { status: 400, body: { type: echo, title: echo, status: 400, code: 70001, detail: echo } },
  { status: 302, raw: echo },
  { status: 200, raw: echo.repeat(1_000) },
  { drop: 'request' },
  { drop: 'answer' },
  { drop: 'silence' },
];

describe('what the Twilio client lets out', () => {
  it.each(faults)('holds no secret after %o', async fault => {
    const printed: string[] = [];
    const spies = (['stdout', 'stderr'] as const).map(stream =>
      vi.spyOn(process[stream], 'write').mockImplementation(chunk => printed.push(String(chunk)) > 0),
    );
    const ours = client();
    const verify = createVerify(ours, sim.verifyServiceSid);
    const results: unknown[] = [];
    try {
      for (const run of [() => verify.send(number, 'sms'), () => verify.check({ to: number }, code)]) {
        sim.failNext(fault);
        const result = await run();
        expect(result.ok).toBe(false);
        results.push(result, result.ok ? undefined : result.failure);
      }
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
    const texts = [...results.map(dumps), dumps(ours), printed.join('')];
    expect(texts.flatMap(leaks)).toEqual([]);
  });

  it('holds no secret when nothing listens and when the SDK refuses the parameters', async () => {
    const nobody = await SimTwilio.start();
    const url = nobody.baseUrl;
    await nobody.close();
    const refused = await createVerify(client(url), sim.verifyServiceSid).check({ to: number }, code);
    const odd = await createVerify(client(), `${number}/${code}`).check({ to: number }, code);
    expect(leaks(dumps(refused) + dumps(odd))).toEqual([]);
    expect([refused.ok, odd.ok]).toEqual([false, false]);
  });

  it('holds no secret after a success: the last request is not kept', async () => {
    const ours = client();
    let requests: unknown;
    await ours.call(async sdk => {
      requests = sdk.httpClient;
      return sdk.verify.v2.services(sim.verifyServiceSid).verificationChecks.create({ to: number, code });
    });
    expect(leaks(dumps(ours))).toEqual([]);
    expect(leaks(dumps((requests as { lastRequest?: unknown }).lastRequest))).toEqual([]);
  });

  it('prints nothing, even with the SDK told to debug', async () => {
    process.env['TWILIO_LOG_LEVEL'] = 'debug';
    const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    try {
      await createVerify(client(), sim.verifyServiceSid).send(number, 'sms');
      await client().call(sdk =>
        sdk.request({
          method: 'get',
          uri: `https://lookups.twilio.com/v2/PhoneNumbers/${number}`,
          logLevel: 'debug',
        }),
      );
      expect(log).not.toHaveBeenCalled();
    } finally {
      log.mockRestore();
      delete process.env['TWILIO_LOG_LEVEL'];
    }
  });

  it('is searched by a test that finds a leak planted on purpose: the bare SDK', async () => {
    const { accountSid, apiKeySid, apiKeySecret } = sim;
    const bare = twilio(apiKeySid, apiKeySecret, { accountSid, timeout: 300 });
    bare.verify.baseUrl = sim.baseUrl;
    sim.failNext({ drop: 'silence' });
    const checks = bare.verify.v2.services(sim.verifyServiceSid).verificationChecks;
    const thrown = await checks.create({ to: number, code }).catch((error: unknown) => error);
    expect(leaks(dumps(thrown))).toEqual(expect.arrayContaining(['code', 'number', 'basic']));
  });
});
