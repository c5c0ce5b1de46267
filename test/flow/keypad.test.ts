import { describe, expect, it } from 'vitest';
import { DtmfDetector } from '../../codecs/dtmf-detector.ts';
import { sampleRate } from '../../src/core/audio.ts';
import type { SimConversation } from '../../src/sim/agent/conversation.ts';
import { decode } from '../../src/sim/agent/sound.ts';
import type { SimCall } from '../../src/sim/caller/call.ts';
import { type Bridge, type BridgeOptions, withBridge } from '../support/flow.ts';
import { hum, keyTones, levelAtAgent } from '../support/sound.ts';
import { until } from '../support/until.ts';

const number = '+14155550123';
const headers = [['X-CALLER-ID', number]] as const;
const quiet = { mode: 'quiet', inputFormat: 'pcm_16000' } as const;

/** A caller who hums all the time, so that silence is something that was done to the sound. */
async function humming(bridge: Bridge): Promise<{ call: SimCall; conversation: SimConversation }> {
  const call = await bridge.answered({ headers });
  hum(call, 300, -30);
  const conversation = await bridge.world.agent.conversation(0);
  await conversation.until(({ audioBytes }) => audioBytes > 20_000);
  return { call, conversation };
}

/** Whether the sound that the agent got, from a byte on, has anything in it that may be a key. */
function tonesAtAgent(conversation: SimConversation, fromByte = 0): boolean {
  const { inputFormat } = conversation;
  const samples = decode(conversation.audio().subarray(fromByte - (fromByte % 2)), inputFormat);
  const rate = sampleRate(inputFormat);
  const detector = new DtmfDetector(rate);
  for (let at = 0; at + rate / 50 <= samples.length; at += rate / 50) {
    detector.take(samples, at, rate / 50);
    if (detector.sounding) return true;
  }
  return false;
}

const send = (conversation: SimConversation) =>
  conversation.callTool('send_SMS_verification', { To: number, Channel: 'sms' });

/** Everything that the agent was told or answered. */
const heardByAgent = (conversation: SimConversation) =>
  JSON.stringify([conversation.told, conversation.toolResults]);

/** No form of the code is in what the daemon has logged, or in what the agent has got. */
function expectNoTrace(bridge: Bridge, conversation: SimConversation, code: string): void {
  const spaced = new RegExp([...code].join('\\D{0,3}'));
  expect(JSON.stringify(bridge.lines)).not.toMatch(spaced);
  expect(heardByAgent(conversation)).not.toMatch(spaced);
}

const run = (options: BridgeOptions, body: (bridge: Bridge) => Promise<void>) =>
  withBridge({ script: quiet, env: { LOG_LEVEL: 'trace' }, ...options }, body);

