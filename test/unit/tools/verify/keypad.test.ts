import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { verifiedMs } from '../../../../src/core/verified.ts';
import { verifyLimits } from '../../../../src/tools/verify/limits.ts';
import { someFacts } from '../../../support/fake-call.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { until } from '../../../support/until.ts';
import { key, type VerifyCall, VerifyWorld } from '../../../support/verify-world.ts';

const own = someFacts.callerId;

let clock: ManualClock;
let world: VerifyWorld;
let call: VerifyCall;

beforeEach(async () => {
  clock = new ManualClock();
  world = await VerifyWorld.start(clock);
  call = world.call();
});
afterEach(() => world.sim.close());

const code = () => world.sim.codeFor(own);
const wrong = () => (code() === '000000' ? '111111' : '000000');
/** What the agent was told so far, as user turns or as context. */
const told = (how: 'turn' | 'context') =>
  call.control.asked
    .filter(each => each.startsWith(`tell ${how} `))
    .map(each => each.slice(`tell ${how} `.length));
/** What came of a keyed code. */
const verdict = (count: number) =>
  until(
    () => told('context').filter(each => each.startsWith('The caller has keyed'))[count - 1],
    `verdict ${count}`,
  );
const modes = () => call.control.asked.filter(each => /^(secure|withhold)/.test(each));

