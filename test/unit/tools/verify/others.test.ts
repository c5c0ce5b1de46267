import { beforeEach, describe, expect, it } from 'vitest';
import { fail, ok } from '../../../../src/core/errors.ts';
import type { Toolbox } from '../../../../src/tools/tool.ts';
import { createToolbox } from '../../../../src/tools/toolbox.ts';
import { defaultVerifyPolicy } from '../../../../src/tools/verify/policy.ts';
import { createVerifyTools } from '../../../../src/tools/verify/tools.ts';
import { TwilioFailure } from '../../../../src/twilio/failure.ts';
import { caller, SendingWorld, stranger, type WorldChange } from '../../../support/sending-world.ts';

const ours = '+14155550199';
const night: WorldChange = { policy: { quiet: { from: 0, to: 1_440, zone: 'UTC' } } };

let world: SendingWorld;
let box: Toolbox;
let asked: string[];
let failure: TwilioFailure | undefined;
beforeEach(() => {
  world = new SendingWorld();
  asked = [];
  failure = undefined;
  box = createToolbox(
    createVerifyTools({
      verify: () => ({
        send: async to => {
          asked.push(to);
          if (failure !== undefined) return fail(failure);
          return ok({ verificationSid: 'VE1', status: 'pending' as const });
        },
        check: () => Promise.reject(new Error('nobody checks here')),
      }),
      gates: { read: async () => (world.gate === 'down' ? Promise.reject(new Error('down')) : world.gate) },
      policy: () => ({ ...defaultVerifyPolicy, destinations: 'any' }),
      gate: world.sending,
      senders: () => [ours],
      counters: world.store.counters,
      clock: world.clock,
      defaultCountry: 'US',
    }),
  );
});

const doors = {
  send_SMS_verification: (to: string) => ({ To: to, Channel: 'sms' }),
  twilio_verify_phone: (to: string) => ({ action: 'send_code', to }),
} as const;
type Door = keyof typeof doors;

async function send(door: Door, to: string, call = world.call()) {
  const { result } = await box.run(door, doors[door](to), call.context, new AbortController().signal);
  return JSON.parse(result) as Record<string, unknown>;
}

const closed: readonly (readonly [string, string, WorldChange])[] = [
  ['at night', 'quiet_hours', night],
  ['who is denied', 'not_allowed', { policy: { deniedRecipients: [stranger] } }],
  ['who is not on the list of the allowed', 'not_allowed', { policy: { allowedRecipients: ['+4930*'] } }],
  ['of a denied country', 'not_allowed', { policy: { deniedCountries: ['US'] } }],
  ["beyond the day's messages", 'over_budget', { policy: { messagesPerDay: 0 } }],
  ["beyond the day's money", 'over_budget', { policy: { moneyPerDay: 1 } }],
  ['in a dry run of sends', 'dry_run', { policy: { dryRun: true } }],
];
const rows = (Object.keys(doors) as Door[]).flatMap(door => closed.map(row => [door, ...row] as const));

