import { describe, expect, it } from 'vitest';
import type { AgentTickets, Briefing } from '../../../src/agent/agent.ts';
import { Call, type CallOptions } from '../../../src/call/controller.ts';
import { afterLoss, isPassing, pauseBefore, survivalLimits } from '../../../src/call/survival.ts';
import { deferred } from '../../../src/core/deferred.ts';
import { type Ending, type EndingReason, ending, endings } from '../../../src/core/ending.ts';
import { fail, ok, type Result } from '../../../src/core/errors.ts';
import { type ConversationId, newCallKey, type ToolCallId } from '../../../src/core/ids.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import type { ToolAnswer, Toolbox } from '../../../src/tools/tool.ts';
import { EventList, FakeLeg, FakeParty, someOptions } from '../../support/fake-call.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const metadata = {
  conversationId: 'conv_1' as ConversationId,
  outputFormat: 'pcm_16000',
  inputFormat: 'pcm_16000',
} as const;

const settled = async () => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

interface Setup {
  readonly survival?: Partial<CallOptions['survival']>;
  readonly options?: Partial<CallOptions>;
  readonly tickets?: Partial<AgentTickets>;
  readonly briefing?: Briefing;
  readonly fallback?: boolean;
  readonly referred?: boolean;
  readonly run?: Toolbox['run'];
}

/** A call that has been talking for a second. */
async function talking(setup: Setup = {}) {
  const clock = new ManualClock();
  const party = new FakeParty();
  const leg = new FakeLeg();
  const events = new EventList();
  let tickets = 0;
  const referable = Object.assign(party, {
    transfer: async () =>
      setup.referred === false ? { ok: false, failure: ending('transfer-failed') } : ok(undefined),
  });
  const call = new Call({
    key: newCallKey(),
    party: referable as FakeParty,
    leg,
    agentId: 'agent_1',
    variables: { caller_id: '+14155550123' },
    ...(setup.briefing === undefined ? {} : { briefing: async () => ok(setup.briefing as Briefing) }),
    tickets: {
      signedUrl: async () => {
        tickets += 1;
        return ok(`wss://agent.example/${tickets}`);
      },
      ...setup.tickets,
    },
    toolbox: { run: setup.run ?? (async () => ({ result: '{}', isError: false, status: 'ok' })) },
    ...(setup.fallback === true
      ? {
          fallback: {
            target: { destination: { kind: 'phone', number: '+14155550199' }, headers: [] },
            way: 'refer',
          } as const,
        }
      : {}),
    options: {
      ...someOptions,
      ...setup.options,
      survival: { ...someOptions.survival, policy: 'reconnect', ...setup.survival },
    },
    clock,
    log: silentLogger,
    events,
  });
  call.begin();
  await settled();
  leg.listener?.agentReady(metadata);
  clock.advance(300);
  party.acknowledge();
  await settled();
  clock.advance(1000);
  expect(call.state).toBe('talking');
  leg.asked.length = 0;
  const lose = async (reason: EndingReason = 'agent-lost', detail?: string) => {
    leg.listener?.agentEnded(ending(reason, detail));
    await settled();
  };
  return { call, clock, party, leg, events, lose };
}

describe('which failures are worth another conversation', () => {
  it('is written down for every reason of an agent, and of ours only where it keeps an agent from being reached', () => {
    const worthIt = (Object.keys(endings) as EndingReason[]).filter(reason => isPassing(ending(reason)));
    expect(worthIt.filter(reason => endings[reason][0] !== 'agent')).toEqual(['no-descriptors']);
    for (const reason of [
      'agent-quota',
      'agent-unauthorized',
      'agent-safety-violation',
      'agent-not-found',
    ] as const) {
      expect(isPassing(ending(reason)), reason).toBe(false);
    }
  });

  it('decides together with the policy, the fallback and how often it was done', () => {
    const onLoss = (
      reason: EndingReason,
      policy: 'reconnect' | 'transfer' | 'hangup',
      hasFallback: boolean,
      reconnects = 0,
    ) => afterLoss(ending(reason), { policy, hasFallback, reconnects });
    expect(onLoss('agent-lost', 'reconnect', false)).toBe('reconnect');
    expect(onLoss('agent-lost', 'reconnect', false, survivalLimits.perCall)).toBe('hangup');
    expect(onLoss('agent-quota', 'reconnect', false)).toBe('hangup');
    expect(onLoss('agent-quota', 'reconnect', true)).toBe('transfer');
    expect(onLoss('agent-lost', 'transfer', true)).toBe('transfer');
    expect(onLoss('agent-lost', 'transfer', false)).toBe('hangup');
    expect(onLoss('agent-lost', 'hangup', true)).toBe('hangup');
  });

  it('comes with pauses that grow to a bound', () => {
    expect([1, 2, 3, 4, 5, 6, 20].map(pauseBefore)).toEqual([0, 250, 500, 1000, 2000, 2000, 2000]);
  });
});

