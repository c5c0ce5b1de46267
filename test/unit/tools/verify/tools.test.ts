import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PartyFacts } from '../../../../src/call/party.ts';
import { verifiedMs } from '../../../../src/core/verified.ts';
import { SimTwilio } from '../../../../src/sim/twilio/server.ts';
import type { GateState } from '../../../../src/tools/gates.ts';
import type { ToolAnswer, Toolbox, ToolContext } from '../../../../src/tools/tool.ts';
import { createToolbox } from '../../../../src/tools/toolbox.ts';
import { verifyLimits } from '../../../../src/tools/verify/limits.ts';
import { defaultVerifyPolicy } from '../../../../src/tools/verify/policy.ts';
import { createVerifyTools, type VerifyToolsOptions } from '../../../../src/tools/verify/tools.ts';
import { TwilioClient } from '../../../../src/twilio/client.ts';
import { createVerify, type VerifyPort } from '../../../../src/twilio/verify.ts';
import { someFacts } from '../../../support/fake-call.ts';
import { FakeControl, toolContext } from '../../../support/fake-control.ts';
import { FakeStore } from '../../../support/fake-store.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { OpenGate } from '../../../support/open-gate.ts';

const own = someFacts.callerId;
const other = '+14155550177';
const send = 'send_SMS_verification';
const check = 'check_SMS_verification';

let sim: SimTwilio;
let clock: ManualClock;
let gate: GateState;
let verify: VerifyPort;
let box: Toolbox;
/** Whom the gates let through, may get a code. */
let lenient: Pick<VerifyToolsOptions, 'policy' | 'counters'>;
let context: ToolContext;

function contextFor(facts: Partial<PartyFacts> = {}): ToolContext {
  return toolContext(clock, new FakeControl(), facts);
}

beforeEach(async () => {
  clock = new ManualClock();
  sim = await SimTwilio.start({ clock });
  const { accountSid, apiKeySid, apiKeySecret, baseUrl } = sim;
  const client = TwilioClient.create({ accountSid, apiKeySid, apiKeySecret, baseUrl });
  if (!client.ok) throw client.failure;
  verify = createVerify(client.value, sim.verifyServiceSid);
  gate = { allowAutonomousSends: false, killSwitch: false };
  lenient = {
    policy: () => ({ ...defaultVerifyPolicy, destinations: 'any' }),
    counters: new FakeStore({ clock }).counters,
  };
  box = createToolbox(
    createVerifyTools({
      gate: new OpenGate(),
      ...lenient,
      verify: () => verify,
      gates: { read: () => gate },
      clock,
      defaultCountry: 'US',
    }),
  );
  context = contextFor();
});
afterEach(() => sim.close());

type Fields = Record<string, unknown>;
let answers: ToolAnswer[] = [];
beforeEach(() => {
  answers = [];
});

async function run(name: string, parameters: Fields, within = context): Promise<Fields> {
  const answer = await box.run(name, parameters, within, new AbortController().signal);
  answers.push(answer);
  return JSON.parse(answer.result) as Fields;
}

const wrongCode = (to = own) => (sim.codeFor(to) === '000000' ? '111111' : '000000');

