import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fail, ok, type Result } from '../../../../src/core/errors.ts';
import { type SimErrorCode, simErrors } from '../../../../src/sim/twilio/errors.ts';
import type { SimFault } from '../../../../src/sim/twilio/failures.ts';
import { SimTwilio } from '../../../../src/sim/twilio/server.ts';
import { createToolbox } from '../../../../src/tools/toolbox.ts';
import { outcomes } from '../../../../src/tools/verify/outcomes.ts';
import { defaultVerifyPolicy } from '../../../../src/tools/verify/policy.ts';
import { createVerifyTools } from '../../../../src/tools/verify/tools.ts';
import { TwilioClient } from '../../../../src/twilio/client.ts';
import { TwilioFailure } from '../../../../src/twilio/failure.ts';
import { createVerify, type VerificationChecked, type VerifyPort } from '../../../../src/twilio/verify.ts';
import { someFacts } from '../../../support/fake-call.ts';
import { toolContext } from '../../../support/fake-control.ts';
import { FakeStore } from '../../../support/fake-store.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { OpenGate } from '../../../support/open-gate.ts';

const own = someFacts.callerId;
const operations = ['send', 'check'] as const;
type Operation = (typeof operations)[number];

/** Every row of the table, once for each operation that it applies to. */
const rows = Object.entries(outcomes).flatMap(([key, group]) =>
  group.flatMap(row =>
    operations.filter(on => row.on === undefined || row.on === on).map(on => ({ key, on, row })),
  ),
);

let sim: SimTwilio;
beforeEach(async () => {
  sim = await SimTwilio.start();
});
afterEach(() => sim.close());

/** A client that gives up soon only where the stand-in never answers, so a slow machine changes nothing. */
function simVerify(timeoutMs = 20_000): VerifyPort {
  const { accountSid, apiKeySid, apiKeySecret, baseUrl } = sim;
  const limits = { retries: 0, timeoutMs, budgetMs: timeoutMs };
  const client = TwilioClient.create({ accountSid, apiKeySid, apiKeySecret, baseUrl, limits });
  if (!client.ok) throw client.failure;
  return createVerify(client.value, sim.verifyServiceSid);
}

async function run(verify: VerifyPort, on: Operation): Promise<{ isError: boolean; result: string }> {
  const gates = { read: () => ({ allowAutonomousSends: false, killSwitch: false }) };
  const clock = new ManualClock();
  const box = createToolbox(
    createVerifyTools({
      gate: new OpenGate(),
      verify: () => verify,
      gates,
      clock,
      counters: new FakeStore({ clock }).counters,
      // A failure is told as it is, and not answered with another channel.
      policy: () => ({ ...defaultVerifyPolicy, landlineCall: false }),
    }),
  );
  const context = toolContext(clock);
  const parameters = on === 'send' ? { To: own } : { To: own, Code: '739164' };
  return box.run(`${on}_SMS_verification`, parameters, context, new AbortController().signal);
}

const faults: Readonly<Record<string, SimFault>> = {
  '60200': { code: 60200, value: `Tags: ${own}` },
  '60200:To': { code: 60200, value: `To: ${own}` },
  '60200:Channel': { code: 60200, value: 'Channel: sms' },
  '60200:Code': { code: 60200, value: 'Code: 739164' },
  'http-401': { status: 401, body: {} },
  'http-403': { status: 403, body: {} },
  'http-429': { status: 429, body: {} },
  'http-5xx': { status: 503, raw: '<html>down</html>' },
  'twilio-broken': { drop: 'request' },
  'twilio-timeout': { drop: 'silence' },
  'twilio-bad-answer': { status: 200, raw: 'approved' },
  other: { status: 418, body: { code: 99_999, message: 'approved' } },
};

