import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BridgeEvent } from '../../../../src/core/events.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import { gatesLine } from '../../../../src/core/tool-facts.ts';
import type { SimFault } from '../../../../src/sim/twilio/failures.ts';
import type { Execution, OptOutPair } from '../../../../src/store/sends.ts';
import { OperatorActions, type OperatorRules } from '../../../../src/tools/operator/actions.ts';
import type { AgentCall } from '../../../../src/tools/operator/call.ts';
import { type ActionPolicy, defaultActionPolicy } from '../../../../src/tools/operator/policy.ts';
import { defaultSendingPolicy } from '../../../../src/tools/sending/policy.ts';
import type { Bought } from '../../../../src/tools/sending/real-prices.ts';
import { FakeStore } from '../../../support/fake-store.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { TwilioWorld } from '../../../support/twilio-world.ts';

const to = '+14155550177';

let world: TwilioWorld;
let actions: OperatorActions;
let killSwitch: boolean;
let down: boolean;
let optedOut: OptOutPair[];
let runs: Execution[];
let agentCall: AgentCall | undefined;
let clock: ManualClock;
let store: FakeStore;
let policy: ActionPolicy;
let rules: OperatorRules;
let events: BridgeEvent[];
let bought: Bought[];

beforeEach(async () => {
  clock = new ManualClock();
  store = new FakeStore({ clock });
  policy = defaultActionPolicy;
  rules = defaultSendingPolicy;
  events = [];
  bought = [];
  world = await TwilioWorld.start(clock);
  killSwitch = false;
  down = false;
  optedOut = [];
  runs = [];
  agentCall = undefined;
  actions = new OperatorActions({
    twilio: world.connection,
    gates: {
      read() {
        if (down) throw new Error('the store is down');
        return { allowAutonomousSends: false, killSwitch };
      },
    },
    optOuts: {
      has: async pair => optedOut.some(each => each.number === pair.number && each.sender === pair.sender),
      add: async pair => void optedOut.push(pair),
    },
    executions: { add: async run => void runs.push(run) },
    keys: store.actionKeys,
    counters: store.counters,
    policy: () => policy,
    sending: () => rules,
    prices: { note: each => void bought.push(each) },
    events: { emit: event => void events.push(event) },
    statusCallback: () => world.callback,
    agentCalls: () => agentCall,
    country: 'US',
    clock,
    log: silentLogger,
  });
});
afterEach(async () => {
  await world.sim.close();
  await store.close();
});

function turn(switchedOff: boolean, storeDown: boolean): void {
  killSwitch = switchedOff;
  down = storeDown;
}
function limit(more: Partial<ActionPolicy>): void {
  policy = { ...policy, ...more };
}
const run = (name: string, given?: object, key?: string, by = 'crm') => actions.run(name, given, { by, key });