describe('a caller whose agent is lost', () => {
  it('hears a tone at once, and gets a new conversation that knows the call and does not greet again', async () => {
    const { call, clock, leg, events, lose } = await talking();
    leg.listener?.turn({ kind: 'said', role: 'agent', text: 'What is your order?', eventId: 1 });
    leg.listener?.turn({ kind: 'said', role: 'user', text: 'The blue one', eventId: 2 });
    call.verified.note('+14155550123', 'sms');
    await lose();
    expect(leg.asked).toEqual(['tone reconnecting', 'agent']);
    expect(call.state).toBe('reconnecting');
    expect(leg.starts[1]).toMatchObject({
      overrides: { agent: { first_message: 'Back again.' } },
      dynamicVariables: {
        caller_id: '+14155550123',
        resumed: 'true',
        caller_verified: 'true',
        conversation_so_far: 'You: What is your order?\nCaller: The blue one',
      },
    });
    expect(leg.starts[0]?.dynamicVariables).toMatchObject({ resumed: 'false', conversation_so_far: '' });
    leg.listener?.agentReady(metadata);
    expect(call.state).toBe('talking');
    const told = leg.asked.at(-1) ?? '';
    expect(told).toMatch(/^tell context .*middle of this call/);
    expect(told).toContain('Caller: The blue one');
    expect(told).toContain('has verified the number');
    expect(told).not.toContain('+14155550123');
    expect(events.types.filter(type => type.startsWith('agent-'))).toEqual([
      'agent-ready',
      'agent-lost',
      'agent-ready',
      'agent-resumed',
    ]);
    clock.advance(2000);
    expect(leg.asked.at(-1)).toBe('tone off');
  });

  it('hears a recorded sound once and the tone after it', async () => {
    const sound = { name: 'moment.wav', narrow: new Int16Array(8), wide: new Int16Array(16) };
    const { leg, lose } = await talking({ survival: { reconnectSound: sound } });
    await lose();
    expect(leg.asked).toEqual(['play moment.wav after', 'tone reconnecting', 'agent']);
  });

  it('is taken back from the hold of the lost agent once there is a new one, which knows nothing of it', async () => {
    const { party, leg, lose } = await talking({
      run: async (_name, _parameters, { control }) => {
        await control.hold(true);
        return { result: '{}', isError: false, status: 'ok' };
      },
    });
    const held: boolean[] = [];
    Object.assign(party, {
      hold: async (on: boolean) => {
        held.push(on);
        return ok(undefined);
      },
    });
    leg.listener?.toolCall({
      id: 'tool_1' as ToolCallId,
      name: 'hold',
      parameters: {},
      expectsResponse: true,
    });
    await lose();
    expect(held).toEqual([true]);
    leg.listener?.agentReady(metadata);
    await settled();
    expect(held).toEqual([true, false]);
  });

  it('may lose the next agent in another transfer: how that one left decides, not how the one before did', async () => {
    const tried: Promise<unknown>[] = [];
    const { call, party, leg, lose } = await talking({
      run: async (_name, _parameters, { control }) => {
        const destination = { kind: 'phone', number: '+14155550150' } as const;
        tried.push(control.transfer({ destination, headers: [] }, 'refer'));
        return { result: '{}', isError: false, status: 'ok' };
      },
    });
    let busy = deferred<Result<void, Ending>>();
    Object.assign(party, { transfer: () => busy.promise });
    const transferring = async (id: string) => {
      busy = deferred();
      leg.listener?.toolCall({ id: id as ToolCallId, name: 'x', parameters: {}, expectsResponse: true });
      await settled();
      expect(call.state).toBe('transferring');
    };
    await transferring('tool_1');
    await lose();
    busy.resolve(fail(ending('callee-busy')));
    await settled();
    expect(call.state).toBe('reconnecting');
    leg.listener?.agentReady(metadata);
    await transferring('tool_2');
    await lose('agent-ended-call');
    busy.resolve(fail(ending('callee-busy')));
    expect((await call.ended).end.reason).toBe('agent-ended-call');
    expect(tried).toHaveLength(2);
  });

  it('never tells the new agent what was withheld', async () => {
    const { call, leg, lose } = await talking();
    call.transcript.withhold(true);
    leg.listener?.turn({ kind: 'said', role: 'user', text: 'it is 481516', eventId: 1 });
    await lose();
    leg.listener?.agentReady(metadata);
    expect(JSON.stringify([leg.starts, leg.asked])).not.toContain('481516');
    expect(leg.asked.at(-1)).toContain('withheld');
  });

  it('is tried for again and again until the deadline, and then let go with a last sound and the first reason', async () => {
    const { call, clock, party, leg, lose } = await talking({ survival: { reconnectMs: 3000 } });
    await lose();
    for (const pause of [250, 500, 1000]) {
      await lose('agent-unreachable');
      clock.advance(pause);
      await settled();
    }
    expect(leg.starts).toHaveLength(5);
    clock.advance(1250);
    await settled();
    expect(leg.asked.slice(-4)).toEqual(['dismiss', 'tone off', 'play goodbye after', 'close']);
    expect((await call.ended).end.reason).toBe('agent-lost');
    expect(party.endedWith?.reason).toBe('agent-lost');
    expect(clock.pending).toBe(0);
  });

  it('is let go at once when another conversation could go no better', async () => {
    const { call, leg, lose } = await talking();
    await lose('agent-quota');
    expect(leg.starts).toHaveLength(1);
    expect((await call.ended).end.reason).toBe('agent-quota');
  });

  it('gets a new conversation with its own first message when the line is refused, and that is not a try', async () => {
    const { call, leg, lose } = await talking();
    await lose();
    leg.listener?.agentReady(metadata);
    await lose('agent-override-refused', 'first_message');
    expect(leg.starts[2]).not.toHaveProperty('overrides');
    leg.listener?.agentReady(metadata);
    expect(call.state).toBe('talking');
    await lose();
    expect(leg.starts[3]).not.toHaveProperty('overrides');
  });

  it('gets it without the line also when the new agent refuses that after the time in which the old one could', async () => {
    const { call, clock, leg, lose } = await talking();
    clock.advance(2000);
    await lose();
    clock.advance(3000);
    await lose('agent-override-refused', 'first_message');
    expect(call.state).toBe('reconnecting');
    expect(leg.starts[2]).not.toHaveProperty('overrides');
  });

  it('waits in the queue of the new agent until the deadline, and is not let go for it afterwards', async () => {
    const { call, clock, leg, lose } = await talking({ options: { queueWaitMs: 5000 } });
    await lose();
    leg.listener?.agentQueue('waiting');
    clock.advance(2000);
    leg.listener?.agentQueue('admitted');
    leg.listener?.agentReady(metadata);
    clock.advance(5000);
    expect(call.state).toBe('talking');
  });

  it('goes to the fallback when the queue of the new agent is through with it', async () => {
    const { call, leg, lose } = await talking({ fallback: true });
    await lose();
    leg.listener?.agentQueue('waiting');
    leg.listener?.agentQueue('timed_out');
    await lose('agent-queue-timeout');
    expect((await call.ended).end.reason).toBe('transferred');
  });

  it('stays with whoever took it over when the agent that was lost had put it in a queue', async () => {
    const over = deferred<void>();
    const { call, clock, leg, lose } = await talking({
      fallback: true,
      options: { queueWaitMs: 5000 },
      survival: { policy: 'transfer' },
    });
    leg.before = over.promise;
    leg.listener?.agentQueue('waiting');
    await lose();
    expect(call.state).toBe('falling-back');
    clock.advance(5000);
    expect(call.state).toBe('falling-back');
    over.resolve();
    expect((await call.ended).end.reason).toBe('transferred');
  });

  it('does not answer the new agent a tool that the old one asked for, but tells it how that went', async () => {
    let finish: (answer: ToolAnswer) => void = () => undefined;
    const { leg, lose } = await talking({
      run: () =>
        new Promise<ToolAnswer>(resolve => {
          finish = resolve;
        }),
    });
    leg.listener?.toolCall({
      id: 't1' as ToolCallId,
      name: 'look_up',
      parameters: {},
      expectsResponse: true,
    });
    await lose();
    leg.listener?.agentReady(metadata);
    finish({ result: '{"secret":1}', isError: false, status: 'found' });
    await settled();
    expect(leg.answers).toEqual([]);
    expect(leg.asked.at(-1)).toContain('tool look_up');
    expect(leg.asked.at(-1)).toContain('found');
  });

  it('is begun anew with the ticket that was kept, and with a fresh one where that is not taken', async () => {
    const kept: string[] = [];
    const { leg, lose } = await talking({
      tickets: {
        spare: () => 'wss://agent.example/spare',
        keepSpare: agentId => void kept.push(agentId),
      },
    });
    expect(kept).toEqual(['agent_1']);
    await lose();
    expect(leg.starts[1]?.url).toBe('wss://agent.example/spare');
    await lose('agent-unauthorized');
    expect(leg.starts[2]?.url).toBe('wss://agent.example/2');
  });

  it('goes to the fallback when the policy is transfer', async () => {
    const { call, leg, lose } = await talking({ survival: { policy: 'transfer' }, fallback: true });
    await lose();
    expect(leg.asked).toEqual(expect.arrayContaining(['dismiss', 'tone off', 'quiet']));
    expect((await call.ended).end.reason).toBe('transferred');
  });

  it('hears the last sound when the fallback does not answer', async () => {
    const { call, leg, lose } = await talking({
      survival: { policy: 'transfer' },
      fallback: true,
      referred: false,
    });
    await lose();
    expect(leg.asked).toContain('play goodbye after');
    expect((await call.ended).end.reason).toBe('agent-lost');
  });

  it('is let go although its last sound is never told to be over', async () => {
    const { call, clock, leg, lose } = await talking({ survival: { policy: 'hangup' } });
    leg.played = new Promise(() => undefined);
    await lose();
    expect(call.state).toBe('parting');
    clock.advance(survivalLimits.lastWordsMs + 2000);
    expect((await call.ended).end.reason).toBe('agent-lost');
  });

  it('may hang up in the middle of it all, and no timer is left', async () => {
    const { call, clock, party, lose } = await talking();
    await lose();
    party.go();
    expect((await call.ended).end.reason).toBe('caller-hung-up');
    expect(clock.pending).toBe(0);
  });
});