describe('the verification of the caller', () => {
  it('sends a code to the trusted caller and approves the right one', async () => {
    const sent = await run(send, { To: own, Channel: 'sms' });
    expect(sent).toEqual({
      status: 'pending',
      valid: false,
      attempts_left: 5,
      message:
        'A text message with the code is on its way to the number ending in 23. Ask the caller for the code.',
    });
    const spoken = sim.codeFor(own).split('').join(' ');
    expect(await run(check, { To: own, Code: spoken })).toEqual({
      status: 'approved',
      valid: true,
      message: 'The code is right: the number is verified.',
    });
    expect(answers.every(answer => !answer.isError)).toBe(true);
  });

  it('asks for the verification of its own send, by sid, and names it in E.164 when sending', async () => {
    await run(send, { To: '(415) 555-0123', Channel: 'SMS' });
    expect(sim.requests[0]?.params).toEqual({ To: own, Channel: 'sms' });
    await run(check, { To: own, Code: '1234' });
    expect(Object.keys(sim.requests[1]?.params ?? {}).sort()).toEqual(['Code', 'VerificationSid']);
  });

  it.each([
    ['call', 'A call that speaks'],
    ['whatsapp', 'A WhatsApp message'],
    [undefined, 'A text message'],
    ['', 'A text message'],
  ])('sends over channel %s', async (Channel, words) => {
    expect((await run(send, { To: own, Channel }))['message']).toContain(words);
    expect(sim.texts[0]?.channel).toBe(Channel || 'sms');
  });

  it('counts wrong codes down and does not ask Twilio once they are used up', async () => {
    await run(send, { To: own });
    const left: unknown[] = [];
    for (let n = 0; n < 4; n += 1)
      left.push((await run(check, { To: own, Code: wrongCode() }))['attempts_left']);
    expect(left).toEqual([4, 3, 2, 1]);
    expect(answers.at(-1)?.result).toContain('One try is left');
    clock.advance(60_000);
    const last = { status: 'max_attempts_reached', valid: false, attempts_left: 0, retry_after_s: 540 };
    expect(await run(check, { To: own, Code: wrongCode() })).toMatchObject(last);
    const before = sim.requests.length;
    expect(await run(check, { To: own, Code: sim.codeFor(own) })).toMatchObject(last);
    expect(await run(send, { To: own })).toMatchObject(last);
    expect(sim.requests).toHaveLength(before);
  });

  it('may begin again after the exhausted verification has expired', async () => {
    await run(send, { To: own });
    for (let n = 0; n < 5; n += 1) await run(check, { To: own, Code: wrongCode() });
    clock.advance(verifyLimits.codeLifeMs);
    expect(await run(send, { To: own })).toMatchObject({ status: 'pending', attempts_left: 5 });
    expect(await run(check, { To: own, Code: sim.codeFor(own) })).toMatchObject({ status: 'approved' });
  });

  it('tells the same from Twilio saying 60202 where the wrong codes were not seen here', async () => {
    await run(send, { To: own });
    for (let n = 0; n < 5; n += 1) await verify.check({ to: own }, wrongCode());
    expect(await run(check, { To: own, Code: sim.codeFor(own) })).toMatchObject({
      status: 'max_attempts_reached',
      attempts_left: 0,
      retry_after_s: 600,
    });
    const before = sim.requests.length;
    await run(check, { To: own, Code: sim.codeFor(own) });
    expect(sim.requests).toHaveLength(before);
  });

  it('says that a code has expired, and takes a new one', async () => {
    await run(send, { To: own });
    clock.advance(verifyLimits.codeLifeMs);
    expect(await run(check, { To: own, Code: sim.codeFor(own) })).toMatchObject({
      status: 'expired',
      valid: false,
    });
    await run(send, { To: own });
    expect(await run(check, { To: own, Code: sim.codeFor(own) })).toMatchObject({ status: 'approved' });
  });

  it('does not forget within the call that a number is verified', async () => {
    await run(send, { To: own });
    await run(check, { To: own, Code: sim.codeFor(own) });
    const before = sim.requests.length;
    expect(await run(check, { To: own, Code: wrongCode() })).toMatchObject({
      status: 'already_verified',
      valid: true,
    });
    expect(answers.at(-1)?.result).not.toContain('approved');
    expect(sim.requests).toHaveLength(before);
    clock.advance(verifiedMs);
    expect(await run(check, { To: own, Code: wrongCode() })).toMatchObject({ status: 'expired' });
  });

  it('works again after a call that was cut off: the caller who calls back gives the code', async () => {
    await run(send, { To: own });
    const later = contextFor();
    expect(await run(check, { To: own, Code: wrongCode() }, later)).toMatchObject({
      status: 'pending',
      attempts_left: 4,
    });
    expect(await run(check, { To: own, Code: sim.codeFor(own) }, later)).toMatchObject({
      status: 'approved',
    });
    expect(sim.requests.map(request => Object.keys(request.params)[0])).toEqual(['To', 'Code', 'Code']);
  });
});