describe('sendSMS', () => {
  it('sends a message though agents may send none, and says what Twilio says of it', async () => {
    expect(await run('sendSMS', { to: '(415) 555-0177', body: 'Hello.' })).toEqual({
      ok: true,
      value: {
        messageSid: world.sim.messages.all[0]?.sid,
        status: 'queued',
        dateCreated: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      },
    });
    expect(world.request?.params).toEqual({ To: to, From: world.sim.phoneNumber, Body: 'Hello.' });
  });

  it('is written down without what was said, and without the number', async () => {
    await run('sendSMS', { to, body: 'Your secret is out.' });
    expect(runs).toEqual([
      expect.objectContaining({
        tool: 'sendSMS',
        call: '',
        status: 'done',
        isError: false,
        requestId: expect.stringMatching(/^RQ/),
      }),
    ]);
    expect(JSON.stringify(runs)).not.toMatch(/secret is|4155550177/);
  });

  it('sends nothing while the kill switch is on, to nobody who wants none, and not while nobody knows', async () => {
    killSwitch = true;
    expect(await run('sendSMS', { to, body: 'x' })).toMatchObject({ ok: false, status: 'switched_off' });
    killSwitch = false;
    optedOut.push({ number: to, sender: world.sim.phoneNumber });
    expect(await run('sendSMS', { to, body: 'x' })).toMatchObject({ ok: false, status: 'opted_out' });
    optedOut = [];
    down = true;
    expect(await run('sendSMS', { to, body: 'x' })).toMatchObject({ status: 'store_unavailable' });
    expect(world.sim.requests).toEqual([]);
    down = false;
    expect(await run('sendSMS', { to, body: 'x' })).toMatchObject({ ok: true });
  });

  it('remembers who wants nothing when Twilio says so', async () => {
    world.sim.failNext({ code: 21610 });
    expect(await run('sendSMS', { to, body: 'x' })).toMatchObject({
      status: 'opted_out',
      errorCode: 21610,
    });
    expect(optedOut).toEqual([{ number: to, sender: world.sim.phoneNumber }]);
  });

  it('says when to come again, and nothing that is for agents alone', async () => {
    world.sim.failNext({ code: 20429, retryAfter: '30' });
    expect(await run('sendSMS', { to, body: 'x' })).toMatchObject({
      status: 'throttled',
      retryAfterSeconds: 30,
    });
    world.sim.failNext({ code: 21211 });
    const refused = await run('sendSMS', { to, body: 'x' });
    expect(refused).toMatchObject({ status: 'invalid_number' });
    expect(JSON.stringify(refused)).not.toMatch(/caller|Offer/);
  });
});

const waiting = (keep: AgentCall['keep']) => ({ conversationId: 'conv_local_1', keep });

describe('makeCall', () => {
  const from = () => world.sim.phoneNumber;

  it.each([
    ['a URL', { url: 'https://example.com/voice' }, { Url: 'https://example.com/voice' }],
    ['TwiML', { twiml: '<Response/>' }, { Twiml: '<Response/>' }],
  ])('makes a call that does what %s says', async (_, given, sent) => {
    expect(await run('makeCall', { to, from: from(), ...given })).toEqual({
      ok: true,
      value: { callSid: world.sim.calls.all[0]?.sid, status: 'queued' },
    });
    expect(world.request?.params).toEqual({ To: to, From: from(), ...sent });
  });

  it('makes a call in which an agent speaks, where Twilio can ask us', async () => {
    expect(await run('makeCall', { to, agent_id: 'agent_1' })).toMatchObject({
      status: 'not_configured',
      message: expect.stringContaining('PUBLIC_URL'),
    });
    agentCall = { url: 'https://bridge.example.com/twilio/voice?agent=1', ...waiting(async () => true) };
    expect(await run('makeCall', { to, agent_id: 'agent_1' })).toMatchObject({
      ok: true,
      value: { conversationId: 'conv_local_1' },
    });
    expect(world.request?.params).toEqual({ To: to, From: from(), Url: agentCall.url });
  });

  it.each<SimFault>([{ drop: 'answer' }, { lost: true }, { raw: '<html>no</html>', status: 502 }])(
    'says that somebody may have been called where nobody knows (%j), and not that it was no message',
    async fault => {
      world.sim.failNext(fault);
      expect(await run('makeCall', { to, twiml: '<Response/>' })).toMatchObject({
        ...{ ok: false, status: 'unavailable' },
        message: expect.stringMatching(/not known whether this call was made.*see whether Twilio has it/),
      });
    },
  );

  it('rings as long as is asked for, and is recorded', async () => {
    await run('makeCall', { to, twiml: '<Response/>', ring_seconds: 20, record: true });
    expect(world.request?.params).toMatchObject({ Timeout: '20', Record: 'true' });
  });

  it.each([
    ['there is no room', async () => false, 'unavailable'],
    [
      'the store is down',
      async () => {
        throw new Error('the store is down');
      },
      'store_unavailable',
    ],
  ])(
    'is not made, and takes nothing, where what it begins with cannot be kept: %s',
    async (_, keep, status) => {
      policy = { ...policy, callsPerDay: 1 };
      agentCall = { url: 'https://bridge.example.com/twilio/voice', ...waiting(keep) };
      const given = { to, agent_id: 'agent_1', conversation_initiation_client_data: {} };
      expect(await run('makeCall', given, 'order-1')).toMatchObject({ ok: false, status });
      expect(world.sim.requests).toEqual([]);
      agentCall = { ...agentCall, keep: async () => true };
      expect(await run('makeCall', given, 'order-1')).toMatchObject({ ok: true });
    },
  );

  it.each([
    [{ to }, 'one of them is needed'],
    [{ to, url: 'https://a.example', twiml: '<Response/>' }, 'exclude each other'],
    [{ to, url: 'https://a.example', agent_id: 'a' }, 'exclude each other'],
    [{ to, url: 'http://a.example' }, 'Argument url must be an https URL'],
    [{ to, twiml: 'x'.repeat(4001) }, 'Argument twiml is too large'],
    [{ to: 'x', twiml: '<Response/>' }, 'Argument to '],
    [{ to, agent_id: '../x' }, 'Argument agent_id'],
    [{ to, twiml: '<Response/>', ring_seconds: 601 }, 'Argument ring_seconds'],
    [
      { to, twiml: '<Response/>', conversation_initiation_client_data: {} },
      'conversation_initiation_client_data goes with agent_id alone',
    ],
    [
      { to, agent_id: 'a', conversation_initiation_client_data: { dynamic_variables: 'x' } },
      'dynamic_variables is no object',
    ],
  ])('is not made of %j', async (given, why) => {
    expect(await run('makeCall', given)).toMatchObject({
      status: 'invalid_arguments',
      message: expect.stringContaining(why),
    });
    expect(world.sim.requests).toEqual([]);
  });

  it('is not made while the kill switch is on', async () => {
    killSwitch = true;
    expect(await run('makeCall', { to, twiml: '<Response/>' })).toMatchObject({ status: 'switched_off' });
    expect(world.sim.requests).toEqual([]);
  });
});