describe('an agent that refuses overrides at the start of a call', () => {
  const briefing: Briefing = { variables: {}, overrides: { agent: { language: 'de' } } };
  const started = async (refusedOverrides: 'drop' | 'fail') => {
    const party = new FakeParty();
    const leg = new FakeLeg();
    const call = new Call({
      key: newCallKey(),
      party,
      leg,
      agentId: 'agent_1',
      variables: {},
      briefing: async () => ok(briefing),
      tickets: { signedUrl: async () => ok('wss://agent.example/') },
      toolbox: { run: async () => ({ result: '{}', isError: false, status: 'ok' }) },
      options: { ...someOptions, refusedOverrides },
      clock: new ManualClock(),
      log: silentLogger,
      events: new EventList(),
    });
    call.begin();
    await settled();
    leg.listener?.agentEnded(ending('agent-override-refused', 'language'));
    await settled();
    return { call, leg };
  };

  it('is started once more without them, with its try still to come', async () => {
    const { call, leg } = await started('drop');
    expect(leg.starts.map(({ overrides }) => overrides)).toEqual([briefing.overrides, undefined]);
    leg.listener?.agentEnded(ending('agent-unreachable'));
    await settled();
    expect(leg.starts).toHaveLength(3);
    leg.listener?.agentEnded(ending('agent-unreachable'));
    expect((await call.ended).end.reason).toBe('agent-unreachable');
  });

  it('gets them again and refuses the call where the policy says so', async () => {
    const { call, leg } = await started('fail');
    leg.listener?.agentEnded(ending('agent-override-refused', 'language'));
    expect((await call.ended).end.reason).toBe('agent-override-refused');
    expect(leg.starts.map(({ overrides }) => overrides)).toEqual([briefing.overrides, briefing.overrides]);
  });
});

