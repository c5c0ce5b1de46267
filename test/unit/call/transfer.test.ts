import { describe, expect, it } from 'vitest';
import type { CallControl, SecondLegs, TransferWay } from '../../../src/call/control.ts';
import { Call } from '../../../src/call/controller.ts';
import type { TransferTarget } from '../../../src/call/party.ts';
import { transferLimits } from '../../../src/call/transfer.ts';
import { deferred } from '../../../src/core/deferred.ts';
import { type Ending, ending } from '../../../src/core/ending.ts';
import { Failure, fail, ok, type Result } from '../../../src/core/errors.ts';
import { type ConversationId, type LegId, newCallKey, type ToolCallId } from '../../../src/core/ids.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { EventList, FakeLeg, FakeParty, someOptions } from '../../support/fake-call.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const target: TransferTarget = {
  destination: { kind: 'phone', number: '+14155550150' },
  headers: [],
  trunk: 'carrier',
};

const settled = async () => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

/** A caller whose PBX may take REFER. */
class Caller extends FakeParty {
  referred = deferred<Result<void, Ending>>();
  held: Promise<Result<void>> = Promise.resolve(ok(undefined));

  transfer(to: TransferTarget): Promise<Result<void, Ending>> {
    this.asked.push(`transfer ${to.destination.kind}`);
    return this.referred.promise;
  }

  hold(on: boolean): Promise<Result<void>> {
    this.asked.push(`hold ${on}`);
    return this.held;
  }
}

class Other extends FakeParty {
  readonly rings = deferred<void>();
  readonly ringing = this.rings.promise;
}

class OtherLeg extends FakeLeg {
  override readonly id = 'leg_other' as LegId;
}

/** A call with its agent, and what a tool may do with it. */
async function talking(options: { second?: false | Ending; plain?: boolean } = {}) {
  const clock = new ManualClock();
  const party = options.plain === true ? new FakeParty() : new Caller();
  const leg = new FakeLeg();
  const other = new Other();
  const otherLeg = new OtherLeg();
  const events = new EventList();
  const opened: string[] = [];
  const second: SecondLegs = {
    async open(_target, _call, near) {
      opened.push(near);
      const refused = options.second;
      return refused === undefined || refused === false ? ok({ party: other, leg: otherLeg }) : fail(refused);
    },
  };
  let control: CallControl | undefined;
  const call = new Call({
    key: newCallKey(),
    party,
    leg,
    agentId: 'agent_1',
    variables: {},
    tickets: { signedUrl: async () => ok('wss://agent.example/1') },
    toolbox: {
      run: async (_name, _parameters, context) => {
        control = context.control;
        return { result: '{}', isError: false, status: 'ok' };
      },
    },
    ...(options.second === false ? {} : { second }),
    options: someOptions,
    clock,
    log: silentLogger,
    events,
  });
  call.begin();
  await settled();
  const formats = { outputFormat: 'pcm_16000', inputFormat: 'pcm_16000' } as const;
  leg.listener?.agentReady({ conversationId: 'conv_1' as ConversationId, ...formats });
  clock.advance(300);
  party.acknowledge();
  await settled();
  clock.advance(1000);
  expect(call.state).toBe('talking');
  leg.listener?.toolCall({ id: 'tool_1' as ToolCallId, name: 'x', parameters: {}, expectsResponse: false });
  await settled();
  if (control === undefined) throw new Error('no control was given');
  leg.asked.length = 0;
  party.asked.length = 0;
  const start = async (way: TransferWay) => {
    const result: { outcome?: Result<void, Ending> } = {};
    void control?.transfer(target, way).then(outcome => {
      result.outcome = outcome;
    });
    await settled();
    return result;
  };
  const caller = party as Caller;
  const transfers = () =>
    events.events.flatMap(event => (event.type === 'transfer' ? [`${event.way} ${event.end.reason}`] : []));
  return { call, clock, party, caller, leg, other, otherLeg, control, start, opened, transfers };
}

