import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { someFacts } from '../../../support/fake-call.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { until } from '../../../support/until.ts';
import { type VerifyCall, VerifyWorld } from '../../../support/verify-world.ts';

const own = someFacts.callerId;
const landline = '+493012345678';
const dayMs = 86_400_000;

let clock: ManualClock;
let world: VerifyWorld;
let call: VerifyCall;

beforeEach(async () => {
  clock = new ManualClock();
  world = await VerifyWorld.start(clock);
  call = world.call();
});
afterEach(() => world.sim.close());

const channels = () => world.sim.requests.map(({ params }) => params['Channel']);
const counted = () => world.store.counters.count('otp-day', 'all', dayMs);

describe('a text to a landline', () => {
  it('is a call at once where the numbering plan tells, and the agent knows', async () => {
    call = world.call({ callerId: landline });
    expect(await world.send(call, landline)).toMatchObject({
      status: 'pending',
      message: expect.stringMatching(/^A call that speaks the code is on its way/),
    });
    expect(channels()).toEqual(['call']);
  });

  it('becomes a call when Verify says so, once, and the agent knows', async () => {
    world.sim.refuse(own, 60205);
    expect(await world.send(call, own)).toMatchObject({
      status: 'pending',
      message: expect.stringMatching(/^A call that speaks the code is on its way/),
    });
    expect(channels()).toEqual(['sms', 'call']);
    expect(world.sim.texts).toHaveLength(1);
    // The agent that repeats itself is told the same, and nobody is called again.
    expect(await world.send(call, own)).toMatchObject({ message: expect.stringMatching(/^A call/) });
    expect(await world.send(call, own, 'call')).toMatchObject({ message: expect.stringMatching(/^A call/) });
    expect(channels()).toHaveLength(2);
  });

  it('counts as the one code that it is', async () => {
    world.policy = { ...world.policy, sendsPerCall: 1 };
    world.sim.refuse(own, 60205);
    expect(await world.send(call, own)).toMatchObject({ status: 'pending' });
    expect(await counted()).toBe(1);
  });

  it('is not tried a third time where the call is refused as well', async () => {
    world.sim.failNext({ code: 60205 }, 2);
    expect(await world.send(call, own)).toMatchObject({ status: 'landline' });
    expect(channels()).toEqual(['sms', 'call']);
  });

  it('stays a text where the operator wants no calls', async () => {
    world.policy = { ...world.policy, landlineCall: false };
    world.sim.refuse(own, 60205);
    expect(await world.send(call, own)).toMatchObject({ status: 'landline' });
    call = world.call({ callerId: landline });
    expect(await world.send(call, landline)).toMatchObject({ message: expect.stringMatching(/^A text/) });
    expect(channels()).toEqual(['sms', 'sms']);
  });

  it('is no matter to other channels: what they are refused is not called', async () => {
    world.sim.failNext({ code: 60205 });
    expect(await world.send(call, own, 'whatsapp')).toMatchObject({ status: 'landline' });
    expect(channels()).toEqual(['whatsapp']);
  });
});

describe('a dry run', () => {
  beforeEach(() => {
    world.policy = { ...world.policy, dryRun: true, sendsPerCall: 1 };
  });

  it('sends and checks nothing, counts nothing, and says so', async () => {
    for (let i = 0; i < 3; i++) {
      expect(await world.send(call, own)).toMatchObject({
        status: 'dry_run',
        valid: false,
        message: expect.stringContaining('nothing was sent'),
      });
    }
    expect(await world.check(call, own, '123456')).toMatchObject({ status: 'dry_run', valid: false });
    expect(world.sim.requests).toEqual([]);
    expect(await counted()).toBe(0);
    expect(call.control.asked).toEqual([]);
    expect(call.context.verified.of(own)).toBeUndefined();
  });

  it('refuses as ever, by rule and by limit', async () => {
    expect(await world.send(call, landline)).toMatchObject({ status: 'not_allowed' });
    world.policy = { ...world.policy, dryRun: false };
    await world.send(call, own);
    clock.advance(world.policy.resendAfterMs);
    world.policy = { ...world.policy, dryRun: true };
    expect(await world.send(call, own)).toMatchObject({ status: 'max_sends_reached' });
    world.gate = { ...world.gate, killSwitch: true };
    expect(await world.send(call, own)).toMatchObject({ status: 'not_allowed' });
    expect(world.sim.requests).toHaveLength(1);
  });
});

