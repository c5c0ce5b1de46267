import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../../src/core/logger.ts';
import type { Execution, OptOutPair } from '../../../../src/store/sends.ts';
import { OperatorActions } from '../../../../src/tools/operator/actions.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { TwilioWorld } from '../../../support/twilio-world.ts';

const to = '+14155550177';

let world: TwilioWorld;
let actions: OperatorActions;
let killSwitch: boolean;
let down: boolean;
let optedOut: OptOutPair[];
let runs: Execution[];
let agentUrl: string | undefined;

beforeEach(async () => {
  const clock = new ManualClock();
  world = await TwilioWorld.start(clock);
  killSwitch = false;
  down = false;
  optedOut = [];
  runs = [];
  agentUrl = undefined;
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
    statusCallback: () => world.callback,
    agentUrl: () => agentUrl,
    country: 'US',
    clock,
    log: silentLogger,
  });
});
afterEach(() => world.sim.close());

const run = (name: string, given?: object) => actions.run(name, given, 'crm');

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
    agentUrl = 'https://bridge.example.com/twilio/voice?agent=1';
    expect(await run('makeCall', { to, agent_id: 'agent_1' })).toMatchObject({ ok: true });
    expect(world.request?.params).toEqual({ To: to, From: from(), Url: agentUrl });
  });

  it.each([
    [{ to }, 'one of them is needed'],
    [{ to, url: 'https://a.example', twiml: '<Response/>' }, 'exclude each other'],
    [{ to, url: 'https://a.example', agent_id: 'a' }, 'exclude each other'],
    [{ to, url: 'http://a.example' }, 'Argument url must be an https URL'],
    [{ to, twiml: 'x'.repeat(4001) }, 'Argument twiml is too large'],
    [{ to: 'x', twiml: '<Response/>' }, 'Argument to '],
    [{ to, agent_id: '../x' }, 'Argument agent_id'],
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
