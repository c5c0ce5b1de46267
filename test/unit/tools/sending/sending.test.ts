import { beforeEach, describe, expect, it } from 'vitest';
import type { Send } from '../../../../src/tools/sending/gate.ts';
import type { Bought } from '../../../../src/tools/sending/real-prices.ts';
import {
  caller,
  message,
  queued,
  SendingWorld,
  stranger,
  type WorldChange,
} from '../../../support/sending-world.ts';

let world: SendingWorld;
beforeEach(() => {
  world = new SendingWorld();
});

const dayMs = 86_400_000;
const statuses = (results: readonly { readonly status: string }[]) => results.map(({ status }) => status);
/** Texts that differ, so that none is a repetition. */
const some = (count: number, more: Partial<Send> = {}, call = world.call()) =>
  Array.from(
    { length: count },
    (_, n) => () => world.send({ text: `Table for ${'I'.repeat(n + 1)}.`, ...more }, call),
  );
async function inTurn<T>(work: readonly (() => Promise<T>)[]): Promise<T[]> {
  const done: T[] = [];
  for (const one of work) done.push(await one());
  return done;
}

describe('the gate of sends', () => {
  it('lets a message through when it is open, and notes who asked, what was decided and what it cost', async () => {
    const call = world.call();
    expect(await world.send({}, call)).toEqual(queued.result);
    expect(world.performed).toEqual([message]);
    expect(call.noted()).toEqual({
      tier: 'anyone',
      gates: [
        { gate: 'kill_switch', decision: 'pass' },
        { gate: 'allow_sends', decision: 'pass' },
        { gate: 'access', decision: 'pass', detail: 'needs_anyone' },
        { gate: 'opt_out', decision: 'pass' },
        { gate: 'recipient', decision: 'pass' },
        { gate: 'quiet_hours', decision: 'pass' },
        { gate: 'content', decision: 'pass' },
        { gate: 'budget', decision: 'pass' },
      ],
      requestId: 'RQ1',
      cost: { micros: 12_000, currency: 'USD' },
    });
  });

  /** Each row: what is different, what the agent is told, and which gate says so. */
  const refused: readonly (readonly [
    string,
    WorldChange & { readonly send?: Partial<Send> },
    string,
    string,
  ])[] = [
    [
      'shut, as it is by default',
      { gate: { allowAutonomousSends: false, killSwitch: false } },
      'needs_human',
      'allow_sends',
    ],
    [
      'open with the kill switch on',
      { gate: { allowAutonomousSends: true, killSwitch: true } },
      'switched_off',
      'kill_switch',
    ],
    ['not known, because the store is down', { gate: 'down' }, 'unavailable', 'store'],
    ['without counters, because the store is down', { down: true }, 'unavailable', 'store'],
    [
      'for others than this caller',
      { policy: { access: [{ tools: ['*'], tier: 'known' }] } },
      'not_allowed',
      'access',
    ],
    [
      'for verified callers',
      { policy: { access: [{ tools: ['*'], tier: 'verified' }] } },
      'not_verified',
      'access',
    ],
    ['asked for a premium number', { send: { to: '+19005550123' } }, 'not_allowed', 'recipient'],
    ['asked for a denied number', { policy: { deniedRecipients: [stranger] } }, 'not_allowed', 'recipient'],
    ['asked for another country', { policy: { allowedCountries: ['DE'] } }, 'not_allowed', 'recipient'],
    [
      'asked at night',
      { policy: { quiet: { from: 0, to: 1_440, zone: 'UTC' } } },
      'quiet_hours',
      'quiet_hours',
    ],
    ['given a card', { send: { text: 'it is 4111 1111 1111 1111' } }, 'blocked', 'content'],
    ['dry', { policy: { dryRun: true } }, 'dry_run', 'dry_run'],
    ['without a message left', { policy: { messagesPerCall: 0 } }, 'over_budget', 'budget'],
    ['without money left', { policy: { moneyPerDay: 11_999 } }, 'over_budget', 'budget'],
  ];

  it.each(refused)('sends nothing when it is %s', async (_title, change, status, refuser) => {
    world.set(change);
    const call = world.call();
    expect(await world.send(change.send, call)).toMatchObject({ status });
    expect(world.performed).toEqual([]);
    expect(call.noted().gates?.at(-1)).toMatchObject({ gate: refuser, decision: 'refuse' });
  });

  it('never tells the agent the number, the text or a setting of others', async () => {
    for (const [, change] of refused) {
      world = new SendingWorld();
      world.set(change);
      const result = JSON.stringify(await world.send(change.send));
      expect(result).not.toContain(stranger);
      expect(result).not.toContain('4111');
    }
  });

  it('has the last word when a switch is turned while the budgets are taken, and gives them back', async () => {
    const { take } = world.store.counters;
    Object.assign(world.store.counters, {
      take: async (takes: Parameters<typeof take>[0]) => {
        world.gate = { allowAutonomousSends: true, killSwitch: true };
        return take(takes);
      },
    });
    expect(await world.send()).toMatchObject({ status: 'switched_off' });
    expect(world.performed).toEqual([]);
    expect(await world.store.counters.count('sends-day', 'all', dayMs)).toBe(0);
  });

  it('sends nothing when the switches cannot be read any more by then, and gives the budgets back as well', async () => {
    const { take } = world.store.counters;
    Object.assign(world.store.counters, {
      take: async (takes: Parameters<typeof take>[0]) => {
        world.gate = 'down';
        return take(takes);
      },
    });
    expect(await world.send()).toMatchObject({ status: 'unavailable' });
    expect(world.performed).toEqual([]);
    expect(await world.store.counters.count('sends-day', 'all', dayMs)).toBe(0);
  });
});