describe('a caller who waits for a tool', () => {
  const slow = async (sound: 'working' | undefined) => {
    let finish: () => void = () => undefined;
    const world = await talking({
      options: { waiting: { afterMs: 1500, ...(sound === undefined ? {} : { sound }) } },
      run: () =>
        new Promise<ToolAnswer>(resolve => {
          finish = () => resolve({ result: '{}', isError: false, status: 'ok' });
        }),
    });
    world.leg.listener?.toolCall({
      id: 't1' as ToolCallId,
      name: 'slow',
      parameters: {},
      expectsResponse: true,
    });
    return { ...world, finish: () => finish() };
  };

  it('hears a soft sound once it takes too long, until the result is there', async () => {
    const { clock, leg, finish } = await slow('working');
    clock.advance(1499);
    expect(leg.asked).toEqual([]);
    clock.advance(1);
    expect(leg.asked).toEqual(['tone working']);
    finish();
    await settled();
    expect(leg.asked).toEqual(['tone working', 'tone off']);
  });

  it('hears nothing of ours unless it is configured, nor when the tool is quick', async () => {
    const { clock, leg } = await slow(undefined);
    clock.advance(10_000);
    expect(leg.asked).toEqual([]);
    const quick = await slow('working');
    quick.finish();
    await settled();
    quick.clock.advance(5000);
    expect(quick.leg.asked).toEqual([]);
  });
});
