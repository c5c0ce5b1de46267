import { describe, expect, it } from 'vitest';
import type { PartyFacts } from '../../../../src/call/party.ts';
import type { GateState } from '../../../../src/tools/gates.ts';
import { giveBack, objection, takeCheck, takeSend } from '../../../../src/tools/verify/permission.ts';
import { defaultVerifyPolicy, type VerifyPolicy } from '../../../../src/tools/verify/policy.ts';
import { someFacts } from '../../../support/fake-call.ts';
import { FakeControl, toolContext } from '../../../support/fake-control.ts';
import { FakeStore } from '../../../support/fake-store.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const own = someFacts.callerId;
const other = '+14155552671';
const named = '+442071838750';

interface Given {
  readonly to?: string;
  readonly gate?: Partial<GateState>;
  readonly policy?: Partial<VerifyPolicy>;
  readonly facts?: Partial<PartyFacts>;
  readonly verifyNumber?: string;
}

async function objected({ to = other, gate, policy, facts, verifyNumber }: Given) {
  const context = toolContext(new ManualClock(), new FakeControl(), facts);
  const refused = await objection(
    {
      gates: { read: () => ({ allowAutonomousSends: false, killSwitch: false, ...gate }) },
      policy: () => ({ ...defaultVerifyPolicy, ...policy }),
      country: 'US',
    },
    to,
    verifyNumber === undefined ? context : { ...context, verifyNumber },
  );
  return refused?.message;
}
const opened = { allowAutonomousSends: true };

describe('whom a code may go to', () => {
  it.each<[string, Given]>([
    ['the trusted caller', { to: own }],
    ['the number that the operator names for him', { to: named, verifyNumber: named }],
    [
      'that number where nobody vouches for the caller',
      { to: named, verifyNumber: named, facts: { callerTrusted: false } },
    ],
    ['anybody with both settings', { gate: opened, policy: { destinations: 'any' } }],
    [
      'a listed number with both settings',
      { gate: opened, policy: { destinations: 'listed', listedNumbers: [other] } },
    ],
    ['a number of an allowed country', { to: own, policy: { allowedPrefixes: ['+49', '+1'] } }],
  ])('%s', async (_, given) => {
    expect(await objected(given)).toBeUndefined();
  });

  it.each<[string, Given]>([
    ['by default', {}],
    ['with sends allowed alone', { gate: opened }],
    ['with verify.destinations alone', { policy: { destinations: 'any' } }],
    ['where the caller is not vouched for', { to: own, facts: { callerTrusted: false } }],
  ])('not others %s, and the refusal names both settings', async (_, given) => {
    const message = await objected(given);
    expect(message).toContain('trunkbridge twilio allow-sends');
    expect(message).toContain('verify.destinations');
  });

  it.each<[string, string, Given]>([
    [
      'who is not listed',
      'verify.listed_numbers',
      { gate: opened, policy: { destinations: 'listed', listedNumbers: [named] } },
    ],
    [
      'of a premium range, be he the caller',
      'verify.denied_prefixes',
      { to: '+19005550123', facts: { callerId: '+19005550123' } },
    ],
    ['of a denied prefix', 'verify.denied_prefixes', { to: own, policy: { deniedPrefixes: ['+1415'] } }],
    ['of another country', 'verify.allowed_prefixes', { to: own, policy: { allowedPrefixes: ['+49'] } }],
    ['once the kill switch is on', 'kill_switch', { to: own, gate: { ...opened, killSwitch: true } }],
  ])('nobody %s, and the refusal names %s', async (_, setting, given) => {
    const message = await objected(given);
    expect(message).toContain(setting);
    expect(message).not.toMatch(/\d/);
  });
});

function limited(policy: Partial<VerifyPolicy>) {
  const clock = new ManualClock();
  const { counters } = new FakeStore({ clock });
  const parts = { policy: () => ({ ...defaultVerifyPolicy, ...policy }), counters };
  return { clock, parts, call: toolContext(clock), another: toolContext(clock) };
}

describe('the limits of sends', () => {
  it.each<[keyof VerifyPolicy, string, number]>([
    ['sendsPerNumberHour', 'Too many codes were sent to the number ending in 23 within an hour.', 3_600],
    ['sendsPerNumberDay', 'Too many codes were sent to the number ending in 23 within a day.', 86_400],
    ['sendsPerHour', 'This bridge has sent as many codes as it may for now.', 3_600],
    ['sendsPerDay', 'This bridge has sent as many codes as it may for now.', 86_400],
  ])('hold over all calls: %s', async (limit, sentence, seconds) => {
    const { clock, parts, call, another } = limited({ [limit]: 1 });
    expect(await takeSend(parts, own, call)).toMatchObject({ ok: true });
    clock.advance(1_000);
    expect(await takeSend(parts, own, another)).toMatchObject({
      ok: false,
      failure: {
        status: 'max_sends_reached',
        retry_after_s: seconds - 1,
        message: expect.stringContaining(sentence),
      },
    });
    clock.advance((seconds - 1) * 1_000);
    expect(await takeSend(parts, own, another)).toMatchObject({ ok: true });
  });

  it('of a call hold over its numbers, and not over other calls', async () => {
    const { parts, call, another } = limited({ sendsPerCall: 1 });
    await takeSend(parts, own, call);
    expect(await takeSend(parts, other, call)).toMatchObject({
      ok: false,
      failure: { message: expect.stringContaining('No more codes can be sent in this call.') },
    });
    expect(await takeSend(parts, other, another)).toMatchObject({ ok: true });
  });

  it('of a number are not touched by sends to another', async () => {
    const { parts, call } = limited({ sendsPerNumberHour: 1 });
    await takeSend(parts, own, call);
    expect(await takeSend(parts, other, call)).toMatchObject({ ok: true });
  });

  it('take nothing from the others when one is reached', async () => {
    const { parts, call } = limited({ sendsPerNumberHour: 1 });
    for (let i = 0; i < 9; i++) await takeSend(parts, own, call);
    expect(await parts.counters.count('otp-day', 'all', 86_400_000)).toBe(1);
  });

  it('of checks are those of the call', async () => {
    const { parts, call, another } = limited({ checksPerCall: 2 });
    const refused: unknown[] = [];
    for (const each of [call, call, call, another]) refused.push((await takeCheck(parts, each))?.status);
    expect(refused).toEqual([undefined, undefined, 'max_attempts_reached', undefined]);
  });
});

describe('a store that cannot be asked', () => {
  const down = async () => {
    throw new Error('the database is away');
  };
  const unavailable = { status: 'unavailable', valid: false, retry_after_s: 10 };

  it('lets nothing be sent and nothing be checked, and that is no fault', async () => {
    const { parts, call } = limited({});
    const counters = { take: down, giveBack: down, correct: down, count: down };
    expect(await takeSend({ ...parts, counters }, own, call)).toMatchObject({
      ok: false,
      failure: unavailable,
    });
    expect(await takeCheck({ ...parts, counters }, call)).toMatchObject(unavailable);
    const gates = { read: down };
    const policy = () => defaultVerifyPolicy;
    expect(await objection({ gates, policy, country: 'US' }, own, call)).toMatchObject(unavailable);
    await expect(giveBack({ counters }, 'receipt', call)).resolves.toBeUndefined();
  });
});
