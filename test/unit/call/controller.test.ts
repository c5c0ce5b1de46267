import { describe, expect, it } from 'vitest';
import type { Briefing } from '../../../src/agent/agent.ts';
import { Call, type CallOptions } from '../../../src/call/controller.ts';
import { type Ending, ending } from '../../../src/core/ending.ts';
import { Failure, fail, ok, type Result } from '../../../src/core/errors.ts';
import { type ConversationId, newCallKey, type ToolCallId } from '../../../src/core/ids.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import type { Toolbox } from '../../../src/tools/tool.ts';
import { EventList, FakeLeg, FakeParty, someOptions } from '../../support/fake-call.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const options = someOptions;

const metadata = {
  conversationId: 'conv_1' as ConversationId,
  outputFormat: 'pcm_16000',
  inputFormat: 'pcm_16000',
} as const;

/** Lets everything that has already settled take its course. */
const settled = async () => {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
};

interface Setup {
  readonly tickets?: (attempt: number) => Result<string>;
  readonly toolbox?: Toolbox;
  readonly options?: Partial<CallOptions>;
  readonly briefing?: () => Promise<Result<Briefing, Ending>>;
  readonly learned?: (name: string, value: string) => void;
}

function setUp(setup: Setup = {}) {
  const clock = new ManualClock();
  const party = new FakeParty();
  const leg = new FakeLeg();
  const events = new EventList();
  let attempt = 0;
  const call = new Call({
    key: newCallKey(),
    party,
    leg,
    agentId: 'agent_1',
    variables: { caller_id: '+14155550123' },
    ...(setup.briefing === undefined ? {} : { briefing: setup.briefing }),
    ...(setup.learned === undefined ? {} : { learned: setup.learned }),
    tickets: {
      signedUrl: async () => {
        attempt += 1;
        return setup.tickets?.(attempt) ?? ok(`wss://agent.example/${attempt}`);
      },
    },
    toolbox: setup.toolbox ?? { run: async () => ({ result: '{}', isError: false, status: 'ok' }) },
    options: { ...options, ...setup.options },
    clock,
    log: silentLogger,
    events,
  });
  return { call, clock, party, leg, events, attempts: () => attempt };
}

type World = ReturnType<typeof setUp>;

async function answered(setup: Setup = {}): Promise<World> {
  const world = setUp(setup);
  world.call.begin();
  await settled();
  world.leg.listener?.agentReady(metadata);
  world.clock.advance(300);
  world.party.acknowledge();
  await settled();
  expect(world.call.state).toBe('young');
  return world;
}

describe('a call that goes well', () => {
  it('rings, dials the agent, waits for it to settle, answers, and only then lets its sound out', async () => {
    const { call, clock, party, leg, events } = setUp();
    call.begin();
    await settled();
    expect(party.asked).toEqual(['ring']);
    expect(leg.starts[0]).toMatchObject({
      url: 'wss://agent.example/1',
      userId: '+14155550123',
      inputChunkMs: 20,
    });
    leg.listener?.agentReady(metadata);
    clock.advance(299);
    expect(party.asked).toEqual(['ring']);
    clock.advance(1);
    expect(party.asked).toEqual(['ring', 'accept']);
    expect(leg.asked).not.toContain('open');
    party.acknowledge();
    await settled();
    expect(leg.asked).toContain('open');
    clock.advance(1000);
    expect(call.state).toBe('talking');
    expect(events.types).toEqual(['agent-ready', 'call-answered']);
  });

  it('ends with the reason of the agent once its last sentence has been heard', async () => {
    const { call, clock, party, leg, events } = await answered();
    clock.advance(1000);
    leg.listener?.agentEnded(ending('agent-ended-call'));
    const summary = await call.ended;
    expect(summary).toMatchObject({ end: { result: 'success', reason: 'agent-ended-call' }, answered: true });
    expect(party.endedWith?.reason).toBe('agent-ended-call');
    expect(events.types.at(-1)).toBe('call-ended');
  });

  it('closes the agent when the caller hangs up, and sends that caller nothing more', async () => {
    const { call, party, leg } = await answered();
    party.go();
    const summary = await call.ended;
    expect(summary.end).toEqual(ending('caller-hung-up'));
    expect(leg.asked.at(-1)).toBe('close');
    expect(party.asked).toEqual(['ring', 'accept']);
  });

  it('runs a tool and gives the agent its answer', async () => {
    const run = async (name: string, parameters: unknown) => ({
      result: JSON.stringify({ name, parameters }),
      isError: false,
      status: 'pending',
      gate: 'own-number',
    });
    const { leg, events } = await answered({ toolbox: { run } });
    const id = 't1' as ToolCallId;
    leg.listener?.toolCall({
      id,
      name: 'send_SMS_verification',
      parameters: { To: 'x' },
      expectsResponse: true,
    });
    await settled();
    expect(leg.answers).toEqual([
      { id, result: '{"name":"send_SMS_verification","parameters":{"To":"x"}}', isError: false },
    ]);
    expect(events.events.at(-1)).toMatchObject({
      type: 'tool-run',
      tool: 'send_SMS_verification',
      status: 'pending',
      gate: 'own-number',
    });
  });

  it('gives no answer to a tool call that expects none', async () => {
    const { leg, events } = await answered();
    leg.listener?.toolCall({ id: 't1' as ToolCallId, name: 'note', parameters: {}, expectsResponse: false });
    await settled();
    expect(events.types.at(-1)).toBe('tool-run');
    expect(leg.answers).toEqual([]);
  });

  it('tells a running tool to stop when the call ends', async () => {
    let signal: AbortSignal | undefined;
    const run: Toolbox['run'] = async (_name, _parameters, _context, given) => {
      signal = given;
      await new Promise(() => undefined);
      throw new Error('unreachable');
    };
    const { call, party, leg } = await answered({ toolbox: { run } });
    leg.listener?.toolCall({ id: 't1' as ToolCallId, name: 'slow', parameters: {}, expectsResponse: true });
    await settled();
    expect(signal?.aborted).toBe(false);
    party.go();
    await call.ended;
    expect(signal?.aborted).toBe(true);
  });
});

