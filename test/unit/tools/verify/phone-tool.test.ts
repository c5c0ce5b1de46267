import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { someFacts } from '../../../support/fake-call.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { until } from '../../../support/until.ts';
import { key, type VerifyCall, VerifyWorld } from '../../../support/verify-world.ts';

const own = someFacts.callerId;
const other = '+14155550177';
const email = 'ann@example.com';

let world: VerifyWorld;
let call: VerifyCall;

beforeEach(async () => {
  world = await VerifyWorld.start(new ManualClock());
  call = world.call();
});
afterEach(() => world.sim.close());

const send = (to: string, more: object = {}) => world.phone(call, { action: 'send_code', to, ...more });
const check = (to: string, code: string) => world.phone(call, { action: 'check_code', to, code });
const openToAll = () => {
  world.gate = { allowAutonomousSends: true, killSwitch: false };
  world.policy = { ...world.policy, destinations: 'any' };
};

describe('twilio_verify_phone', () => {
  it("verifies the caller's own number out of the box, by a code that is spoken", async () => {
    expect(await send('(415) 555-0123')).toMatchObject({ status: 'pending', valid: false });
    const wrong = world.sim.codeFor(own) === '000000' ? '000001' : '000000';
    expect(await check(own, wrong)).toMatchObject({ status: 'pending', attempts_left: 4 });
    expect(await check(own, [...world.sim.codeFor(own)].join(' '))).toMatchObject({
      status: 'approved',
      valid: true,
    });
    expect(call.context.verified.of(own)).toBeDefined();
    expect(world.sending.sends).toEqual([]);
  });

  it('is one verification with the other two tools: what one sends another checks, and limits are shared', async () => {
    await send(own);
    expect(await world.send(call, own)).toMatchObject({ status: 'pending' });
    expect(world.sim.texts).toHaveLength(1);
    expect(await world.check(call, own, world.sim.codeFor(own))).toMatchObject({ status: 'approved' });
    expect(await check(own, '123456')).toMatchObject({ status: 'already_verified' });
  });

  it('has the secure keypad: what is keyed goes straight to the check', async () => {
    await send(own);
    key(call, world.sim.codeFor(own));
    await until(() => call.context.verified.of(own), 'the keyed code to be checked');
    expect(call.control.asked.some(each => /approved/.test(each))).toBe(true);
  });

  it('sends to nobody else by default, whatever is open elsewhere', async () => {
    expect(await send(other)).toMatchObject({ status: 'not_allowed', valid: false });
    expect(await send(email, { channel: 'email' })).toMatchObject({ status: 'not_allowed' });
    world.gate = { allowAutonomousSends: true, killSwitch: false };
    expect(await send(other)).toMatchObject({ status: 'not_allowed' });
    expect(world.sim.requests).toEqual([]);
    expect(world.sending.sends).toEqual([]);
  });

  it('sends to others as a send like any other where the rules of codes allow it', async () => {
    openToAll();
    expect(await send(other, { channel: 'call' })).toMatchObject({ status: 'pending' });
    expect(world.sending.sends).toEqual([
      expect.objectContaining({ kind: 'verify', to: other, text: '', tool: 'twilio_verify_phone' }),
    ]);
    expect(world.sending.outcomes).toEqual([expect.objectContaining({ done: 'sent' })]);
    expect(await check(other, world.sim.codeFor(other))).toMatchObject({ status: 'approved' });
    world.sending.closed = { status: 'quiet_hours', message: 'Not now.' };
    expect(await send(own)).toMatchObject({ status: 'quiet_hours', valid: false });
  });

  it('counts what Verify refuses, and gives back what it was too busy for', async () => {
    openToAll();
    world.sim.refuse(other, 60410);
    expect(await send(other)).toMatchObject({ status: 'blocked' });
    world.sim.failNext({ code: 20429 }, 4);
    expect(await send(other)).toMatchObject({ status: 'throttled' });
    expect(world.sending.outcomes.map(({ done }) => done)).toEqual(['refused', 'unprocessed']);
  });

  it('sends by e-mail where it may, and that proves no telephone', async () => {
    openToAll();
    expect(await send(email, { channel: 'email' })).toMatchObject({ status: 'channel_unavailable' });
    world.sim.verify.hasEmail = true;
    expect(await send('Ann@Example.com', { channel: 'email' })).toMatchObject({
      status: 'pending',
      message: 'An e-mail with the code is on its way to that e-mail address. Ask the caller for the code.',
    });
    expect(world.sim.requests[1]?.params).toMatchObject({ To: email, Channel: 'email' });
    expect(await check(email, world.sim.codeFor(email))).toMatchObject({ status: 'approved', valid: true });
    expect(call.context.verified.latest).toBeUndefined();
    expect(call.control.asked.join()).not.toContain('proved to hold');
  });

  it('is closed to whom the gate closes it, checks and all', async () => {
    world.sending.closed = { status: 'not_allowed', message: 'Not for this agent.' };
    expect(await send(own)).toEqual({ ...world.sending.closed, valid: false });
    expect(await check(own, '123456')).toEqual({ ...world.sending.closed, valid: false });
    expect(world.sim.requests).toEqual([]);
    expect(world.sending.readings.map(({ action }) => action)).toEqual(['send_code', 'check_code']);
  });

  it.each([
    [{}, 'Parameter action is missing.'],
    [{ action: 'send_code' }, 'Parameter to is missing.'],
    [{ action: 'check_code', to: own }, 'Parameter code is missing.'],
    [{ action: 'check_code', to: own, code: 'none' }, 'Parameter code must be the 4 to 10 digits'],
    [{ action: 'check_code', to: own, code: 123456 }, 'Parameter code must be text in quotes.'],
    [{ action: 'send_code', to: own, channel: 'pigeon' }, 'Parameter channel must be one of sms, call'],
    [{ action: 'send_code', to: own, channel: 'email' }, 'Parameter channel must be email for an e-mail'],
    [{ action: 'send_code', to: email }, 'Parameter channel must be email for an e-mail'],
    [{ action: 'send_code', to: 'Ann <ann@example.com>', channel: 'email' }, 'Parameter to is not an e-mail'],
    [{ action: 'send_code', to: 'a@b.co,c@d.co', channel: 'email' }, 'Parameter to is not an e-mail'],
  ])('does not take %j', async (parameters, why) => {
    expect(await world.phone(call, parameters)).toMatchObject({
      status: 'invalid_parameters',
      message: expect.stringContaining(why),
    });
    expect(world.sim.requests).toEqual([]);
  });
});