describe('budgets', () => {
  it('bound the messages of a call, and of no other', async () => {
    world.policy = { ...world.policy, messagesPerCall: 2 };
    expect(statuses(await inTurn(some(3)))).toEqual(['queued', 'queued', 'over_budget']);
    expect(await world.send()).toMatchObject({ status: 'queued' });
  });

  it('bound the messages to a number over all calls, until a day has passed', async () => {
    world.policy = { ...world.policy, messagesPerRecipientDay: 2 };
    const sends = [1, 2, 3].map(() => () => world.send());
    expect(statuses(await inTurn(sends))).toEqual(['queued', 'queued', 'over_budget']);
    expect(await world.send({ to: caller })).toMatchObject({ status: 'queued' });
    world.clock.advance(dayMs);
    expect(await world.send()).toMatchObject({ status: 'queued' });
  });

  it('bound the money of a call by the pieces of each message', async () => {
    world.policy = { ...world.policy, moneyPerCall: 36_000 };
    const call = world.call();
    expect(await world.send({ text: 'a'.repeat(161) }, call)).toMatchObject({ status: 'queued' });
    expect(await world.send({ text: 'b'.repeat(161) }, call)).toMatchObject({ status: 'over_budget' });
    expect(await world.send({ text: 'b'.repeat(160) }, call)).toMatchObject({ status: 'queued' });
  });

  it.each([
    ['unprocessed', 0],
    ['opted-out', 0],
    ['refused', 1],
    ['unknown', 1],
    ['sent', 1],
  ] as const)('keep of a send that was %s: %d', async (done, count) => {
    world.outcome = async () => ({ ...queued, done });
    await world.send();
    expect(await world.store.counters.count('sends-day', 'all', dayMs)).toBe(count);
  });

  it('count a send whose performer throws, for it may have sent', async () => {
    world.outcome = async () => Promise.reject(new Error('no'));
    const call = world.call();
    expect(await world.send({}, call)).toMatchObject({ status: 'unavailable' });
    expect(await world.store.counters.count('sends-day', 'all', dayMs)).toBe(1);
    expect(await world.send({}, call)).toMatchObject({ status: 'unavailable' });
    expect(world.performed).toHaveLength(1);
  });

  it('have room again, or none, once it is known what a message has cost', async () => {
    world.outcome = async () => ({ ...queued, sid: 'SM1' });
    world.set({ policy: { moneyPerCall: 24_000, moneyPerDay: 40_000 } });
    const call = world.call();
    expect(statuses(await inTurn(some(3, {}, call)))).toEqual(['queued', 'queued', 'over_budget']);
    expect(world.bought).toHaveLength(2);
    const { receipt, counters, ...first } = world.bought[0] as Bought;
    const estimate = { micros: 12_000, currency: 'USD' };
    expect(first).toEqual({ what: 'message', sid: 'SM1', estimate, requestId: 'RQ1' });
    await world.store.counters.correct(receipt, counters, 7_900);
    expect(await world.send({ text: 'A third.' }, call)).toMatchObject({ status: 'over_budget' });
    await world.store.counters.correct(receipt, counters, 0);
    expect(await world.send({ text: 'A third, again.' }, call)).toMatchObject({ status: 'queued' });
    await world.store.counters.correct(receipt, counters, 30_000);
    expect(await world.send({ text: 'To another.' })).toMatchObject({ status: 'over_budget' });
  });

  it.each([
    ['was not sent', { done: 'refused', sid: 'SM1' }, {}],
    ['was perhaps sent, nobody knows as what', { done: 'unknown' }, {}],
    ['has told its cost at once', { done: 'sent', sid: 'SM1', cost: { micros: 1, currency: 'USD' } }, {}],
    ['was a dry run', { done: 'sent', sid: 'SM1' }, { dryRun: true }],
  ] as const)('wait for no price of what %s', async (_, outcome, policy) => {
    world.outcome = async () => ({ ...queued, ...outcome });
    world.set({ policy });
    await world.send();
    expect(world.bought).toEqual([]);
  });

  it('stay as they are in a dry run', async () => {
    world.policy = { ...world.policy, dryRun: true, messagesPerCall: 1 };
    expect(statuses(await inTurn(some(3)))).toEqual(['dry_run', 'dry_run', 'dry_run']);
  });
});

