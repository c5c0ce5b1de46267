import { beforeEach, describe, expect, it } from 'vitest';
import { queued, type SendingCall, SendingWorld, stranger } from '../../../support/sending-world.ts';

const link = { text: 'See https://elsewhere.org/x' };
const author = { who: 'ops', why: 'the link is ours' };
const minuteMs = 60_000;

let world: SendingWorld;
let call: SendingCall;
beforeEach(() => {
  world = new SendingWorld();
  call = world.call();
});

const settle = async () => {
  for (let n = 0; n < 50; n += 1) await new Promise(resolve => setImmediate(resolve));
};
const hold = async () => String((await world.send(link, call))['held_id']);
const told = () => call.control.asked.filter(line => line.startsWith('tell'));

describe('a held send', () => {
  it('is answered as held, twice with the same id, and nothing is sent', async () => {
    const first = await world.send(link, call);
    expect(first).toMatchObject({ status: 'held' });
    expect(await world.send(link, call)).toEqual(first);
    expect(world.performed).toEqual([]);
    expect(call.noted().gates).toContainEqual({ gate: 'repeat', decision: 'refuse', detail: 'same' });
    const { held } = await world.store.heldSends.list({}, { size: 10 });
    expect(held).toMatchObject([{ state: 'waiting', findings: ['link'], recipient: '+141******24' }]);
  });

  it('is sent once it is approved, and the agent is told in the call', async () => {
    const id = await hold();
    expect(await world.desk.approve(id, author)).toEqual({ ok: true, value: queued.result });
    expect(world.performed).toMatchObject([{ to: stranger, text: link.text }]);
    expect(told()).toEqual([
      expect.stringMatching(/^tell context .*ending in 24 .*was approved and is on its way/),
    ]);
    const { executions } = await world.store.executions.list(
      { from: 0, to: Number.MAX_SAFE_INTEGER },
      { size: 10 },
    );
    expect(executions).toMatchObject([
      {
        tool: 'twilio_send_sms',
        action: 'approved',
        status: 'queued',
        requestId: 'RQ1',
        call: call.context.call,
      },
    ]);
    expect(JSON.stringify(executions)).not.toContain(stranger);
    expect(world.events).toEqual([
      {
        ...{ type: 'held-decided', held: id, by: 'ops', decision: 'approved', status: 'queued' },
        gates: executions[0]?.gates,
      },
    ]);
    const gates = executions[0]?.gates?.map(({ gate, decision }) => `${gate}=${decision}`);
    expect(gates).toEqual(expect.arrayContaining(['kill_switch=pass', 'approved=pass', 'budget=pass']));
  });

  it('is sent once, whoever approves at the same time', async () => {
    const id = await hold();
    const answers = await Promise.all(Array.from({ length: 8 }, () => world.desk.approve(id, author)));
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    expect(world.performed).toHaveLength(1);
    expect(await world.store.counters.count('sends-day', 'all', 86_400_000)).toBe(1);
  });

  it('is not sent once it is refused, and the agent is told', async () => {
    const id = await hold();
    expect(await world.desk.refuse(id, author)).toMatchObject({ ok: true });
    expect(await world.desk.approve(id, author)).toMatchObject({ ok: false, failure: { code: 'over' } });
    expect(world.performed).toEqual([]);
    expect(told()).toEqual([expect.stringContaining('is not sent')]);
    const gates = [{ gate: 'approved', decision: 'refuse', detail: 'person' }];
    expect(world.events).toEqual([
      { type: 'held-decided', held: id, by: 'ops', decision: 'refused', status: 'refused', gates },
    ]);
    const { executions } = await world.store.executions.list(
      { from: 0, to: Number.MAX_SAFE_INTEGER },
      { size: 10 },
    );
    expect(executions).toMatchObject([
      {
        ...{ tool: 'twilio_send_sms', action: 'refused', status: 'refused', gates, isError: false },
        ...{ call: call.context.call, arguments: { to: '+141******24', held_id: id } },
      },
    ]);
  });

  it('expires after 15 minutes, and the agent is told', async () => {
    const id = await hold();
    world.clock.advance(15 * minuteMs - 1);
    await settle();
    expect(told()).toEqual([]);
    world.clock.advance(2_001);
    await settle();
    expect(told()).toEqual([expect.stringContaining('was not sent')]);
    expect(await world.desk.approve(id, author)).toMatchObject({ ok: false, failure: { code: 'over' } });
  });

  it('that was decided on another node is told here within seconds', async () => {
    const id = await hold();
    await world.store.heldSends.refuse(id, author);
    expect(told()).toEqual([]);
    world.clock.advance(2_000);
    await settle();
    expect(told()).toHaveLength(1);
    world.clock.advance(10_000);
    await settle();
    expect(told()).toHaveLength(1);
  });

  it.each([
    ['the kill switch is on', { gate: { allowAutonomousSends: true, killSwitch: true } }, 'kill_switch'],
    ['the gate was shut', { gate: { allowAutonomousSends: false, killSwitch: false } }, 'allow_sends'],
    ['no message is left', { policy: { messagesPerDay: 0 } }, 'budget'],
    ['the number is denied now', { policy: { deniedRecipients: [stranger] } }, 'recipient'],
  ] as const)('goes on waiting while %s', async (_title, change, code) => {
    const id = await hold();
    const { gate, policy } = world;
    world.set(change);
    expect(await world.desk.approve(id, author)).toMatchObject({ ok: false, failure: { code } });
    expect(world.performed).toEqual([]);
    const refusal = expect.objectContaining({ gate: code, decision: 'refuse' });
    expect(world.events).toMatchObject([{ decision: 'waits', gates: expect.arrayContaining([refusal]) }]);
    Object.assign(world, { gate, policy });
    expect(await world.desk.approve(id, author)).toMatchObject({ ok: true });
  });

  it('is not sent to a number that has opted out meanwhile', async () => {
    const id = await hold();
    await world.store.optOuts.add({ number: stranger, sender: '+14155550199' }, 'stop');
    expect(await world.desk.approve(id, author)).toMatchObject({ ok: false, failure: { code: 'opt_out' } });
  });

  it.each([
    ['unknown', /not known whether it was sent/, 'unknown'],
    ['refused', /could not be sent/, 'failed'],
    ['unprocessed', /could not be sent/, 'failed'],
  ] as const)('that came to %s is never sent again', async (done, notice, state) => {
    const id = await hold();
    world.outcome = async () => ({ ...queued, done });
    await world.desk.approve(id, author);
    expect((await world.store.heldSends.find(id))?.state).toBe(state);
    expect(told()).toEqual([expect.stringMatching(notice)]);
    expect(await world.desk.approve(id, author)).toMatchObject({ ok: false });
    expect(world.performed).toHaveLength(1);
  });

  it('takes nothing of the budgets while it waits', async () => {
    world.policy = { ...world.policy, messagesPerCall: 1 };
    await hold();
    expect(await world.send({ text: 'Without a link.' }, call)).toEqual(queued.result);
  });

  it('is only said to have been one in a dry run', async () => {
    world.policy = { ...world.policy, dryRun: true };
    expect(await world.send(link, call)).toMatchObject({ status: 'dry_run' });
    expect((await world.store.heldSends.list({}, { size: 1 })).held).toEqual([]);
  });
});