describe('an agent that fails to start', () => {
  it('is tried once more while the caller hears ringing, and the second success answers the call', async () => {
    const { call, clock, party, leg, events } = setUp();
    call.begin();
    await settled();
    leg.listener?.agentReady(metadata);
    clock.advance(100);
    leg.listener?.agentEnded(ending('agent-contract-violation'));
    await settled();
    expect(leg.starts.map(start => start.url)).toEqual(['wss://agent.example/1', 'wss://agent.example/2']);
    // The settling time of the first start must not answer the second one.
    clock.advance(250);
    expect(party.asked).toEqual(['ring']);
    leg.listener?.agentReady(metadata);
    clock.advance(300);
    expect(party.asked).toEqual(['ring', 'accept']);
    expect(events.types).toContain('agent-retry');
  });

  it('ends the call with its own reason when it fails twice before the answer', async () => {
    const { call, party, leg } = setUp();
    call.begin();
    await settled();
    leg.listener?.agentEnded(ending('agent-unreachable'));
    await settled();
    leg.listener?.agentEnded(ending('agent-missing-variable'));
    const summary = await call.ended;
    expect(summary).toMatchObject({ end: { reason: 'agent-missing-variable' }, answered: false });
    expect(party.asked).toEqual(['ring', 'end agent-missing-variable']);
  });

  it('ends the call when no signed URL is to be had', async () => {
    const { call, attempts } = setUp({ tickets: () => fail(new Failure('agent-unauthorized', 'HTTP 401')) });
    call.begin();
    expect((await call.ended).end.reason).toBe('agent-unauthorized');
    expect(attempts()).toBe(2);
  });

  it('counts a normal close before the answer as a failed start', async () => {
    const { call, leg } = setUp();
    call.begin();
    await settled();
    for (let start = 0; start < 2; start += 1) {
      leg.listener?.agentReady(metadata);
      leg.listener?.agentEnded(ending('agent-ended-call'));
      await settled();
    }
    expect((await call.ended).end).toMatchObject({
      reason: 'agent-start-failed',
      detail: 'agent-ended-call',
    });
  });

  it('is tried once more within a second of the answer, with ringing for the caller, then is agent-start-failed', async () => {
    const { call, clock, party, leg } = await answered();
    clock.advance(900);
    leg.listener?.agentEnded(ending('agent-contract-violation'));
    await settled();
    expect(leg.asked.slice(-2)).toEqual(['tone ringback', 'agent']);
    leg.listener?.agentReady(metadata);
    expect(leg.asked.at(-1)).toBe('tone off');
    clock.advance(500);
    leg.listener?.agentEnded(ending('agent-contract-violation'));
    expect((await call.ended).end).toMatchObject({
      reason: 'agent-start-failed',
      detail: 'agent-contract-violation',
    });
    expect(party.asked.at(-1)).toBe('end agent-start-failed');
  });

  it('that is lost later ends the call with the reason of the loss', async () => {
    const { call, clock, leg } = await answered();
    clock.advance(1000);
    leg.listener?.agentEnded(ending('agent-lost'));
    expect((await call.ended).end.reason).toBe('agent-lost');
  });

  it('that is lost between our 200 and its ACK is tried again and the call is still answered', async () => {
    const { call, clock, party, leg } = setUp();
    call.begin();
    await settled();
    leg.listener?.agentReady(metadata);
    clock.advance(300);
    leg.listener?.agentEnded(ending('agent-lost'));
    await settled();
    expect(call.state).toBe('restarting-unanswered');
    party.acknowledge();
    await settled();
    leg.listener?.agentReady(metadata);
    expect(call.state).toBe('young');
    expect(leg.asked).toContain('open');
  });
});