describe('a code that is keyed', () => {
  it('goes to Verify past the agent, which hears neither its digits nor its tones', () =>
    run({}, async bridge => {
      const { call, conversation } = await humming(bridge);
      expect(JSON.parse((await send(conversation)).result)).toMatchObject({ status: 'pending' });
      const from = conversation.audioBytes;
      const code = bridge.world.twilio.codeFor(number);
      await keyTones(call, `${code}#`);
      await conversation.until(({ userMessages }) => userMessages.length > 0);
      expect(conversation.userMessages.join()).not.toMatch(/approved|verified/);
      expect(conversation.contextualUpdates).toEqual([
        expect.stringMatching(/verified for fifteen minutes/),
        expect.stringMatching(/was approved/),
      ]);
      expect(conversation.told.join()).not.toMatch(/\d/);
      hum(call, 300, -30);
      await conversation.until(({ audioBytes }) => audioBytes > from + 200_000, 15_000);
      expect(tonesAtAgent(conversation, from)).toBe(false);
      expect(levelAtAgent(conversation, 300)).toBeGreaterThan(-35);
      expectNoTrace(bridge, conversation, code);
      await call.hangup();
    }));

  it('would be heard by the agent if the operator had switched the keypad off', () =>
    run({ yaml: 'verify:\n  secure_keypad: false\n' }, async bridge => {
      const { call, conversation } = await humming(bridge);
      await send(conversation);
      const from = conversation.audioBytes;
      const code = bridge.world.twilio.codeFor(number);
      call.media.key(`${code}#`);
      await conversation.until(({ userMessages }) => userMessages.length > 0);
      expect(conversation.userMessages).toEqual([code]);
      await keyTones(call, '12');
      await conversation.until(({ audioBytes }) => audioBytes > from + 100_000, 15_000);
      expect(tonesAtAgent(conversation, from)).toBe(true);
      await call.hangup();
    }));

  it('does not reach the agent when its first digits are keyed before Verify has answered the send', () =>
    run({}, async bridge => {
      const { call, conversation } = await humming(bridge);
      const { twilio } = bridge.world;
      twilio.failNext({ delayMs: 1500 });
      const sent = send(conversation);
      // The request is on its way: nobody has told the agent yet that there is a code.
      await twilio.received(1);
      expect(conversation.toolResults).toEqual([]);
      call.media.key('12');
      await sent;
      const code = twilio.codeFor(number);
      call.media.key('34#');
      await conversation.until(({ userMessages }) => userMessages.length > 0);
      expect(conversation.contextualUpdates).toEqual([expect.stringMatching(/Four tries are left/)]);
      const checked = twilio.requests.find(({ path }) => path.endsWith('VerificationCheck'));
      expect(checked?.params).toMatchObject({ Code: '1234' });
      call.media.key(`${code}#`);
      await conversation.until(({ userMessages }) => userMessages.length > 1);
      expect(conversation.contextualUpdates.at(-1)).toMatch(/was approved/);
      expectNoTrace(bridge, conversation, code);
      await call.hangup();
    }));

  it('goes to Verify whole when keying it began before a code was asked for', () =>
    run({}, async bridge => {
      const { call, conversation } = await humming(bridge);
      call.media.key('5');
      await until(() => call.media.elapsed > 0, 'the first key');
      await new Promise(resolve => setTimeout(resolve, 300));
      await send(conversation);
      call.media.key('678#');
      await conversation.until(({ userMessages }) => userMessages.length > 0);
      expect(conversation.contextualUpdates.at(-1)).toMatch(/wrong code|approved/);
      await call.hangup();
    }));

  it('reaches nobody when it is keyed once more after it was right', () =>
    run({}, async bridge => {
      const { call, conversation } = await humming(bridge);
      await send(conversation);
      const code = bridge.world.twilio.codeFor(number);
      call.media.key(`${code}#${code}`);
      await conversation.until(({ userMessages }) => userMessages.length > 0);
      await conversation.until(({ audioBytes }) => audioBytes > 250_000, 15_000);
      expect(conversation.userMessages).toHaveLength(1);
      expectNoTrace(bridge, conversation, code);
      await call.hangup();
    }));

  it('lets keys through to the agent again once the verification is over', () =>
    run({}, async bridge => {
      const { call, conversation } = await humming(bridge);
      await send(conversation);
      call.media.key(`${bridge.world.twilio.codeFor(number)}#`);
      await conversation.until(({ userMessages }) => userMessages.length === 1);
      await new Promise(resolve => setTimeout(resolve, 2_300));
      call.media.key('77#');
      await conversation.until(({ userMessages }) => userMessages.length === 2);
      expect(conversation.userMessages[1]).toBe('77');
      await call.hangup();
    }));
});

describe('a tool for verified callers alone', () => {
  const yaml = 'verify:\n  required_for: [hold]\n';

  it('runs once the caller has proved to hold the number that the network vouches for', () =>
    run({ yaml }, async bridge => {
      const { call, conversation } = await humming(bridge);
      const hold = async () =>
        JSON.parse((await conversation.callTool('hold', { on: true })).result) as { status: string };
      expect(await hold()).toMatchObject({ status: 'not_verified' });
      await send(conversation);
      call.media.key(`${bridge.world.twilio.codeFor(number)}#`);
      await conversation.until(({ userMessages }) => userMessages.length === 1);
      expect((await hold()).status).not.toBe('not_verified');
      await call.hangup();
    }));
});
