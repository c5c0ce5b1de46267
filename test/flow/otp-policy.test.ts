import { describe, expect, it } from 'vitest';
import type { SimConversation } from '../../src/sim/agent/conversation.ts';
import type { SimCall } from '../../src/sim/caller/call.ts';
import { type Bridge, withBridge } from '../support/flow.ts';

/** In a plan that mixes landlines and mobiles, and in one that tells them apart. */
const mixed = '+14155550123';
const landline = '+493012345678';
const operatorKey = 'a-key-to-turn-switches';

interface Scene {
  readonly bridge: Bridge;
  readonly call: SimCall;
  readonly conversation: SimConversation;
  send(channel?: string): Promise<Record<string, unknown>>;
  check(code: string): Promise<Record<string, unknown>>;
  /** Channels that Verify was asked to send over, and those over which a code went out. */
  asked(): unknown[];
  sent(): string[];
  /** What the record holds of this bridge's own, once the call is over: it ends here. */
  record(): Promise<Record<string, unknown>>;
}

/** A trusted caller with a number of his own, and an agent that asks for tools as the test says. */
function calledBy(number: string, verify: readonly string[], body: (scene: Scene) => Promise<void>) {
  const yaml = verify.length === 0 ? '' : `verify:\n${verify.map(line => `  ${line}\n`).join('')}`;
  const env = { API_KEYS: `test:read:a-key-to-read-metrics,ops:operator:${operatorKey}` };
  return withBridge({ script: { mode: 'quiet' }, env, yaml }, async bridge => {
    const call = await bridge.answered({ headers: [['X-CALLER-ID', number]] });
    const conversation = await bridge.world.agent.conversation(0);
    const run = async (tool: string, parameters: Record<string, unknown>) =>
      JSON.parse((await conversation.callTool(tool, parameters)).result) as Record<string, unknown>;
    const { twilio } = bridge.world;
    let up = true;
    const end = async () => {
      if (up) await call.hangup();
      up = false;
    };
    await body({
      bridge,
      call,
      conversation,
      send: (Channel = 'sms') => run('send_SMS_verification', { To: number, Channel }),
      check: Code => run('check_SMS_verification', { To: number, Code }),
      asked: () =>
        twilio.requests
          .filter(({ path }) => path.endsWith('/Verifications'))
          .map(({ params }) => params['Channel']),
      sent: () => twilio.texts.map(({ channel }) => channel),
      record: async () => {
        await end();
        await bridge.idle();
        const answer = await bridge.http(`/v1/convai/conversations/${conversation.conversationId}`);
        expect(answer.status).toBe(200);
        return ((await answer.json()) as { trunkbridge: Record<string, unknown> }).trunkbridge;
      },
    });
    await end();
  });
}

const spoken = { status: 'pending', message: expect.stringMatching(/^A call that speaks the code/) };

describe('a text that a landline was to get', () => {
  it('becomes a call when Verify refuses it (60205), whose code the caller keys, and the record says by which way', () =>
    calledBy(mixed, [], async scene => {
      const { bridge, call, conversation } = scene;
      bridge.world.twilio.refuse(mixed, 60205);
      expect(await scene.send()).toMatchObject(spoken);
      expect(scene.asked()).toEqual(['sms', 'call']);
      expect(scene.sent()).toEqual(['call']);
      call.media.key(`${bridge.world.twilio.codeFor(mixed)}#`);
      await conversation.until(({ userMessages }) => userMessages.length === 1);
      expect(conversation.contextualUpdates.at(-1)).toMatch(/was approved/);
      expect(await scene.record()).toMatchObject({ verified: { channel: 'call' } });
    }));

  it('is a call at once where the numbering plan tells, without asking Verify for a text', () =>
    calledBy(landline, [], async scene => {
      expect(await scene.send()).toMatchObject(spoken);
      expect(scene.asked()).toEqual(['call']);
      expect(scene.sent()).toEqual(['call']);
    }));

  it.each([mixed, landline])('stays one with verify.landline_call off, and Verify refuses it (%s)', number =>
    calledBy(number, ['landline_call: false'], async scene => {
      scene.bridge.world.twilio.refuse(number, 60205);
      expect(await scene.send()).toMatchObject({ status: 'landline', valid: false });
      expect(scene.asked()).toEqual(['sms']);
      expect(scene.sent()).toEqual([]);
      expect(await scene.record()).toMatchObject({ verified: null });
    }),
  );
});

