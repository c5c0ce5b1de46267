import { describe, expect, it } from 'vitest';
import { Call } from '../../../src/call/controller.ts';
import { outcomeOf } from '../../../src/call/outcome.ts';
import { deferred } from '../../../src/core/deferred.ts';
import { ending } from '../../../src/core/ending.ts';
import { Failure, fail, ok, type Result } from '../../../src/core/errors.ts';
import { type ConversationId, newCallKey } from '../../../src/core/ids.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { EventList, FakeLeg, FakeParty, someFacts, someOptions } from '../../support/fake-call.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const metadata = {
  conversationId: 'conv_1' as ConversationId,
  outputFormat: 'pcm_16000',
  inputFormat: 'pcm_16000',
} as const;

const settled = async () => {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
};

class FakeCallee extends FakeParty {
  readonly rings = deferred<void>();
  readonly ringing = this.rings.promise;
}

function setUp(
  ticket: (attempt: number) => Promise<Result<string>> | Result<string> = n => ok(`wss://agent.example/${n}`),
) {
  const clock = new ManualClock();
  const party = new FakeCallee(someFacts);
  const leg = new FakeLeg();
  const events = new EventList();
  let attempt = 0;
  const call = new Call({
    key: newCallKey(),
    party,
    leg,
    agentId: 'agent_1',
    variables: {},
    tickets: { signedUrl: async () => ticket(++attempt) },
    toolbox: { run: async () => ({ result: '{}', isError: false, status: 'ok' }) },
    options: someOptions,
    clock,
    log: silentLogger,
    events,
  });
  call.begin();
  return { call, clock, party, leg, events, attempts: () => attempt };
}

type World = ReturnType<typeof setUp>;

async function rings(world: World): Promise<void> {
  world.party.rings.resolve();
  await settled();
}

async function answers(world: World): Promise<void> {
  world.party.acknowledge();
  await settled();
}

describe('a call of ours', () => {
  it('dials at once, opens the agent at the first ringing, and begins it at the answer', async () => {
    const world = setUp();
    await settled();
    expect(world.party.asked).toEqual(['accept']);
    expect(world.leg.asked).toEqual([]);
    await rings(world);
    expect(world.leg.asked).toEqual(['prepare']);
    await answers(world);
    expect(world.leg.asked).toEqual(['prepare', 'open', 'begin']);
    world.leg.listener?.agentReady(metadata);
    expect(world.call.state).toBe('young');
    expect(world.events.types).toEqual(['call-answered', 'agent-ready']);
  });

  it('starts the agent at an answer that nothing rang before', async () => {
    const world = setUp();
    await answers(world);
    expect(world.leg.asked).toEqual(['open', 'agent']);
  });

  it('starts the agent at once when its ticket comes only after the answer', async () => {
    const ticket = deferred<Result<string>>();
    const world = setUp(() => ticket.promise);
    await rings(world);
    await answers(world);
    expect(world.leg.asked).toEqual(['open']);
    ticket.resolve(ok('wss://agent.example/late'));
    await settled();
    expect(world.leg.asked).toEqual(['open', 'agent']);
  });

  it('starts anew, with every try, when the agent’s socket was lost while it rang', async () => {
    const world = setUp();
    await rings(world);
    world.leg.listener?.agentEnded(ending('agent-lost'));
    expect(world.call.state).toBe('alerting-alone');
    await answers(world);
    expect(world.leg.asked).toEqual(['prepare', 'open', 'agent']);
    world.leg.listener?.agentEnded(ending('agent-lost'));
    await settled();
    expect(world.leg.asked.filter(asked => asked === 'agent')).toHaveLength(2);
  });

  it('gives the call up while it rings when the agent refuses its credentials twice', async () => {
    const world = setUp(() => fail(new Failure('agent-unauthorized', 'no')));
    await rings(world);
    const summary = await world.call.ended;
    expect(summary).toMatchObject({ end: { reason: 'agent-unauthorized' }, answered: false });
    expect(world.party.endedWith?.reason).toBe('agent-unauthorized');
    expect(world.attempts()).toBe(2);
  });

  it('takes no notice of the agent’s queue while nobody has answered', async () => {
    const world = setUp();
    await rings(world);
    for (const status of ['waiting', 'timed_out'] as const) world.leg.listener?.agentQueue(status);
    expect(world.call.state).toBe('alerting');
    await answers(world);
    world.leg.listener?.agentQueue('waiting');
    expect(world.call.state).toBe('greeting');
    world.clock.advance(60_000);
    expect((await world.call.ended).end.reason).toBe('agent-queue-timeout');
  });

  it('ends as its party does: not answered', async () => {
    const world = setUp();
    await rings(world);
    world.party.go(ending('callee-busy', 'SIP 486'));
    const summary = await world.call.ended;
    expect(summary).toMatchObject({ end: ending('callee-busy', 'SIP 486'), answered: false });
    expect(world.leg.asked.at(-1)).toBe('close');
  });

  it('is not ended by the ring timer of calls that come in: the telephone has its own', async () => {
    const world = setUp();
    await rings(world);
    world.clock.advance(120_000);
    expect(world.call.state).toBe('alerting');
  });
});

describe('the outcome of a call of ours', () => {
  it.each([
    ['callee-busy', 'busy'],
    ['callee-no-answer', 'no-answer'],
    ['ring-timeout', 'no-answer'],
    ['callee-declined', 'declined'],
    ['callee-not-found', 'failed'],
    ['trunk-refused', 'failed'],
    ['agent-unreachable', 'failed'],
  ] as const)('is told apart: %s is %s', (reason, outcome) => {
    expect(outcomeOf({ answered: false, end: ending(reason) })).toBe(outcome);
    expect(outcomeOf({ answered: true, end: ending(reason) })).toBe('answered');
  });
});