describe('a code to somebody else than the caller', () => {
  it.each(rows)('by %s goes to nobody %s (%s), and does otherwise', async (door, _, status, change) => {
    const before = world.policy;
    world.set(change);
    expect(await send(door, stranger)).toMatchObject({ status, valid: false });
    expect(asked).toEqual([]);
    world.policy = before;
    expect(await send(door, stranger)).toMatchObject({ status: 'pending' });
    expect(asked).toEqual([stranger]);
  });

  it.each(Object.keys(doors) as Door[])(
    'by %s does not go to who wrote STOP to one of our senders',
    async door => {
      await world.store.optOuts.add({ number: stranger, sender: ours }, 'stop');
      expect(await send(door, stranger)).toMatchObject({ status: 'opted_out', valid: false });
      expect(asked).toEqual([]);
      await world.store.optOuts.remove({ number: stranger, sender: ours });
      expect(await send(door, stranger)).toMatchObject({ status: 'pending' });
    },
  );

  it('is counted once of the budgets, however often it is asked for at once', async () => {
    world.set({ policy: { messagesPerDay: 1 } });
    const call = world.call();
    expect(await send('send_SMS_verification', stranger, call)).toMatchObject({ status: 'pending' });
    expect(await send('twilio_verify_phone', stranger, call)).toMatchObject({ status: 'pending' });
    expect(asked).toEqual([stranger]);
    expect(await send('send_SMS_verification', stranger)).toMatchObject({ status: 'over_budget' });
  });

  it.each([
    ['Twilio refused it', { status: 400, errorCode: 60410 }, 'blocked', 1],
    [
      'Twilio has had enough of the number',
      { status: 429, errorCode: 60203, unprocessed: true },
      'max_sends_reached',
      1,
    ],
    ['nobody knows whether it was sent', { status: 500 }, 'unavailable', 1],
    [
      'Twilio was too busy to look at it',
      { status: 429, errorCode: 20429, unprocessed: true },
      'throttled',
      0,
    ],
  ] as const)(
    'counts for budgets as it does for the limits of codes where %s',
    async (_, facts, status, counts) => {
      failure = new TwilioFailure('twilio-refused', facts);
      expect(await send('send_SMS_verification', stranger)).toMatchObject({ status });
      const day = 86_400_000;
      for (const name of ['otp-day', 'sends-day', 'money-day'])
        expect([name, await world.store.counters.count(name, 'all', day)]).toEqual([name, counts]);
    },
  );

  it('has what the gate said noted with the run', async () => {
    world.set(night);
    const call = world.call();
    await send('send_SMS_verification', stranger, call);
    expect(call.noted().gates?.at(-1)).toEqual({ gate: 'quiet_hours', decision: 'refuse', detail: 'quiet' });
  });
});

describe('a code by e-mail', () => {
  const email = 'ann@example.com';
  const mail = async (call = world.call()) => {
    const input = { action: 'send_code', to: email, channel: 'email' };
    const { result } = await box.run(
      'twilio_verify_phone',
      input,
      call.context,
      new AbortController().signal,
    );
    return JSON.parse(result) as Record<string, unknown>;
  };

  it.each([
    [
      'nobody has allowed agents to send',
      'not_allowed',
      { gate: { allowAutonomousSends: false, killSwitch: false } },
    ],
    ['the kill switch is on', 'not_allowed', { gate: { allowAutonomousSends: true, killSwitch: true } }],
    [
      'this caller may not',
      'not_allowed',
      { policy: { access: [{ tools: ['*'], tier: 'internal' as const }] } },
    ],
    ['messages go to some numbers alone', 'not_allowed', { policy: { allowedRecipients: ['+1*'] } }],
    ["the day's messages are used up", 'over_budget', { policy: { messagesPerDay: 0 } }],
    ["the day's money is used up", 'over_budget', { policy: { moneyPerDay: 1 } }],
    ['it is a dry run', 'dry_run', { policy: { dryRun: true } }],
  ] as const)('does not go out where %s', async (_, status, change: WorldChange) => {
    const { gate, policy } = world;
    world.set(change);
    expect(await mail()).toMatchObject({ status, valid: false });
    expect(asked).toEqual([]);
    world.set({ gate, policy });
    expect(await mail()).toMatchObject({ status: 'pending' });
    expect(asked).toEqual([email]);
  });

  it('knows no night and no country, and counts as a message to the address', async () => {
    world.set({ policy: { ...night.policy, allowedCountries: ['DE'], messagesPerRecipientDay: 1 } });
    expect(await mail()).toMatchObject({ status: 'pending' });
    expect(await send('twilio_verify_phone', stranger)).toMatchObject({ status: 'not_allowed' });
    expect(await mail()).toMatchObject({ status: 'over_budget' });
    expect(await world.store.counters.count('sends-recipient', email, 86_400_000)).toBe(1);
  });
});

describe("a code to the trusted caller's own number", () => {
  it.each(rows)('by %s goes out all the same %s', async (door, _, _status, change) => {
    world.set({ ...change, policy: { ...change.policy, deniedRecipients: [caller] } });
    world.set({ gate: { allowAutonomousSends: false, killSwitch: false } });
    await world.store.optOuts.add({ number: caller, sender: ours }, 'stop');
    expect(await send(door, caller)).toMatchObject({ status: 'pending' });
    expect(asked).toEqual([caller]);
  });
});