describe('a transfer by REFER', () => {
  it('waits until the agent has said what it says, then leaves the call once the peer has taken the caller', async () => {
    const world = await talking();
    const said = deferred<void>();
    world.leg.before = said.promise;
    const result = await world.start('refer');
    expect([world.leg.asked, world.caller.asked]).toEqual([['quiet'], []]);
    said.resolve();
    await settled();
    expect(world.caller.asked).toEqual(['transfer phone']);
    world.caller.referred.resolve(ok(undefined));
    const { end, answered } = await world.call.ended;
    expect([end.result, end.reason, answered]).toEqual(['success', 'transferred', true]);
    expect(world.caller.endedWith?.reason).toBe('transferred');
    expect(result.outcome).toEqual(ok(undefined));
    expect(world.transfers()).toEqual(['refer transferred']);
  });

  it('that fails gives the caller back to the agent with the reason', async () => {
    const world = await talking();
    const result = await world.start('refer');
    expect(world.call.state).toBe('transferring');
    world.caller.referred.resolve(fail(ending('callee-busy', 'SIP 486')));
    await settled();
    expect(result.outcome).toMatchObject({ ok: false, failure: { reason: 'callee-busy' } });
    expect(world.call.state).toBe('talking');
    expect([world.opened, world.transfers()]).toEqual([[], ['refer callee-busy']]);
  });

  it('is over as transferred when the peer takes the caller along by BYE', async () => {
    const world = await talking();
    await world.start('refer');
    world.caller.go(ending('transferred'));
    world.caller.referred.resolve(ok(undefined));
    expect((await world.call.ended).end.reason).toBe('transferred');
  });

  it('keeps the caller when the agent leaves meanwhile, and ends the call when it then fails', async () => {
    const world = await talking();
    await world.start('refer');
    world.leg.listener?.agentEnded(ending('agent-ended-call'));
    expect(world.call.state).toBe('transferring-alone');
    expect(world.caller.endedWith).toBeUndefined();
    world.caller.referred.resolve(fail(ending('transfer-timeout')));
    expect((await world.call.ended).end.reason).toBe('agent-ended-call');
  });

  it('is one at a time, and not for ever', async () => {
    const world = await talking();
    await world.start('refer');
    expect((await world.start('refer')).outcome).toMatchObject({ ok: false });
    expect(world.caller.asked).toEqual(['transfer phone']);
    for (let i = 0; i < transferLimits.perCall + 3; i++) {
      world.caller.referred.resolve(fail(ending('callee-busy')));
      await settled();
      world.caller.referred = deferred();
      await world.start('refer');
    }
    expect(world.caller.asked).toHaveLength(transferLimits.perCall);
  });

  it('ends with the call when the caller hangs up while the agent is still speaking', async () => {
    const world = await talking();
    world.leg.before = new Promise(() => undefined);
    await world.start('refer');
    world.caller.go();
    expect((await world.call.ended).end.reason).toBe('caller-hung-up');
    expect(world.caller.asked).toEqual([]);
  });
});