describe('a caller in the queue of the agent', () => {
  const queued = async (queuePolicy: 'busy' | 'ring' | 'answer') => {
    const world = setUp({ options: { queuePolicy, queueWaitMs: 5000 } });
    world.call.begin();
    await settled();
    world.leg.listener?.agentQueue('waiting');
    return world;
  };
  const settling = async (queuePolicy: 'busy' | 'ring' | 'answer') => {
    const world = setUp({ options: { queuePolicy, queueWaitMs: 5000 } });
    world.call.begin();
    await settled();
    world.leg.listener?.agentReady(metadata);
    world.leg.listener?.agentQueue('waiting');
    return world;
  };

  it('is told busy at once by default', async () => {
    const { call, party } = await queued('busy');
    expect((await call.ended).end.reason).toBe('agent-busy');
    expect(party.asked).toEqual(['ring', 'end agent-busy']);
  });

  it('hears ringing until it is admitted when the policy is ring', async () => {
    const { clock, party, leg } = await queued('ring');
    clock.advance(4000);
    leg.listener?.agentQueue('admitted');
    clock.advance(4000);
    expect(party.asked).toEqual(['ring']);
    leg.listener?.agentReady(metadata);
    clock.advance(300);
    expect(party.asked).toEqual(['ring', 'accept']);
  });

  it('is answered a while after it was let in when the agent had been ready before the queue', async () => {
    const { call, clock, party, leg } = await settling('ring');
    clock.advance(4000);
    expect(call.state).toBe('waiting-ready');
    leg.listener?.agentQueue('admitted');
    clock.advance(299);
    expect(party.asked).toEqual(['ring']);
    clock.advance(1);
    expect(party.asked).toEqual(['ring', 'accept']);
  });

  it('is answered at once and hears the queue when the policy is answer', async () => {
    const { call, clock, party, leg } = await queued('answer');
    expect(party.asked).toEqual(['ring', 'accept']);
    party.acknowledge();
    await settled();
    clock.advance(3000);
    leg.listener?.agentReady(metadata);
    leg.listener?.agentQueue('admitted');
    clock.advance(10_000);
    expect(call.state).toBe('talking');
  });

  it.each(['ring', 'answer'] as const)(
    'is let go with agent-queue-timeout after the longest wait (%s)',
    async policy => {
      const { call, clock, party } = await queued(policy);
      party.acknowledge();
      await settled();
      clock.advance(5000);
      expect((await call.ended).end.reason).toBe('agent-queue-timeout');
    },
  );
});

describe('a call whose telephone is replaced', () => {
  it('goes on with its agent, which is told, and with nobody verified', async () => {
    const { call, leg, party, events } = await answered();
    call.verified.note('+14155550123', 'sms');
    party.onReplaced?.('taker@pbx');
    expect(call.state).toBe('young');
    expect(events.events.at(-1)).toMatchObject({ type: 'call-replaced', sipCallId: 'taker@pbx' });
    expect(leg.asked.some(each => each.startsWith('tell context') && each.includes('somebody else'))).toBe(
      true,
    );
    expect(call.verified.latest).toBeUndefined();
  });

  it('waits no longer for what the first telephone was to key', async () => {
    const asked: string[] = [];
    const toolbox: Toolbox = {
      run: async (_name, _parameters, { control }) => {
        control.withhold(true);
        await control.secure({ keyed: digits => digits.wipe(), over: () => void asked.push('over') });
        return { result: '{}', isError: false, status: 'ok' };
      },
    };
    const { call, leg, party } = await answered({ toolbox });
    await call.useTool('send', {});
    party.onReplaced?.('taker@pbx');
    expect(asked).toEqual(['over']);
    const modes = leg.asked.filter(each => /^(secure|withhold)/.test(each));
    expect(modes).toEqual(['withhold true', 'secure true', 'secure false', 'withhold false']);
  });
});