describe('the kill switch', () => {
  const kill = () => {
    world.gate = { ...world.gate, killSwitch: true };
  };

  it('stops a send that was let in while it was off, and that is not counted', async () => {
    let settle: (secure: boolean) => void = () => undefined;
    call.control.securing = new Promise(resolve => {
      settle = resolve;
    });
    const sent = world.send(call, own);
    await until(() => call.control.taker, 'secure mode to be asked for');
    kill();
    settle(true);
    expect(await sent).toMatchObject({
      status: 'not_allowed',
      message: expect.stringContaining('kill_switch'),
    });
    expect(world.sim.requests).toEqual([]);
    expect(await counted()).toBe(0);
    expect(call.control.asked.slice(-2)).toEqual(['withhold false', 'secure false']);
  });

  it('stops the call that a landline would get in the place of its text', async () => {
    world.sim.failNext({ code: 60205, delayMs: 100 });
    const sent = world.send(call, own);
    await world.sim.received(1);
    kill();
    clock.advance(100);
    expect(await sent).toMatchObject({ status: 'not_allowed' });
    expect(channels()).toEqual(['sms']);
  });
});

describe('what counts as a code', () => {
  it('is one that was sent, however often Twilio was too busy before', async () => {
    world.sim.failNext({ code: 20429 }, 3);
    expect(await world.send(call, own)).toMatchObject({ status: 'pending' });
    expect(world.sim.requests).toHaveLength(4);
    expect(world.sim.texts).toHaveLength(1);
    expect(await counted()).toBe(1);
  });

  it('is none where Twilio was too busy to the end: the caller has lost nothing', async () => {
    world.policy = { ...world.policy, sendsPerCall: 1 };
    world.sim.failNext({ code: 20429 }, 4);
    expect(await world.send(call, own)).toMatchObject({ status: 'throttled' });
    expect(await counted()).toBe(0);
    expect(await world.send(call, own)).toMatchObject({ status: 'pending' });
  });

  it.each([
    ['nobody knows whether it was sent', { drop: 'answer' }, 'unavailable'],
    ['it was sent and the answer is lost', { lost: true }, 'unavailable'],
    ['Twilio has had enough of the number', { code: 60203 }, 'max_sends_reached'],
    ['Twilio refused it', { code: 60410 }, 'blocked'],
    ['Twilio broke', { status: 500 }, 'unavailable'],
  ] as const)('is one where %s', async (_, fault, status) => {
    world.sim.failNext(fault);
    expect(await world.send(call, own)).toMatchObject({ status });
    expect(world.sim.requests).toHaveLength(1);
    expect(await counted()).toBe(1);
  });

  it('is none where Twilio could not be reached', async () => {
    await world.sim.close();
    expect(await world.send(call, own)).toMatchObject({ status: 'unavailable' });
    expect(await counted()).toBe(0);
  });
});

describe('the number that the operator names for the caller', () => {
  const named = '+14155550188';

  it('gets a code as the caller would, and it is the one that is verified', async () => {
    call = world.call({ callerTrusted: false }, named);
    expect(await world.send(call, own)).toMatchObject({ status: 'not_allowed' });
    expect(await world.send(call, named)).toMatchObject({ status: 'pending' });
    expect(await world.check(call, named, world.sim.codeFor(named))).toMatchObject({ status: 'approved' });
    expect(call.context.verified.latest).toMatchObject({ number: named });
    expect(call.context.verified.of(own)).toBeUndefined();
  });
});