describe('the same verification', () => {
  const code = '123456';

  it('reaches nobody in a dry run: Twilio gets no connection, and keys go to the agent as ever', () =>
    calledBy(mixed, ['dry_run: true'], async scene => {
      const { bridge, call, conversation } = scene;
      for (const channel of ['sms', 'call', 'whatsapp']) {
        expect(await scene.send(channel)).toMatchObject({ status: 'dry_run', valid: false });
      }
      expect(await scene.check(code)).toMatchObject({ status: 'dry_run', valid: false });
      call.media.key(`${code}#`);
      await conversation.until(({ userMessages }) => userMessages.length === 1);
      expect(conversation.userMessages).toEqual([code]);
      expect(bridge.world.twilio.connections).toBe(0);
      expect(await scene.record()).toMatchObject({ verified: null });
    }));

  it('sends and checks without it, and keys do not go to the agent', () =>
    calledBy(mixed, ['dry_run: false'], async scene => {
      const { bridge, call, conversation } = scene;
      for (const channel of ['sms', 'call', 'whatsapp']) {
        expect(await scene.send(channel)).toMatchObject({ status: 'pending', valid: false });
      }
      expect(scene.sent()).toEqual(['sms', 'call', 'whatsapp']);
      const real = bridge.world.twilio.codeFor(mixed);
      const wrong = real === code ? '654321' : code;
      expect(await scene.check(wrong)).toMatchObject({ status: 'pending', attempts_left: 4 });
      call.media.key(`${real}#`);
      await conversation.until(({ userMessages }) => userMessages.length === 1);
      expect(conversation.contextualUpdates.at(-1)).toMatch(/was approved/);
      expect(await scene.record()).toMatchObject({ verified: { channel: 'whatsapp' } });
    }));
});

/** What an operator does when something is wrong. */
async function turn(bridge: Bridge, value: boolean | null): Promise<void> {
  const answer = await bridge.http('/v1/switches/kill_switch', {
    method: 'PUT',
    headers: { 'xi-api-key': operatorKey, 'content-type': 'application/json' },
    body: JSON.stringify({ value, why: 'codes that nobody asked for' }),
  });
  expect(answer.status).toBe(200);
}

describe('the kill switch, turned in the middle of a call', () => {
  const stopped = { status: 'not_allowed', message: expect.stringContaining('kill_switch') };

  it('stops the next send of that call and of others, not the check of a code that is out, until it is turned back', () =>
    calledBy(mixed, [], async scene => {
      const { bridge, call } = scene;
      expect(await scene.send('sms')).toMatchObject({ status: 'pending' });
      await turn(bridge, true);
      expect(await scene.send('call')).toMatchObject(stopped);
      const other = await bridge.answered({ headers: [['X-CALLER-ID', '+14155550188']] });
      const second = await bridge.world.agent.conversation(1);
      const refused = await second.callTool('send_SMS_verification', { To: '+14155550188' });
      expect(JSON.parse(refused.result)).toMatchObject(stopped);
      expect(scene.sent()).toEqual(['sms']);
      await other.hangup();
      // Turned back, the very same request goes out.
      await turn(bridge, null);
      expect(await scene.send('call')).toMatchObject({ status: 'pending' });
      expect(scene.sent()).toEqual(['sms', 'call']);
      await turn(bridge, true);
      call.media.key(`${bridge.world.twilio.codeFor(mixed)}#`);
      await scene.conversation.until(({ userMessages }) => userMessages.length === 1);
      expect(scene.conversation.contextualUpdates.at(-1)).toMatch(/was approved/);
      expect(await scene.record()).toMatchObject({
        tools: [{ gate: 'own-number' }, { gate: 'switched-off' }, { gate: 'own-number' }],
      });
    }));

  it.each([
    [true, ['sms']],
    [false, ['sms', 'call']],
  ])('(%s) holds for the call that a landline would get while its text is being refused', (on, asked) =>
    calledBy(mixed, [], async scene => {
      const { world } = scene.bridge;
      let refuse: (() => void) | undefined;
      const until = new Promise<void>(resolve => {
        refuse = resolve;
      });
      world.twilio.failNext({ code: 60205, value: mixed, until });
      const sending = scene.send();
      await world.twilio.received(1);
      if (on) await turn(scene.bridge, true);
      refuse?.();
      expect(await sending).toMatchObject(on ? stopped : spoken);
      expect(scene.asked()).toEqual(asked);
    }),
  );
});