describe('limits of a call', () => {
  it('ends one that rings too long', async () => {
    const { call, clock } = setUp();
    call.begin();
    await settled();
    clock.advance(60_000);
    expect((await call.ended).end.reason).toBe('ring-timeout');
  });

  it('ends one that talks too long', async () => {
    const { call, clock } = await answered();
    clock.advance(3_599_999);
    expect(call.state).toBe('talking');
    clock.advance(1);
    expect((await call.ended).end.reason).toBe('max-call-time');
  });

  it('ends one that hears no sound, and one whose worker died', async () => {
    const silent = await answered();
    silent.leg.listener?.mediaTimeout();
    expect((await silent.call.ended).end.reason).toBe('media-timeout');
    const orphan = await answered();
    orphan.leg.listener?.lost(ending('worker-lost'));
    expect((await orphan.call.ended).end.reason).toBe('worker-lost');
  });

  it('leaves no timer behind, however it ends', async () => {
    const { call, clock, party } = await answered();
    expect(clock.pending).toBeGreaterThan(0);
    party.go();
    await call.ended;
    expect(clock.pending).toBe(0);
  });

  it('ends with internal-error when something impossible happens, and does not throw', async () => {
    const { call, leg, party } = setUp();
    call.begin();
    await settled();
    leg.listener?.agentReady(metadata);
    leg.listener?.agentReady(metadata);
    expect((await call.ended).end.reason).toBe('internal-error');
    expect(party.asked.at(-1)).toBe('end internal-error');
  });

  it('dials no agent for a caller who left before the ticket came', async () => {
    let give: (url: Result<string>) => void = () => undefined;
    const ticket = new Promise<Result<string>>(resolve => {
      give = resolve;
    });
    const world = setUp();
    const waiting = new Call({
      key: newCallKey(),
      party: world.party,
      leg: world.leg,
      agentId: 'agent_1',
      variables: {},
      tickets: { signedUrl: () => ticket },
      toolbox: { run: async () => ({ result: '{}', isError: false, status: 'ok' }) },
      options,
      clock: world.clock,
      log: silentLogger,
      events: world.events,
    });
    waiting.begin();
    world.party.go(ending('caller-cancelled'));
    await waiting.ended;
    give(ok('wss://agent.example/late'));
    await settled();
    expect(world.leg.starts).toEqual([]);
  });
});

describe('what the operator says of a call', () => {
  const briefing: Briefing = {
    variables: { caller_id: '+14155550123', tier: 'gold', age: 7, secret__key: 'hidden' },
    overrides: { agent: { language: 'de' } },
    userId: 'customer-7',
    verifyNumber: '+14155550177',
  };

  it('is asked while the telephone rings and the ticket is fetched, once, and begins every conversation', async () => {
    let asked = 0;
    let answer: (result: Result<Briefing, Ending>) => void = () => undefined;
    const learned: Record<string, string> = {};
    const world = setUp({
      learned: (name, value) => {
        learned[name] = value;
      },
      briefing: () => {
        asked += 1;
        return new Promise(resolve => {
          answer = resolve;
        });
      },
    });
    world.call.begin();
    expect(world.party.asked).toEqual(['ring']);
    expect([asked, world.attempts()]).toEqual([1, 1]);
    await settled();
    expect(world.leg.starts).toEqual([]);
    answer(ok(briefing));
    await settled();
    world.leg.listener?.agentEnded(ending('agent-crashed'));
    await settled();
    expect(world.leg.starts).toHaveLength(2);
    for (const start of world.leg.starts) {
      expect(start).toMatchObject({
        dynamicVariables: briefing.variables,
        overrides: briefing.overrides,
        userId: 'customer-7',
      });
    }
    expect(asked).toBe(1);
    expect(learned).toMatchObject({ tier: 'gold', age: '7' });
    expect(Object.keys(learned)).not.toContain('secret__key');
  });

  it('ends the call when it was not said and must be', async () => {
    const world = setUp({ briefing: async () => fail(ending('initiation-failed', 'webhook-timeout')) });
    world.call.begin();
    await settled();
    expect(world.party.endedWith).toMatchObject({ reason: 'initiation-failed' });
    expect(world.leg.starts).toEqual([]);
    expect((await world.call.ended).answered).toBe(false);
  });

  it('names the number to be verified to every tool', async () => {
    const seen: (string | undefined)[] = [];
    const toolbox: Toolbox = {
      run: async (_name, _parameters, context) => {
        seen.push(context.verifyNumber);
        return { result: '{}', isError: false, status: 'ok' };
      },
    };
    for (const given of [briefing, { variables: {} }]) {
      const world = await answered({ toolbox, briefing: async () => ok(given) });
      const id = 't1' as ToolCallId;
      world.leg.listener?.toolCall({ id, name: 'x', parameters: {}, expectsResponse: true });
      await settled();
    }
    expect(seen).toEqual(['+14155550177', undefined]);
  });
});