describe('an agent that repeats itself', () => {
  it('has one message sent when it sends twice at once', async () => {
    const [first, second] = await Promise.all([run(send, { To: own }), run(send, { To: own })]);
    expect(second).toEqual(first);
    expect(sim.texts).toHaveLength(1);
  });

  it('has one message sent within the time for repeats, and a second after it', async () => {
    await run(send, { To: own });
    clock.advance(defaultVerifyPolicy.resendAfterMs - 1);
    expect(await run(send, { To: own })).toMatchObject({ status: 'pending' });
    expect(sim.texts).toHaveLength(1);
    clock.advance(1);
    await run(send, { To: own });
    expect(sim.texts).toHaveLength(2);
  });

  it('reaches the caller over another channel at once', async () => {
    await run(send, { To: own });
    await run(send, { To: own, Channel: 'call' });
    expect(sim.texts.map(text => text.channel)).toEqual(['sms', 'call']);
  });

  it('has a code checked once when it checks twice at once', async () => {
    await run(send, { To: own });
    const both = [check, check].map(name => run(name, { To: own, Code: sim.codeFor(own) }));
    expect((await Promise.all(both)).map(result => result['status'])).toEqual([
      'approved',
      'already_verified',
    ]);
  });

  it('has nothing sent for it once its call is over', async () => {
    const abort = new AbortController();
    sim.failNext({ drop: 'silence' });
    const first = box.run(send, { To: own }, context, abort.signal);
    const second = box.run(send, { To: own }, context, abort.signal);
    await sim.received(1);
    abort.abort();
    expect([(await first).status, (await second).status]).toEqual(['aborted', 'aborted']);
    await run(send, { To: other });
    expect(sim.requests).toHaveLength(1);
  });
});

describe('the gates', () => {
  it.each([
    ['another number', { To: other }, {}],
    ['the number of a caller nobody vouches for', { To: own }, { callerTrusted: false }],
    ['a number where the caller withheld his', { To: own }, { callerId: '' }],
    ['a caller id that is no number', { To: own }, { callerId: 'anonymous' }],
  ])('let nothing through to %s', async (_, parameters, facts) => {
    const result = await run(send, parameters, contextFor(facts));
    expect(result).toMatchObject({ status: 'not_allowed', valid: false });
    expect(sim.requests).toEqual([]);
  });

  it('let a send to anyone through once autonomous sends are allowed', async () => {
    gate = { allowAutonomousSends: true, killSwitch: false };
    expect(await run(send, { To: other })).toMatchObject({ status: 'pending' });
    expect(await run(check, { To: other, Code: sim.codeFor(other) })).toMatchObject({ status: 'approved' });
  });

  it('let nothing through with the kill switch on, and are read at each send', async () => {
    await run(send, { To: own });
    gate = { allowAutonomousSends: true, killSwitch: true };
    clock.advance(defaultVerifyPolicy.resendAfterMs);
    for (const To of [own, other]) expect(await run(send, { To })).toMatchObject({ status: 'not_allowed' });
    expect(sim.texts).toHaveLength(1);
    expect(await run(check, { To: own, Code: sim.codeFor(own) })).toMatchObject({ status: 'approved' });
  });

  it('have what they said of each send on record, and the agent is not told', async () => {
    await run(send, { To: own });
    await run(send, { To: own });
    await run(send, { To: other });
    gate = { allowAutonomousSends: true, killSwitch: false };
    await run(send, { To: other });
    await run(send, { To: '+19005550123' });
    gate = { allowAutonomousSends: true, killSwitch: true };
    await run(send, { To: own });
    await run(check, { To: own, Code: wrongCode() });
    expect(answers.map(answer => answer.gate)).toEqual([
      'own-number',
      'own-number',
      'not-allowed',
      'other-number',
      'wrong-range',
      'switched-off',
      undefined,
    ]);
    for (const { result } of answers) expect(result).not.toContain('gate');
  });

  it('are on record as they were when the code would have left', async () => {
    const control = new FakeControl();
    control.secure = () => {
      gate = { allowAutonomousSends: false, killSwitch: true };
      return Promise.resolve(true);
    };
    await run(send, { To: own }, toolContext(clock, control));
    expect(answers[0]?.gate).toBe('switched-off');
    expect(sim.requests).toEqual([]);
  });

  it('take the caller id in its national form for the same number', async () => {
    expect(await run(send, { To: own }, contextFor({ callerId: '4155550123' }))).toMatchObject({
      status: 'pending',
    });
  });

  it('keep one call from checking codes of a number that another call is verifying', async () => {
    gate = { allowAutonomousSends: true, killSwitch: false };
    await run(send, { To: other });
    gate = { allowAutonomousSends: false, killSwitch: false };
    const stranger = contextFor();
    expect(await run(check, { To: other, Code: sim.codeFor(other) }, stranger)).toMatchObject({
      status: 'not_sent',
    });
    expect(sim.requests).toHaveLength(1);
  });

  it('send nothing when they cannot be read', async () => {
    const gates = { read: () => Promise.reject(new Error('store is down')) };
    box = createToolbox(
      createVerifyTools({ ...lenient, gate: new OpenGate(), verify: () => verify, gates, clock }),
    );
    expect(await run(send, { To: own })).toMatchObject({ status: 'unavailable' });
    expect(sim.requests).toEqual([]);
  });
});