describe('a send that is repeated in a call', () => {
  it('gets the same answer and is not sent again, for as long as is set', async () => {
    const call = world.call();
    expect(await world.send({}, call)).toEqual(queued.result);
    world.clock.advance(119_999);
    expect(await world.send({}, call)).toEqual(queued.result);
    expect(world.performed).toHaveLength(1);
    world.clock.advance(1);
    await world.send({}, call);
    expect(world.performed).toHaveLength(2);
  });

  it('waits for the answer of the first', async () => {
    const call = world.call();
    let answer: () => void = () => undefined;
    world.outcome = () =>
      new Promise(resolve => {
        answer = () => resolve(queued);
      });
    const both = [world.send({}, call), world.send({}, call)];
    while (world.performed.length === 0) await new Promise(resolve => setImmediate(resolve));
    answer();
    expect(await Promise.all(both)).toEqual([queued.result, queued.result]);
    expect(world.performed).toHaveLength(1);
  });

  it.each([
    ['another text', { text: 'Another.' }],
    ['another recipient', { to: caller }],
    ['another picture', { media: ['https://example.com/a.png'] }],
    ['another template', { request: { template: 'HX1' } }],
  ])('is another one with %s', async (_title, more) => {
    world.policy = { ...world.policy, allowedDomains: ['example.com'] };
    const call = world.call();
    await world.send({}, call);
    await world.send(more, call);
    expect(world.performed).toHaveLength(2);
  });

  it('is another one in another call', async () => {
    await world.send();
    await world.send();
    expect(world.performed).toHaveLength(2);
  });

  it('is tried again where nothing happened the first time', async () => {
    const call = world.call();
    world.outcome = async () => ({ ...queued, done: 'unprocessed' });
    await world.send({}, call);
    world.outcome = async () => queued;
    expect(await world.send({}, call)).toEqual(queued.result);
    expect(world.performed).toHaveLength(2);
  });

  it('is asked about anew where it was refused', async () => {
    const call = world.call();
    world.gate = { allowAutonomousSends: false, killSwitch: false };
    await world.send({}, call);
    world.gate = { allowAutonomousSends: true, killSwitch: false };
    expect(await world.send({}, call)).toEqual(queued.result);
  });
});

describe('opt-outs', () => {
  it('are remembered when Twilio refuses for one (21610), and honoured from then on', async () => {
    world.outcome = async () => ({ done: 'opted-out', result: { status: 'opted_out', message: '' } });
    await world.send();
    world.outcome = async () => queued;
    expect(await world.send()).toMatchObject({ status: 'opted_out' });
    expect(world.performed).toHaveLength(1);
    expect(await world.send({ sender: '+14155550198' })).toEqual(queued.result);
    await world.store.optOuts.remove({ number: stranger, sender: message.sender });
    expect(await world.send()).toEqual(queued.result);
  });
});

describe('looking at what is not the caller’s own', () => {
  const lookup = { tool: 'twilio_lookup_phone', charges: ['lookup'] };
  const read = (numbers: string[], call = world.call()) =>
    world.sending.read({ ...lookup, numbers }, call.context);

  it('is for the house alone; of his own number anybody may know', async () => {
    expect(await read([caller])).toMatchObject({ go: true });
    expect(await read([stranger])).toMatchObject({ go: false, result: { status: 'not_allowed' } });
    world.policy = { ...world.policy, internalNumbers: [caller] };
    expect(await read([stranger])).toMatchObject({ go: true });
  });

  it('works with the gate shut; what costs does not with the kill switch on', async () => {
    world.gate = { allowAutonomousSends: false, killSwitch: true };
    expect(await read([caller])).toMatchObject({ go: false, result: { status: 'switched_off' } });
    world.policy = { ...world.policy, internalNumbers: [caller] };
    const free = { tool: 'twilio_account_overview', action: 'usage_summary' };
    const call = world.call();
    expect(await world.sending.read(free, call.context)).toMatchObject({ go: true });
    expect(call.noted()).toMatchObject({ tier: 'internal', action: 'usage_summary' });
    world.gate = { allowAutonomousSends: false, killSwitch: false };
    expect(await read([caller])).toMatchObject({ go: true });
  });

  it('takes its price of the money, and gives it back', async () => {
    world.policy = { ...world.policy, moneyPerCall: 10_000 };
    const call = world.call();
    const first = await read([caller], call);
    expect(await read([caller], call)).toMatchObject({ go: false, result: { status: 'over_budget' } });
    if (first.go) await first.giveBack();
    expect(await read([caller], call)).toMatchObject({ go: true });
    expect(call.noted().cost).toEqual({ micros: 10_000, currency: 'USD' });
  });
});