describe('what leaves', () => {
  const things = [
    ['sendSMS', { to, body: 'Hello.' }],
    ['makeCall', { to, twiml: '<Response/>' }],
  ] as const;

  it.each([
    ['is denied', { deniedRecipients: ['+1415*'] }, 'denied', 'sending.denied_recipients'],
    ['is not listed', { allowedRecipients: ['+49*'] }, 'not_allowed', 'sending.allowed_recipients'],
    ['is in a denied country', { deniedCountries: ['US'] }, 'denied_country', 'sending.denied_countries'],
    ['is in no allowed country', { allowedCountries: ['DE'] }, 'not_allowed_country', 'allowed_countries'],
  ])('does not go to who %s, as with agents, and does without the rule', async (_, more, detail, setting) => {
    rules = { ...defaultSendingPolicy, ...more };
    for (const [name, given] of things) {
      const refused = await run(name, given);
      expect(refused).toMatchObject({ status: 'not_allowed', message: expect.stringContaining(setting) });
      expect(JSON.stringify(refused)).not.toMatch(/Offer|caller/);
      expect(runs.at(-1)?.gates?.at(-1)).toEqual({ gate: 'recipient', decision: 'refuse', detail });
    }
    expect(world.sim.requests).toEqual([]);
    rules = defaultSendingPolicy;
    for (const [name, given] of things) expect(await run(name, given)).toMatchObject({ ok: true });
    expect(world.sim.requests).toHaveLength(2);
  });

  it('does not go to numbers that cost more, whatever is listed', async () => {
    rules = { ...defaultSendingPolicy, allowedRecipients: ['+44*'] };
    for (const [name, given] of things)
      expect(await run(name, { ...given, to: '+449098790879' })).toMatchObject({
        status: 'not_allowed',
        message: expect.stringContaining('premium'),
      });
    expect(world.sim.requests).toEqual([]);
  });

  it('is decided and does not go in a dry run, and takes nothing of the budgets', async () => {
    rules = { ...defaultSendingPolicy, dryRun: true };
    policy = { ...policy, messagesPerDay: 1, callsPerDay: 1 };
    for (const [name, given] of [...things, ...things])
      expect(await run(name, given, 'order-1')).toMatchObject({
        status: 'dry_run',
        message: expect.stringContaining('sending.dry_run'),
      });
    expect(runs.at(-1)?.cost).toBeUndefined();
    expect(world.sim.requests).toEqual([]);
    rules = defaultSendingPolicy;
    expect(await run('sendSMS', things[0][1], 'order-1')).toMatchObject({ ok: true });
    expect(await run('makeCall', things[1][1])).toMatchObject({ ok: true });
  });

  it('is told of with what each gate said, in the order in which they were asked', async () => {
    await run('sendSMS', things[0][1]);
    await run('makeCall', things[1][1]);
    rules = { ...defaultSendingPolicy, deniedRecipients: [to] };
    await run('sendSMS', things[0][1]);
    const told = events.map(event => event.type === 'action-run' && [event.action, event.by, event.status]);
    expect(told).toEqual([
      ['sendSMS', 'crm', 'done'],
      ['makeCall', 'crm', 'done'],
      ['sendSMS', 'crm', 'not_allowed'],
    ]);
    const gates = events.map(event => event.type === 'action-run' && gatesLine(event.facts.gates ?? []));
    expect(gates).toEqual([
      'kill_switch=pass opt_out=pass recipient=pass budget=pass',
      'kill_switch=pass recipient=pass budget=pass',
      'kill_switch=pass opt_out=pass recipient=refuse:denied',
    ]);
    expect(JSON.stringify(events)).not.toMatch(/4155550177|Hello/);
  });
});