describe('a transfer over a second leg', () => {
  it('is what a peer gets that takes no REFER, and a wire that has none', async () => {
    const world = await talking();
    await world.start('refer');
    world.caller.referred.resolve(fail(ending('transfer-refused', 'SIP 405')));
    await settled();
    expect(world.opened).toEqual(['leg_test']);
    expect(world.other.asked).toEqual(['accept']);
    const plain = await talking({ plain: true });
    await plain.start('refer');
    expect(plain.opened).toEqual(['leg_test']);
  });

  it('is none where no trunk is named: the REFER that was refused is what failed', async () => {
    const world = await talking();
    const { trunk: _, ...unnamed } = target;
    const outcome = world.control.transfer(unnamed, 'refer');
    await settled();
    world.caller.referred.resolve(fail(ending('transfer-refused', 'SIP 405')));
    expect(await outcome).toMatchObject({ ok: false, failure: { reason: 'transfer-refused' } });
    expect(world.opened).toEqual([]);
  });

  it('lets the caller hear the second leg and its ringing, with the agent there, and joins both at the answer', async () => {
    const world = await talking();
    const result = await world.start('bridge');
    expect(world.caller.asked).toEqual([]);
    expect(world.leg.asked).toEqual(['quiet', 'join leg_other early']);
    world.other.rings.resolve();
    await settled();
    expect(world.leg.asked.at(-1)).toBe('tone ringback');
    expect(world.call.state).toBe('transferring');
    world.other.acknowledge();
    await settled();
    // No code is asked for any more: what is keyed is for whom the caller talks to.
    expect(world.leg.asked.slice(-3)).toEqual(['tone off', 'secure false', 'join leg_other full']);
    expect(world.call.state).toBe('bridged');
    expect(result.outcome).toEqual(ok(undefined));
    expect(world.transfers()).toEqual(['bridge transferred']);
  });

  it('that nobody answers is taken back: the caller is with the agent, and the leg is closed', async () => {
    const world = await talking();
    const result = await world.start('bridge');
    world.other.go(ending('callee-no-answer'));
    await settled();
    expect(result.outcome).toMatchObject({ ok: false, failure: { reason: 'callee-no-answer' } });
    expect(world.leg.asked.slice(-2)).toEqual(['tone off', 'join leg_other off']);
    expect(world.otherLeg.asked).toEqual(['close']);
    expect(world.call.state).toBe('talking');
  });

  it('without capacity or a trunk fails before anybody is called', async () => {
    const full = await talking({ second: ending('over-capacity') });
    expect((await full.start('bridge')).outcome).toMatchObject({
      ok: false,
      failure: { reason: 'over-capacity' },
    });
    expect(full.call.state).toBe('talking');
    const none = await talking({ second: false });
    expect((await none.start('bridge')).outcome).toMatchObject({
      ok: false,
      failure: { reason: 'transfer-failed' },
    });
  });

  it('is hung up on both sides when one of them hangs up', async () => {
    const first = await talking();
    await first.start('bridge');
    first.other.acknowledge();
    await settled();
    first.caller.go();
    expect((await first.call.ended).end.reason).toBe('caller-hung-up');
    expect(first.other.endedWith?.reason).toBe('caller-hung-up');
    expect(first.otherLeg.asked).toContain('close');
    const second = await talking();
    await second.start('bridge');
    second.other.acknowledge();
    await settled();
    second.other.go(ending('callee-hung-up'));
    const { end } = await second.call.ended;
    expect([end.result, end.reason]).toEqual(['success', 'transfer-party-hung-up']);
    expect(second.caller.endedWith?.reason).toBe('transfer-party-hung-up');
  });

  it('is given up when the caller hangs up while it rings', async () => {
    const world = await talking();
    await world.start('bridge');
    world.caller.go();
    expect((await world.call.ended).end.reason).toBe('caller-hung-up');
    expect(world.other.endedWith?.reason).toBe('caller-hung-up');
    expect(world.otherLeg.asked).toContain('close');
  });

  it('goes on when the agent leaves, and its leaving ends nothing', async () => {
    const world = await talking();
    await world.start('bridge');
    world.leg.listener?.agentEnded(ending('agent-ended-call'));
    world.other.acknowledge();
    await settled();
    expect(world.call.state).toBe('bridged');
    world.leg.listener?.agentEnded(ending('agent-lost'));
    expect(world.call.state).toBe('bridged');
  });

  it('that hangs up before its keys were pressed has failed: the caller is with the agent', async () => {
    const world = await talking();
    const pressed = deferred<void>();
    const result: { outcome?: Result<void, Ending> } = {};
    world.otherLeg.before = pressed.promise;
    void world.control.transfer({ ...target, postDialDigits: '12' }, 'bridge').then(outcome => {
      result.outcome = outcome;
    });
    await settled();
    world.other.acknowledge();
    await settled();
    world.other.go(ending('callee-hung-up'));
    await settled();
    pressed.resolve();
    await settled();
    expect(result.outcome).toMatchObject({
      ok: false,
      failure: { reason: 'transfer-failed', detail: expect.stringContaining('post_dial_digits') },
    });
    expect(world.call.state).toBe('talking');
    expect(world.otherLeg.asked.at(-1)).toBe('close');
    expect(world.transfers()).toEqual(['bridge transfer-failed']);
  });

  it('ends when the second telephone falls silent, or its worker dies', async () => {
    for (const how of ['mediaTimeout', 'lost'] as const) {
      const world = await talking();
      await world.start('bridge');
      world.other.acknowledge();
      await settled();
      if (how === 'lost') world.otherLeg.listener?.lost(ending('worker-lost'));
      else world.otherLeg.listener?.mediaTimeout();
      expect((await world.call.ended).end.reason).toBe(how === 'lost' ? 'worker-lost' : 'media-timeout');
      expect(world.other.endedWith).toBeDefined();
    }
  });
});

