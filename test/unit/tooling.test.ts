import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { composeSending } from '../../src/sending-room.ts';
import { SimTwilio } from '../../src/sim/twilio/server.ts';
import { composeTools } from '../../src/tooling.ts';
import { SentMessages } from '../../src/tools/messaging/sent-messages.ts';
import type { ToolContext } from '../../src/tools/tool.ts';
import { LiveConnection } from '../../src/twilio/live-connection.ts';
import { configuredSource } from '../../src/twilio-room.ts';
import { someFacts } from '../support/fake-call.ts';
import { FakeControl, toolContext } from '../support/fake-control.ts';
import { FakeStore } from '../support/fake-store.ts';
import { ManualClock } from '../support/manual-clock.ts';

const own = someFacts.callerId;
const named = '+14155550188';
const other = '+14155550177';
const operator = { who: 'ops', why: 'a test' };

let sim: SimTwilio;
let clock: ManualClock;
let store: FakeStore;
let yaml: string;
let run: (name: string, parameters: object, within?: ToolContext) => Promise<Record<string, unknown>>;
let context: ToolContext;
let control: FakeControl;

function config(service: boolean) {
  const loaded = loadConfig({
    path: 't.yaml',
    read: () => yaml,
    env: {
      ELEVENLABS_API_KEY: 'a-key',
      ELEVENLABS_AGENT_ID: 'agent_1',
      TWILIO_ACCOUNT_SID: sim.accountSid,
      TWILIO_API_KEY_SID: sim.apiKeySid,
      TWILIO_API_KEY_SECRET: sim.apiKeySecret,
      TWILIO_BASE_URL: sim.baseUrl,
      ...(service ? { TWILIO_VERIFY_SERVICE_SID: sim.verifyServiceSid } : {}),
    },
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.failure));
  return loaded.value.config;
}

function compose(service = true): void {
  const now = () => config(service);
  const connection = new LiveConnection({ source: () => configuredSource(now()), clock });
  const box = composeTools({
    config: now(),
    now,
    store,
    connection,
    gate: composeSending(now, store, connection, {
      clock,
      log: silentLogger,
      events: { emit: () => undefined },
    }).gate,
    sent: new SentMessages(clock),
    clock,
  });
  run = async (name, parameters, within = context) => {
    const { result } = await box.run(name, parameters, within, new AbortController().signal);
    return JSON.parse(result) as Record<string, unknown>;
  };
}
const send = (To: string, within = context) => run('send_SMS_verification', { To }, within);
const check = (To: string, within = context) =>
  run('check_SMS_verification', { To, Code: sim.codeFor(To) }, within);

beforeEach(async () => {
  clock = new ManualClock();
  sim = await SimTwilio.start({ clock });
  store = new FakeStore({ clock });
  control = new FakeControl();
  context = toolContext(clock, control);
  yaml = '';
  compose();
});
afterEach(() => sim.close());

describe('the tools of the daemon', () => {
  it('send codes by the account of the configuration', async () => {
    expect(await send(own)).toMatchObject({ status: 'pending' });
    expect(await check(own)).toMatchObject({ status: 'approved' });
  });

  it('say what is missing where there is no Verify service', async () => {
    compose(false);
    expect(await send(own)).toMatchObject({ status: 'not_configured' });
  });

  it('follow a reload of the policy at the next send', async () => {
    yaml = 'verify: { dry_run: true }';
    expect(await send(own)).toMatchObject({ status: 'dry_run' });
    yaml = '';
    expect(await send(own)).toMatchObject({ status: 'pending' });
  });

  it('count in the store: another daemon that starts with it goes on counting', async () => {
    yaml = 'verify: { sends_per_number_hour: 1 }';
    await send(own);
    compose();
    expect(await send(own, toolContext(clock))).toMatchObject({ status: 'max_sends_reached' });
  });
});

describe('the switches of the store', () => {
  it('stop and open sends from one to the next, before the configuration', async () => {
    await store.switches.set('kill_switch', true, operator);
    expect(await send(own)).toMatchObject({ status: 'not_allowed' });
    await store.switches.set('kill_switch', false, operator);
    expect(await send(own)).toMatchObject({ status: 'pending' });
    yaml = 'tools: { kill_switch: true }';
    clock.advance(60_000);
    expect(await send(own)).toMatchObject({ status: 'pending' });
    await store.switches.set('kill_switch', undefined, operator);
    expect(await send(own)).toMatchObject({ status: 'not_allowed' });
  });

  it('let codes go to others together with verify.destinations, and not alone', async () => {
    await store.switches.set('allow_autonomous_sends', true, operator);
    expect(await send(other)).toMatchObject({ status: 'not_allowed' });
    yaml = 'verify: { destinations: any }';
    expect(await send(other)).toMatchObject({ status: 'pending' });
    await store.switches.set('allow_autonomous_sends', undefined, operator);
    clock.advance(60_000);
    expect(await send(other)).toMatchObject({ status: 'not_allowed' });
  });

  it('let nothing out while the store is down', async () => {
    store.down = true;
    expect(await send(own)).toMatchObject({ status: 'unavailable' });
    expect(sim.requests).toEqual([]);
    store.down = false;
    expect(await send(own)).toMatchObject({ status: 'pending' });
  });
});

describe('a tool that is for verified callers alone', () => {
  const keys = () => run('play_keypad_touch_tone', { dtmf_tones: '1' });

  beforeEach(() => {
    yaml = 'verify: { required_for: [play_keypad_touch_tone] }';
  });

  it('opens with the caller by the code that came to his number', async () => {
    expect(await keys()).toMatchObject({ status: 'not_verified' });
    await send(own);
    await check(own);
    expect(await keys()).not.toMatchObject({ status: 'not_verified' });
  });

  it('opens with the number that the pre-call webhook named, and not with that of his own telephone', async () => {
    context = { ...context, verifyNumber: named };
    await send(own);
    expect(await check(own)).toMatchObject({ status: 'approved' });
    expect(await keys()).toMatchObject({
      status: 'not_verified',
      message: expect.stringContaining('ending in 88'),
    });
    await send(named);
    await check(named);
    expect(await keys()).not.toMatchObject({ status: 'not_verified' });
  });

  it('stays open for all where it is not named', async () => {
    yaml = '';
    expect(await keys()).not.toMatchObject({ status: 'not_verified' });
  });
});
