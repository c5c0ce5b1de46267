import { describe, expect, it } from 'vitest';
import { Voice } from '../../src/sim/agent/sound.ts';
import { type Bridge, withBridge } from '../support/flow.ts';
import { heardFor, hum, levelAtAgent, toneHeard } from '../support/sound.ts';
import { until } from '../support/until.ts';

const lateHz = 440;
const newHz = 880;
/** Packets that may carry interrupted sound once the interruption was sent: on their way, or a thread that woke late. */
const packetsAfter = 5;
const packetMs = 20;

/** An agent that is told by the test what to say; it sends its speech far ahead. */
const quiet = { script: { mode: 'quiet' }, agent: { leadMs: 10_000 } } as const;

async function talking(bridge: Bridge) {
  const call = await bridge.answered();
  const conversation = await bridge.world.agent.conversation(0);
  return { call, conversation };
}

describe('a caller who cuts in', () => {
  it('silences the agent within a packet, and never hears the late sound of what was interrupted', () =>
    withBridge(quiet, async bridge => {
      const { call, conversation } = await talking(bridge);
      await conversation.say(lateHz, 8000);
      await toneHeard(call, lateHz, 500);
      const interrupted = conversation.eventId;
      const before = call.media.heard.ms;
      conversation.interrupt();
      const late = new Voice(conversation.outputFormat, lateHz).next(1000).toString('base64');
      for (let i = 0; i < 3; i += 1) conversation.sendAudio(late, interrupted);
      await heardFor(call, before + 1500);
      await conversation.say(newHz, 600);
      await toneHeard(call, newHz, 500);
      const { heard } = call.media;
      expect(heard.stretch(lateHz).to).toBeLessThanOrEqual(before + packetsAfter * packetMs);
      expect(heard.level(lateHz, before + packetsAfter * packetMs, heard.ms)).toBeLessThan(-70);
      await call.hangup();
      const ended = await bridge.ended();
      expect(ended['interruptions']).toBe(1);
      expect(ended['unheardMs']).toBeGreaterThan(6000);
    }));

  it('is measured from the event to the last packet', () =>
    withBridge(quiet, async bridge => {
      const { call, conversation } = await talking(bridge);
      await conversation.say(lateHz, 4000);
      await toneHeard(call, lateHz, 300);
      conversation.interrupt();
      await until(
        async () => (await bridge.metrics()).sum('trunkbridge_barge_in_seconds_count') === 1,
        'a barge-in to be counted',
      );
      await call.hangup();
    }));

  it('by keying a digit silences the agent too', () =>
    withBridge(quiet, async bridge => {
      const { call, conversation } = await talking(bridge);
      await conversation.say(lateHz, 8000);
      await toneHeard(call, lateHz, 500);
      call.media.key('5#');
      await conversation.until(each => each.userMessages[0] === '5');
      const { heard } = call.media;
      const from = heard.ms;
      await heardFor(call, from + 500);
      expect(heard.level(lateHz, from + packetsAfter * packetMs, heard.ms)).toBeLessThan(-70);
      await call.hangup();
    }));
});

describe('an agent that ends the call', () => {
  it('with end_call is heard to the last of its words before the BYE', () =>
    withBridge(quiet, async bridge => {
      const { call, conversation } = await talking(bridge);
      await conversation.say(lateHz, 2000);
      await conversation.endCall(0);
      expect(await call.ended).toBe('bye');
      expect(Math.abs(call.media.heard.stretch(lateHz).ms - 2000)).toBeLessThanOrEqual(20);
      expect(await bridge.ended()).toMatchObject({ reason: 'agent-ended-call', result: 'success' });
    }));

  it('with nothing but close 1000 is heard to the last of its words too', () =>
    withBridge(quiet, async bridge => {
      const { call, conversation } = await talking(bridge);
      await conversation.say(lateHz, 2000);
      conversation.close(1000);
      expect(await call.ended).toBe('bye');
      expect(Math.abs(call.media.heard.stretch(lateHz).ms - 2000)).toBeLessThanOrEqual(20);
      expect(await bridge.ended()).toMatchObject({ reason: 'agent-ended-call' });
    }));

  it('by vanishing in the middle of the call makes the bridge hang up with agent-lost where the policy says so', () =>
    withBridge({ yaml: 'survival:\n  policy: hangup\n' }, async bridge => {
      const { call, conversation } = await talking(bridge);
      await heardFor(call, 1500);
      conversation.drop();
      expect(await call.ended).toBe('bye');
      expect(await bridge.ended()).toMatchObject({ reason: 'agent-lost', result: 'agent' });
    }));
});

describe('a call that goes on', () => {
  it('closes the conversation with 1000 when the caller hangs up', () =>
    withBridge({}, async bridge => {
      const { call, conversation } = await talking(bridge);
      expect(await call.hangup()).toBe(200);
      expect((await conversation.until(each => each.closed)).code).toBe(1000);
      expect(await bridge.ended()).toMatchObject({ reason: 'caller-hung-up', result: 'success' });
      expect(conversation.violations).toEqual([]);
    }));

  it('answers every ping of the agent, in order', () =>
    withBridge({ agent: { pingMs: 50 } }, async bridge => {
      const { call, conversation } = await talking(bridge);
      await conversation.until(each => each.pongs.length >= 20);
      const first = conversation.pongs[0] ?? 0;
      expect(conversation.pongs).toEqual(conversation.pongs.map((_, i) => first + i));
      await call.hangup();
    }));

  it('outlasts an agent that has nothing to say, while sound of the caller flows', () =>
    withBridge({ ...quiet, yaml: 'media:\n  timeout_seconds: 5\n' }, async bridge => {
      const { call, conversation } = await talking(bridge);
      hum(call, 1000);
      await heardFor(call, 7000);
      expect(levelAtAgent(conversation, 1000)).toBeGreaterThan(-23);
      expect(call.bye).toBeUndefined();
      await conversation.say(newHz, 500);
      await toneHeard(call, newHz, 400);
      await call.hangup();
      expect(await bridge.ended()).toMatchObject({ reason: 'caller-hung-up' });
    }));

  it('is ended with media-timeout when the telephone sends no sound for media.timeout_seconds', () =>
    withBridge({ ...quiet, yaml: 'media:\n  timeout_seconds: 5\n' }, async bridge => {
      const { call } = await talking(bridge);
      await heardFor(call, 500);
      call.media.close();
      expect(await call.ended).toBe('bye');
      expect(await bridge.ended()).toMatchObject({ reason: 'media-timeout' });
    }));
});