describe('keys and hold', () => {
  it('press keys once the agent has said what it says', async () => {
    const { control, leg } = await talking();
    expect(await control.digits('12#', 'events')).toEqual(ok(undefined));
    expect(leg.asked).toEqual(['quiet', 'digits events 12#']);
  });

  it('hold the caller and take the caller back, where the wire can', async () => {
    const { control, caller } = await talking();
    expect(await control.hold(true)).toEqual(ok(undefined));
    expect(await control.hold(false)).toEqual(ok(undefined));
    expect(caller.asked).toEqual(['hold true', 'hold false']);
    const plain = await talking({ plain: true });
    expect(await plain.control.hold(true)).toMatchObject({ ok: false, failure: { code: 'unsupported' } });
  });

  it('take the caller back when a second telephone has answered, who knows of no hold', async () => {
    const { control, caller, other, start } = await talking();
    await control.hold(true);
    await start('bridge');
    expect(caller.asked).toEqual(['hold true']);
    other.acknowledge();
    await settled();
    expect(caller.asked).toEqual(['hold true', 'hold false']);
    // The agent has nothing more to say about it.
    expect(await control.hold(true)).toMatchObject({ ok: false, failure: { code: 'gone' } });
    expect(caller.asked).toEqual(['hold true', 'hold false']);
  });

  it('take back a caller whose hold was still on its way when the second telephone answered', async () => {
    const { control, caller, other, start } = await talking();
    const slow = deferred<Result<void>>();
    caller.held = slow.promise;
    const holding = control.hold(true);
    await start('bridge');
    other.acknowledge();
    await settled();
    expect(caller.asked).toEqual(['hold true']);
    slow.resolve(ok(undefined));
    await holding;
    await settled();
    expect(caller.asked).toEqual(['hold true', 'hold false']);
  });

  it('try once more to take the caller back when another change of the session is in the way', async () => {
    for (const code of ['busy', 'glare', 'refused'] as const) {
      const { control, caller, other, start, clock } = await talking();
      await control.hold(true);
      await start('bridge');
      caller.held = Promise.resolve(fail(new Failure(code, 'not now')));
      other.acknowledge();
      await settled();
      expect(caller.asked).toEqual(['hold true', 'hold false']);
      clock.advance(1_000);
      await settled();
      clock.advance(1_000);
      await settled();
      const tries = code === 'refused' ? 1 : 2;
      expect(caller.asked).toEqual(['hold true', ...Array(tries).fill('hold false')]);
    }
  });

  it('leave a caller alone who is on no hold, or is taken back already', async () => {
    const { control, caller, other, start } = await talking();
    await control.hold(true);
    await control.hold(false);
    await start('bridge');
    other.acknowledge();
    await settled();
    expect(caller.asked).toEqual(['hold true', 'hold false']);
  });

  it('keep the caller on hold for the agent when a transfer fails', async () => {
    const { call, control, caller, other, start } = await talking();
    await control.hold(true);
    await start('bridge');
    other.go(ending('callee-busy'));
    await settled();
    expect([call.state, caller.asked]).toEqual(['talking', ['hold true']]);
  });

  it('are neither pressed nor kept secret for an agent whose caller is with a person', async () => {
    const { control, leg, other, start } = await talking();
    await start('bridge');
    other.acknowledge();
    await settled();
    leg.asked.length = 0;
    expect(await control.digits('1', 'events')).toMatchObject({ ok: false, failure: { code: 'gone' } });
    expect(await control.secure({ keyed: digits => digits.wipe(), over: () => undefined })).toBe(false);
    expect(leg.asked).toEqual(['quiet']);
  });

  it('are not asked for after the end', async () => {
    const { call, control, caller, leg } = await talking();
    caller.go();
    await call.ended;
    leg.asked.length = 0;
    expect(await control.digits('1', 'events')).toMatchObject({ ok: false, failure: { code: 'gone' } });
    control.tell('too late', 'turn');
    expect(leg.asked).toEqual(['quiet']);
  });
});