describe('parameters', () => {
  it.each([
    [send, {}, 'Parameter To is missing.'],
    [send, { To: 'nobody' }, 'Parameter To is not a phone number.'],
    [send, { To: 14155550123 }, 'Parameter To must be text in quotes.'],
    [send, { To: '+1415' }, 'Parameter To has too few digits for its country.'],
    [send, { To: own, Channel: 'email' }, 'Parameter Channel must be one of sms, call, whatsapp.'],
    [send, { To: own, Channel: 4 }, 'Parameter Channel must be one of sms, call, whatsapp.'],
    [check, { To: own }, 'Parameter Code is missing.'],
    [check, { To: own, Code: '12' }, 'Parameter Code must be the 4 to 10 digits of the code.'],
    [check, { To: own, Code: 'approved' }, 'Parameter Code must be the 4 to 10 digits of the code.'],
    [check, { To: own, Code: 123456 }, 'Parameter Code must be text in quotes.'],
    [check, { Code: '739164' }, 'Parameter To is missing.'],
  ])('of %s as %o are answered: %s', async (name, parameters, message) => {
    expect(await run(name, parameters)).toEqual({ status: 'invalid_parameters', message });
    expect(answers[0]?.isError).toBe(true);
    expect(sim.requests).toEqual([]);
  });

  it('of numbers without a country are refused where there is no default country', async () => {
    box = createToolbox(
      createVerifyTools({
        ...lenient,
        gate: new OpenGate(),
        verify: () => verify,
        gates: { read: () => gate },
        clock,
      }),
    );
    expect((await run(send, { To: '(415) 555-0123' }))['message']).toContain('country code');
  });
});

describe('a bridge without a Verify service', () => {
  it('names the setting that is missing', async () => {
    box = createToolbox(
      createVerifyTools({
        ...lenient,
        gate: new OpenGate(),
        verify: () => undefined,
        gates: { read: () => gate },
        clock,
      }),
    );
    for (const result of [await run(send, { To: own }), await run(check, { To: own, Code: '1234' })]) {
      expect(result).toMatchObject({ status: 'not_configured', valid: false });
      expect(result['message']).toContain('TWILIO_VERIFY_SERVICE_SID');
    }
  });
});

describe('every answer', () => {
  it('holds no code and no number, and the word approved only where it is true', async () => {
    gate = { allowAutonomousSends: true, killSwitch: false };
    await run(send, { To: own });
    await run(check, { To: own, Code: wrongCode() });
    await run(send, { To: other, Channel: 'whatsapp' });
    await run(check, { To: other, Code: wrongCode(other) });
    await run(check, { To: own, Code: sim.codeFor(own) });
    await run(check, { To: own, Code: sim.codeFor(own) });
    const secrets = [
      sim.codeFor(own),
      sim.codeFor(other),
      own.slice(1),
      other.slice(1),
      own.slice(-7),
      other.slice(-7),
    ];
    for (const { result } of answers) {
      for (const secret of secrets) expect(result).not.toContain(secret);
    }
    expect(answers.map(answer => answer.result.includes('approved'))).toEqual([
      false,
      false,
      false,
      false,
      true,
      false,
    ]);
  });
});