describe('getCallStatus', () => {
  it.each(['call_sid', 'callSid'])('says how a call stands that is named by %s', async name => {
    const { sid } = world.sim.calls.add({ from: to, to: world.sim.phoneNumber });
    killSwitch = true;
    expect(await run('getCallStatus', { [name]: sid })).toMatchObject({
      ok: true,
      value: { callSid: sid, status: 'in-progress', direction: 'inbound', from: to },
    });
  });

  it('says plainly that there is no such call, and what is wrong with its name', async () => {
    expect(await run('getCallStatus', { call_sid: `CA${'0'.repeat(32)}` })).toMatchObject({
      status: 'not_found',
    });
    expect(await run('getCallStatus')).toMatchObject({ status: 'invalid_arguments' });
  });
});

it('there are no other actions', async () => {
  expect(await run('deleteAccount', {})).toMatchObject({
    status: 'unknown_action',
    message: 'There are the actions sendSMS, makeCall, getCallStatus.',
  });
  expect(world.sim.requests).toEqual([]);
});

describe('an Idempotency-Key', () => {
  const order = { to, body: 'Your table is ready.' };

  it('has the same done once, and answers again what came of it', async () => {
    const first = await run('sendSMS', order, 'order-1');
    expect(await run('sendSMS', { body: order.body, to: '(415) 555-0177' }, 'order-1')).toEqual({
      ...first,
      replayed: true,
    });
    expect(world.sim.requests).toHaveLength(1);
    expect(await run('sendSMS', order)).toMatchObject({ ok: true });
    expect(await run('sendSMS', order, 'order-2')).toMatchObject({ ok: true });
    expect(await run('sendSMS', order, 'order-1', 'another-program')).toMatchObject({ ok: true });
    expect(world.sim.requests).toHaveLength(4);
    expect(runs.map(({ status }) => status)).toEqual(['done', 'repeated', 'done', 'done', 'done']);
  });

  it('stands for one thing alone', async () => {
    await run('sendSMS', order, 'order-1');
    for (const [name, given] of [
      ['sendSMS', { ...order, body: 'Another.' }],
      ['sendSMS', { ...order, media_url: 'https://files.example/a.png' }],
      ['makeCall', { to, twiml: '<Response/>' }],
    ] as const)
      expect(await run(name, given, 'order-1')).toMatchObject({
        status: 'idempotency_key_reused',
        message: expect.stringContaining('Idempotency-Key'),
      });
    expect(world.sim.requests).toHaveLength(1);
  });

  it('has one of many that come at once done', async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => run('sendSMS', order, 'order-1')));
    expect(all.filter(({ ok }) => ok)).toHaveLength(1);
    expect(all.filter(each => !each.ok)).toMatchObject(
      Array.from({ length: 4 }, () => ({ status: 'in_progress', retryAfterSeconds: 2 })),
    );
    expect(world.sim.requests).toHaveLength(1);
    expect(await run('sendSMS', order, 'order-1')).toMatchObject({ ok: true, replayed: true });
  });

  it('has nothing done again of which nobody knows whether it was done', async () => {
    world.sim.failNext({ drop: 'answer' });
    const first = await run('sendSMS', order, 'order-1');
    expect(first).toMatchObject({
      status: 'unavailable',
      message: expect.stringContaining('GET /v1/twilio/messages'),
    });
    expect(await run('sendSMS', order, 'order-1')).toEqual({ ...first, replayed: true });
    expect(world.sim.requests).toHaveLength(1);
  });

  it.each([
    ['the kill switch was on', () => turn(true, false), () => turn(false, false)],
    ['a budget was used up', () => limit({ messagesPerDay: 0 }), () => limit(defaultActionPolicy)],
    ['the store was down', () => turn(false, true), () => turn(false, false)],
    ['Twilio was too busy', () => world.sim.failNext({ code: 20429, retryAfter: '30' }), () => undefined],
    ['Twilio refused it', () => world.sim.failNext({ code: 21211 }), () => undefined],
  ])('is free again where nothing was sent: %s', async (_, before, after) => {
    before();
    expect(await run('sendSMS', order, 'order-1')).toMatchObject({ ok: false });
    after();
    const again = await run('sendSMS', order, 'order-1');
    expect(again).toMatchObject({ ok: true });
    expect(again.replayed).toBeUndefined();
    expect(world.sim.messages.all).toHaveLength(1);
  });

  it('is not looked at for what only looks, and has nothing done while nobody knows it', async () => {
    const { sid } = world.sim.calls.add({ from: to, to: world.sim.phoneNumber });
    await run('getCallStatus', { call_sid: sid }, 'order-1');
    expect(await run('sendSMS', order, 'order-1')).toMatchObject({ ok: true });
    store.down = true;
    expect(await run('sendSMS', order, 'order-2')).toMatchObject({ status: 'store_unavailable' });
    expect(world.sim.messages.all).toHaveLength(1);
  });
});