describe('the secure keypad', () => {
  it('is there before the code is: the worker has said so when the request leaves', async () => {
    let settle: (ok: boolean) => void = () => undefined;
    call.control.securing = new Promise(resolve => {
      settle = resolve;
    });
    const sent = world.send(call, own);
    await until(() => call.control.taker, 'secure mode to be asked for');
    await new Promise(resolve => setImmediate(resolve));
    expect(world.sim.requests).toEqual([]);
    settle(true);
    expect(await sent).toMatchObject({ status: 'pending' });
    expect(world.sim.requests).toHaveLength(1);
  });

  it('is there before a second code is too, which the agent asks for while the first one waits for it', async () => {
    world.gate = { allowAutonomousSends: true, killSwitch: false };
    world.policy = { ...world.policy, destinations: 'any' };
    let settle: (ok: boolean) => void = () => undefined;
    call.control.securing = new Promise(resolve => {
      settle = resolve;
    });
    const sends = [world.send(call, own), world.send(call, '+14155550177')];
    await until(() => call.control.taker, 'secure mode to be asked for');
    settle(false);
    for (const sent of sends) expect(await sent).toMatchObject({ status: 'failed' });
    expect(world.sim.requests).toEqual([]);
    expect(modes()).toEqual(['withhold true', 'secure true']);
  });

  it('sends nothing when the worker cannot be in secure mode any more', async () => {
    call.control.securing = Promise.resolve(false);
    expect(await world.send(call, own)).toMatchObject({ status: 'failed' });
    expect(world.sim.requests).toEqual([]);
  });

  it('checks what is keyed, tells the agent in words without a digit, and is over', async () => {
    await world.send(call, own);
    expect(modes()).toEqual(['withhold true', 'secure true']);
    key(call, code());
    expect(await verdict(1)).toBe(
      'The caller has keyed the code, and it was approved: the number is verified.',
    );
    expect(told('context')[0]).toMatch(/counts as verified/);
    // A caller could say whatever is said in its place.
    expect(told('turn')).toEqual(['I have keyed something on the telephone.']);
    expect(call.control.asked.join()).not.toMatch(/\d/);
    expect(call.context.verified.of(own)).toMatchObject({ number: own, channel: 'sms', at: clock.wall() });
    expect(modes()).toEqual(['withhold true', 'secure true', 'withhold false', 'secure false']);
  });

  it('takes a code that is keyed before Verify has answered the send', async () => {
    world.sim.failNext({ delayMs: 400 });
    const sent = world.send(call, own);
    await until(() => call.control.taker, 'secure mode');
    key(call, '123');
    key(call, '4711');
    await world.sim.received(1);
    clock.advance(400);
    expect(await sent).toMatchObject({ status: 'pending' });
    expect(await verdict(1)).toMatch(/cannot be the code/);
    expect(await verdict(2)).toMatch(/wrong code|approved/);
    expect(world.sim.requests.map(({ params }) => Object.keys(params)[0])).toEqual(['To', 'Code']);
  });

  it('counts wrong codes down in words, and is over when they are used up', async () => {
    await world.send(call, own);
    const words = ['Four tries are left', 'Three tries are left', 'Two tries are left', 'One try is left'];
    for (const [i, left] of words.entries()) {
      key(call, wrong());
      expect(await verdict(i + 1)).toContain(`wrong code. ${left}`);
    }
    key(call, wrong());
    expect(await verdict(5)).toMatch(/wrong code too often/);
    expect(modes().slice(-2)).toEqual(['withhold false', 'secure false']);
    expect(call.control.asked.join()).not.toMatch(/\d|approved/);
  });

  it('uses no try for what cannot be a code', async () => {
    await world.send(call, own);
    key(call, '12');
    expect(await verdict(1)).toMatch(/too few digits, or too many. Five tries are left/);
    key(call, '12345678901');
    await verdict(2);
    expect(world.sim.requests).toHaveLength(1);
  });

  it('is over when the agent has checked the spoken code', async () => {
    await world.send(call, own);
    expect(await world.check(call, own, code())).toMatchObject({ status: 'approved' });
    expect(modes().slice(-2)).toEqual(['withhold false', 'secure false']);
    expect(told('turn')).toEqual([]);
    expect(told('context')).toHaveLength(1);
  });

  it('says nothing twice to an agent that has checked the code which is keyed as well', async () => {
    await world.send(call, own);
    const { taker } = call.control;
    const checked = world.check(call, own, code());
    key({ ...call, control: Object.assign(call.control, { taker }) }, code());
    expect(await checked).toMatchObject({ status: 'approved' });
    await new Promise(resolve => setImmediate(resolve));
    expect(told('turn')).toEqual([]);
    expect(world.sim.requests).toHaveLength(2);
  });

  it('is over when the code has expired, and the agent knows', async () => {
    await world.send(call, own);
    clock.advance(verifyLimits.codeLifeMs - 1);
    expect(modes()).toHaveLength(2);
    clock.advance(1);
    expect(modes().slice(-2)).toEqual(['withhold false', 'secure false']);
    expect(told('context')).toEqual([expect.stringMatching(/has expired/)]);
  });

  it('does not stay when the code could not be sent', async () => {
    world.sim.refuse(own, 60410);
    expect(await world.send(call, own)).toMatchObject({ status: 'blocked' });
    expect(modes()).toEqual(['withhold true', 'secure true', 'withhold false', 'secure false']);
  });

  it.each([
    ['the answer was lost', { lost: true }],
    ['Twilio answered with a fault', { lie: { sid: 5 } }],
  ] as const)('stays when the code was sent and %s, and the code is right', async (_, fault) => {
    world.sim.failNext(fault);
    expect(await world.send(call, own)).toMatchObject({ status: 'unavailable', retry_after_s: 15 });
    expect(modes()).toEqual(['withhold true', 'secure true']);
    expect(await world.send(call, own)).toMatchObject({ status: 'unavailable', retry_after_s: 15 });
    expect(world.sim.texts).toHaveLength(1);
    key(call, wrong());
    expect(await verdict(1)).toContain('wrong code. Four tries are left');
    key(call, code());
    expect(await verdict(2)).toMatch(/was approved/);
    expect(call.context.verified.of(own)).toMatchObject({ channel: 'sms' });
    expect(modes().slice(2)).toEqual(['withhold false', 'secure false']);
  });

  it('stays as long as a code may live that nobody knows of, and no longer', async () => {
    world.sim.failNext({ lost: true });
    await world.send(call, own);
    clock.advance(15_000);
    expect(await world.send(call, own)).toMatchObject({ status: 'pending' });
    expect(world.sim.texts).toHaveLength(2);
    clock.advance(verifyLimits.codeLifeMs - 1);
    expect(modes()).toHaveLength(2);
    clock.advance(1);
    expect(modes().slice(2)).toEqual(['withhold false', 'secure false']);
  });

  it.each([
    [60203, 1],
    [60212, 2],
  ] as const)(
    'stays when Verify sends none (%i) because an older code may still be right',
    async (refusal, times) => {
      await world.send(world.call(), own);
      world.sim.failNext({ code: refusal }, times);
      expect(await world.send(call, own)).toMatchObject({ valid: false });
      expect(modes()).toEqual(['withhold true', 'secure true']);
      key(call, code());
      expect(await verdict(1)).toMatch(/was approved/);
      expect(modes().slice(2)).toEqual(['withhold false', 'secure false']);
    },
  );

  it('stays when this bridge has sent as many as it may, and keys are still for the code that was sent', async () => {
    const second = '+14155550188';
    call = world.call({}, second);
    world.policy = { ...world.policy, sendsPerCall: 1 };
    await world.send(call, own);
    expect(await world.send(call, second)).toMatchObject({ status: 'max_sends_reached' });
    key(call, code());
    expect(await verdict(1)).toMatch(/was approved/);
    expect(modes()).toEqual(['withhold true', 'secure true']);
    clock.advance(verifyLimits.codeLifeMs);
    expect(modes().slice(2)).toEqual(['withhold false', 'secure false']);
  });

  it.each([{ code: 20429 }, { drop: 'request' }] as const)(
    'stays over a check that did not come through (%j)',
    async fault => {
      await world.send(world.call(), own);
      world.sim.failNext({ code: 60203 });
      await world.send(call, own);
      world.sim.failNext(fault, 4);
      key(call, code());
      expect(await verdict(1)).toMatch(/could not be checked/);
      expect(modes()).toEqual(['withhold true', 'secure true']);
    },
  );

  it('sends no second code once the number is verified, and leaves keys to the agent', async () => {
    await world.send(call, own);
    key(call, code());
    await verdict(1);
    expect(await world.send(call, own, 'call')).toMatchObject({ status: 'already_verified', valid: true });
    expect(world.sim.texts).toHaveLength(1);
    expect(modes()).toEqual(['withhold true', 'secure true', 'withhold false', 'secure false']);
    clock.advance(verifiedMs);
    expect(await world.send(call, own)).toMatchObject({ status: 'pending' });
  });

  it('verifies nobody by a code whose check another telephone has come between', async () => {
    await world.send(call, own);
    world.sim.failNext({ delayMs: 400 });
    key(call, code());
    await world.sim.received(2);
    call.context.verified.forget();
    clock.advance(400);
    expect(await verdict(1)).toMatch(/not open any more. Offer to send a new one/);
    expect(call.context.verified.of(own)).toBeUndefined();
    expect(call.control.asked.join()).not.toMatch(/approved|verified/);
  });

  it('takes no code of the telephone before, but one that is sent anew at once', async () => {
    await world.send(call, own);
    call.context.verified.forget();
    expect(await world.check(call, own, code())).toMatchObject({ status: 'expired', valid: false });
    expect(world.sim.requests).toHaveLength(1);
    expect(await world.send(call, own)).toMatchObject({ status: 'pending' });
    expect(world.sim.texts).toHaveLength(2);
    expect(await world.check(call, own, code())).toMatchObject({ status: 'approved' });
  });

  it('sends nothing for a telephone that is no more while the worker is asked', async () => {
    let settle: (ok: boolean) => void = () => undefined;
    call.control.securing = new Promise(resolve => {
      settle = resolve;
    });
    const sent = world.send(call, own);
    const taker = await until(() => call.control.taker, 'secure mode to be asked for');
    taker.over();
    settle(true);
    expect(await sent).toMatchObject({
      status: 'failed',
      message: expect.stringMatching(/nothing was sent/),
    });
    expect(world.sim.requests).toEqual([]);
  });

  it('keeps its timer and its digits no longer than the call', async () => {
    await world.send(call, own);
    const { taker } = call.control;
    taker?.over();
    clock.advance(verifyLimits.codeLifeMs);
    expect(told('context')).toEqual([]);
    key(call, code());
    await new Promise(resolve => setImmediate(resolve));
    expect(world.sim.requests).toHaveLength(1);
  });

  it('keeps a machine that keys without end from asking Twilio for each', async () => {
    await world.send(call, own);
    world.sim.failNext({ delayMs: 5000 });
    for (let i = 0; i < 50; i++) key(call, wrong());
    await world.sim.received(2);
    clock.advance(5000);
    await verdict(verifyLimits.keyedWaiting);
    await new Promise(resolve => setImmediate(resolve));
    expect(world.sim.requests).toHaveLength(1 + verifyLimits.keyedWaiting);
  });

  it('is for the code that was sent last, and stays until none is waited for', async () => {
    const second = '+14155550188';
    call = world.call({}, second);
    await world.send(call, own);
    await world.send(call, second);
    key(call, world.sim.codeFor(second));
    expect(await verdict(1)).toMatch(/approved/);
    expect(modes()).toEqual(['withhold true', 'secure true']);
    key(call, code());
    await verdict(2);
    expect(modes().slice(-2)).toEqual(['withhold false', 'secure false']);
    expect(call.context.verified.of(second)).toBeDefined();
    expect(call.context.verified.of(own)).toBeDefined();
  });

  it('is there for a code of a call that was cut off, from its first check on, and takes back what was said of it', async () => {
    await world.send(call, own);
    call = world.call();
    expect(await world.check(call, own, wrong())).toMatchObject({ status: 'pending' });
    expect(call.control.asked).toEqual(['withhold true', 'secure true', 'retract']);
    key(call, code());
    expect(await verdict(1)).toMatch(/approved/);
    expect(modes().slice(-2)).toEqual(['withhold false', 'secure false']);
  });

  it('is over at once, and takes nothing back, where the check finds no open code', async () => {
    expect(await world.check(call, own, '123456')).toMatchObject({ status: 'expired' });
    expect(call.control.asked).toEqual(['withhold true', 'secure true', 'withhold false', 'secure false']);
  });

  it('still is for the code that was sent in the call when one of an earlier call is checked', async () => {
    const second = '+14155550188';
    await world.send(call, own);
    call = world.call({}, second);
    await world.send(call, second);
    await world.check(call, own, wrong());
    key(call, world.sim.codeFor(second));
    expect(await verdict(1)).toMatch(/approved/);
    expect(call.context.verified.of(second)).toBeDefined();
  });

  it('leaves keys to the agent when the operator wants that, and still withholds what is said', async () => {
    world.policy = { ...world.policy, secureKeypad: false };
    await world.send(call, own);
    expect(modes()).toEqual(['withhold true']);
  });
});