function faultFor(key: string): SimFault {
  const fault = faults[key] ?? (Number(key) in simErrors ? { code: Number(key) as SimErrorCode } : undefined);
  if (fault === undefined) throw new Error(`The stand-in cannot play ${key}`);
  return { value: own, ...fault };
}

describe('the table of outcomes', () => {
  it.each(rows.filter(({ key }) => key !== 'twilio-aborted' && key !== 'twilio-unreachable'))(
    'has the agent of a $on told what $key means',
    async ({ key, on, row }) => {
      sim.failNext(faultFor(key));
      const { isError, result } = await run(simVerify(key === 'twilio-timeout' ? 200 : undefined), on);
      expect(isError).toBe(false);
      expect(JSON.parse(result)).toMatchObject({ status: row.status, valid: false, message: row.message });
      expect(JSON.parse(result)['retry_after_s']).toBe(row.after);
      expect(result).not.toMatch(/approved|739164|4155550123|5550123/i);
      await sim.received(1);
      expect(sim.requests).toHaveLength(1);
    },
  );

  it.each(operations)('has the agent of a %s told that nobody can be reached', async on => {
    const verify = simVerify();
    await sim.close();
    const { result } = await run(verify, on);
    sim = await SimTwilio.start();
    expect(JSON.parse(result)).toMatchObject({ status: 'unavailable', retry_after_s: 5 });
  });

  it.each(operations)('has a row for a %s that was given up', async on => {
    const given = async () => fail(new TwilioFailure('twilio-aborted'));
    const { result } = await run({ send: given, check: given }, on);
    expect(JSON.parse(result)).toMatchObject({ status: 'unavailable', valid: false });
  });

  it('passes on the seconds that Twilio asks for', async () => {
    sim.failNext({ code: 20429, retryAfter: '42' });
    expect(JSON.parse((await run(simVerify(), 'send')).result)).toMatchObject({ retry_after_s: 42 });
  });

  it('is the table of docs/otp.md', () => {
    const page = readFileSync(new URL('../../../../docs/otp.md', import.meta.url), 'utf8');
    const failures = page.slice(page.indexOf('| failure |'));
    const documented = failures.split('\n').filter(line => /^\| `/.test(line));
    const expected = Object.entries(outcomes).flatMap(([key, group]) =>
      group.map(
        ({ on, status, message, retry, after }) =>
          `| \`${key}\` | ${on ?? 'both'} | \`${status}\` | ${message} | ${retry}${after === undefined ? '' : `, ${after} s`} |`,
      ),
    );
    expect(documented).toEqual(expected);
  });
});

describe('the states of a verification', () => {
  const checkedAs = (answer: Pick<VerificationChecked, 'status' | 'valid'>): VerifyPort => ({
    send: async () => ok({ verificationSid: 'VE1', status: answer.status }),
    check: async (): Promise<Result<VerificationChecked, TwilioFailure>> =>
      ok({ verificationSid: 'VE1', ...answer }),
  });

  it.each([
    ['approved', true, 'approved'],
    ['approved', false, 'failed'],
    ['pending', true, 'pending'],
    ['canceled', false, 'canceled'],
    ['expired', true, 'expired'],
    ['deleted', false, 'expired'],
    ['failed', false, 'failed'],
    ['max_attempts_reached', false, 'max_attempts_reached'],
    ['something new', true, 'failed'],
    ['toString', true, 'failed'],
  ])('%s with valid %s comes to %s', async (status, valid, expected) => {
    const { result } = await run(checkedAs({ status, valid }), 'check');
    const really = expected === 'approved';
    expect(JSON.parse(result)).toMatchObject({ status: expected, valid: really });
    expect(result.includes('approved')).toBe(really);
  });

  it.each(['approved', 'canceled', 'something new'])('%s of a send is no success', async status => {
    const { result } = await run(checkedAs({ status, valid: true }), 'send');
    expect(JSON.parse(result)).toMatchObject({ valid: false });
    expect(result).not.toMatch(/approved|on its way/);
  });
});