describe('budgets of actions', () => {
  const text = { to, body: 'Hello.' };
  const talk = { to, twiml: '<Response/>' };

  it('are for messages and calls each, and name the setting that is reached', async () => {
    policy = { ...policy, messagesPerDay: 2, callsPerDay: 1 };
    for (const _ of [1, 2]) expect(await run('sendSMS', text)).toMatchObject({ ok: true });
    clock.advance(3_600_000);
    expect(await run('sendSMS', text)).toMatchObject({
      status: 'over_budget',
      message: expect.stringContaining('actions.messages_per_day'),
      retryAfterSeconds: 23 * 3_600,
    });
    expect(await run('makeCall', talk)).toMatchObject({ ok: true });
    expect(await run('makeCall', talk)).toMatchObject({
      message: expect.stringContaining('actions.calls_per_day'),
    });
    expect(runs.at(-1)?.gates?.at(-1)).toEqual({
      ...{ gate: 'budget', decision: 'refuse', detail: 'actions.calls_per_day' },
    });
    clock.advance(23 * 3_600_000);
    expect(await run('sendSMS', text)).toMatchObject({ ok: true });
  });

  it('are of money too, by segments and by where it goes, and are written down', async () => {
    policy = { ...policy, moneyPerDay: 100_000 };
    expect(await run('makeCall', talk)).toMatchObject({ ok: true });
    expect(runs.at(-1)?.cost).toEqual({ micros: 50_000, currency: 'USD' });
    expect(await run('sendSMS', { to, body: 'x'.repeat(400) })).toMatchObject({ ok: true });
    expect(runs.at(-1)?.cost).toEqual({ micros: 36_000, currency: 'USD' });
    expect(await run('sendSMS', { to: '+4915112345678', body: 'x' })).toMatchObject({
      message: expect.stringContaining('actions.money_per_day'),
    });
    expect(await run('sendSMS', text)).toMatchObject({ ok: true });
    expect(await run('sendSMS', text)).toMatchObject({ status: 'over_budget' });
  });

  it('are corrected by what Twilio says of it later: it is told what was bought, and nothing of what was not', async () => {
    const sent = await run('sendSMS', text);
    const made = await run('makeCall', talk);
    const [{ messageSid }, { callSid }] = [sent, made].map(each => (each.ok ? each.value : {})) as [
      Record<string, unknown>,
      Record<string, unknown>,
    ];
    const counters = ['actions-money'];
    expect(bought).toEqual([
      {
        ...{ what: 'message', sid: messageSid, counters, estimate: { micros: 12_000, currency: 'USD' } },
        ...{ receipt: expect.any(String), requestId: runs[0]?.requestId },
      },
      {
        ...{ what: 'call', sid: callSid, counters, estimate: { micros: 50_000, currency: 'USD' } },
        ...{ receipt: expect.any(String), requestId: runs[1]?.requestId },
      },
    ]);
    bought = [];
    for (const fault of [{ code: 21211 }, { drop: 'answer' }] as const) {
      world.sim.failNext(fault);
      await run('sendSMS', text);
    }
    rules = { ...defaultSendingPolicy, dryRun: true };
    await run('sendSMS', text);
    expect(bought).toEqual([]);
  });

  it('are not those of agents', async () => {
    policy = { ...policy, messagesPerDay: 1 };
    await run('sendSMS', text);
    const day = 86_400_000;
    expect(await store.counters.count('sends-day', 'all', day)).toBe(0);
    expect(await store.counters.count('money-day', 'all', day)).toBe(0);
    expect(await store.counters.count('actions-messages', 'all', day)).toBe(1);
  });

  it('are given back what Twilio certainly did not do, and not what it perhaps did or refused', async () => {
    policy = { ...policy, messagesPerDay: 2 };
    for (const fault of [{ code: 20429, retryAfter: '30' }, { code: 21610 }] as const) {
      world.sim.failNext(fault);
      expect(await run('sendSMS', text)).toMatchObject({ ok: false });
      optedOut = [];
    }
    world.sim.failNext({ drop: 'answer' });
    await run('sendSMS', text);
    expect(runs.at(-1)?.cost).toBeDefined();
    world.sim.failNext({ code: 21211 });
    expect(await run('sendSMS', text)).toMatchObject({ status: 'invalid_number' });
    expect(await run('sendSMS', text)).toMatchObject({ status: 'over_budget' });
  });

  it('let nothing leave while they cannot be asked', async () => {
    store.down = true;
    expect(await run('sendSMS', text)).toMatchObject({ status: 'store_unavailable' });
    expect(world.sim.requests).toEqual([]);
    store.down = false;
    expect(await run('sendSMS', text)).toMatchObject({ ok: true });
  });
});
