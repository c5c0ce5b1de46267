import { beforeEach, describe, expect, it } from 'vitest';
import { ok } from '../../../../src/core/errors.ts';
import type { Toolbox } from '../../../../src/tools/tool.ts';
import { createToolbox } from '../../../../src/tools/toolbox.ts';
import { defaultVerifyPolicy } from '../../../../src/tools/verify/policy.ts';
import { createVerifyTools } from '../../../../src/tools/verify/tools.ts';
import { caller, SendingWorld, stranger, type WorldChange } from '../../../support/sending-world.ts';

const ours = '+14155550199';
const night: WorldChange = { policy: { quiet: { from: 0, to: 1_440, zone: 'UTC' } } };

let world: SendingWorld;
let box: Toolbox;
let asked: string[];
beforeEach(() => {
  world = new SendingWorld();
  asked = [];
  box = createToolbox(
    createVerifyTools({
      verify: () => ({
        send: async to => {
          asked.push(to);
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

  it('has what the gate said noted with the run', async () => {
    world.set(night);
    const call = world.call();
    await send('send_SMS_verification', stranger, call);
    expect(call.noted().gates?.at(-1)).toEqual({ gate: 'quiet_hours', decision: 'refuse', detail: 'quiet' });
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
