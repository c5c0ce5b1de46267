import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sine } from '../../codecs/tones.ts';
import type { SimConversation } from '../../src/sim/agent/conversation.ts';
import type { SimAgentOptions, SimScript } from '../../src/sim/agent/options.ts';
import type { SimCall } from '../../src/sim/caller/call.ts';
import { type Bridge, withBridge } from '../support/flow.ts';
import { heardFor, hum, levelAtAgent, toneHeard } from '../support/sound.ts';
import { Telephone } from '../support/telephone.ts';
import { until } from '../support/until.ts';
import { writeWav } from '../support/wav.ts';

/** Frequencies of the built-in sounds, Hz. */
const reconnectingHz = 784;
const goodbyeHz = 659;
const workingHz = 523;
const newHz = 1200;

/** A tone at 24 kHz. */
function tone(hz: number, ms: number): Int16Array {
  const samples = new Int16Array(24 * ms);
  sine(24_000, hz, -16).generate(samples, 0, samples.length);
  return samples;
}

interface Stage {
  readonly bridge: Bridge;
  readonly call: SimCall;
  readonly first: SimConversation;
  readonly next: (index?: number) => Promise<SimConversation>;
}

interface Options {
  readonly yaml?: string;
  readonly script?: SimScript;
  readonly agent?: SimAgentOptions;
}

/** A call that has outgrown its first second, with an agent that says what the test lets it say. */
const talking = (options: Options, body: (stage: Stage) => Promise<void>) =>
  withBridge({ script: { mode: 'quiet' }, ...options }, async bridge => {
    const call = await bridge.answered({ headers: [['X-CALLER-ID', '+14155550123']] });
    const first = await bridge.world.agent.conversation(0);
    await until(() => bridge.log('call state').some(line => line['to'] === 'talking'), 'the call to talk');
    await body({ bridge, call, first, next: (index = 1) => bridge.world.agent.conversation(index) });
  });

describe('a caller whose agent is cut off', () => {
  it('hears a tone within 200 ms, then the agent again, which knows what was said and does not greet anew', () =>
    talking({}, async ({ bridge, call, first, next }) => {
      first.send({
        type: 'user_transcript',
        user_transcription_event: { user_transcript: 'The blue one', event_id: 1 },
      });
      first.sayText('Blue it is');
      await heardFor(call, call.media.heard.ms + 100);
      const lostAt = call.media.heard.ms;
      first.drop();
      const second = await next();
      await toneHeard(call, reconnectingHz, 60);
      expect(call.media.heard.stretch(reconnectingHz).from - lostAt).toBeLessThanOrEqual(500);
      expect(second.initiation).toMatchObject({
        conversation_config_override: { agent: { first_message: expect.stringContaining('cut off') } },
        dynamic_variables: { resumed: 'true', caller_verified: 'false', caller_id: '+14155550123' },
      });
      const context = await second.until(each => each.contextualUpdates[0]);
      expect(context).toContain('Caller: The blue one');
      expect(context).toContain('You: Blue it is');
      await second.say(newHz, 600);
      await toneHeard(call, newHz, 500);
      hum(call, 1000);
      await heardFor(call, call.media.heard.ms + 1200);
      expect(levelAtAgent(second, 1000, 500)).toBeGreaterThan(-26);
      expect(call.bye).toBeUndefined();
      await call.hangup();
      expect(await bridge.ended()).toMatchObject({ reason: 'caller-hung-up' });
      expect(second.violations).toEqual([]);
      const metrics = await bridge.metrics();
      expect(metrics.sum('trunkbridge_agents_lost_total', { reason: 'agent-lost', way: 'reconnect' })).toBe(
        1,
      );
      expect(metrics.sum('trunkbridge_agent_resumed_seconds_count')).toBe(1);
    }));

  it('hears the sentence that was under way to its end before the new agent is heard', () =>
    talking({ agent: { leadMs: 10_000 } }, async ({ call, first, next }) => {
      await first.say(440, 1500);
      await toneHeard(call, 440, 300);
      first.drop();
      const second = await next();
      await second.until(each => each.contextualUpdates[0]);
      await second.say(newHz, 400);
      await toneHeard(call, newHz, 350);
      const { heard } = call.media;
      expect(heard.stretch(440).ms).toBeGreaterThanOrEqual(1480);
      expect(heard.stretch(newHz).from).toBeGreaterThanOrEqual(heard.stretch(440).to - 20);
      await call.hangup();
    }));

  it('gets the agent with its own first message when that does not allow another one', () => {
    return talking(
      { script: { mode: 'misbehave', how: { kind: 'no-overrides' } } },
      async ({ bridge, call, first, next }) => {
        first.drop();
        const refused = await next(1);
        expect(refused.initiation).toHaveProperty('conversation_config_override');
        expect((await refused.until(each => each.closed)).code).toBe(1008);
        const third = await next(2);
        expect(third.initiation).not.toHaveProperty('conversation_config_override');
        await third.until(each => each.contextualUpdates[0]);
        await third.say(newHz, 600);
        await toneHeard(call, newHz, 500);
        await call.hangup();
        expect(bridge.log('the agent refused overrides, and is started without')[0]).toMatchObject({
          left_out: 'agent.first_message',
          named: 'first_message',
        });
      },
    );
  });

  it('is let go after a last sound when no agent is to be had before the deadline', () =>
    talking({ yaml: 'survival:\n  reconnect_seconds: 2\n' }, async ({ bridge, call, first }) => {
      await bridge.world.agent.close();
      first.drop();
      expect(await call.ended).toBe('bye');
      expect(call.media.heard.stretch(goodbyeHz).ms).toBeGreaterThan(100);
      expect(await bridge.ended()).toMatchObject({ reason: 'agent-lost' });
    }));

  it('is let go at once when another conversation could go no better', () =>
    talking({}, async ({ bridge, call, first }) => {
      first.close(1002, 'This request exceeds your quota limit.');
      expect(await call.ended).toBe('bye');
      expect(await bridge.ended()).toMatchObject({ reason: 'agent-quota' });
      expect(bridge.world.agent.conversations).toHaveLength(1);
    }));

  it('hears the prompt of the operator before the call is ended', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-prompt-'));
    const path = join(folder, 'sorry.wav');
    writeFileSync(path, writeWav(tone(1500, 600), 24_000));
    try {
      await talking(
        { yaml: `survival:\n  policy: hangup\n  hangup_sound: ${path}\n` },
        async ({ bridge, call, first }) => {
          first.drop();
          expect(await call.ended).toBe('bye');
          expect(Math.abs(call.media.heard.stretch(1500).ms - 600)).toBeLessThanOrEqual(40);
          expect(await bridge.ended()).toMatchObject({ reason: 'agent-lost' });
        },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('is connected with the fallback number when its own number says so', async () => {
    const telephone = await Telephone.open({});
    const yaml = `
elevenlabs:
  agent_id: agent_under_test
trunks:
  - name: carrier
    inbound_trunk_config: { allowed_addresses: [127.0.0.0/8] }
    outbound_trunk_config:
      address: 127.0.0.1:${telephone.port}
      transport: tcp
      from: "+14155550199"
transfers:
  - name: Reception
    phone_number: "+14155550150"
numbers:
  - phone_number: "*"
    agent_id: agent_under_test
    survival: { policy: transfer, fallback: Reception }
`;
    try {
      await talking({ yaml }, async ({ bridge, call, first }) => {
        first.drop();
        await telephone.request('INVITE');
        telephone.answer();
        hum(call, 700);
        await until(() => telephone.media.heard.stretch(700).ms >= 400, 'the caller at the fallback', 15_000);
        expect(bridge.log('transfer')[0]).toMatchObject({ way: 'bridge', reason: 'transferred' });
        expect(bridge.log('agent lost')[0]).toMatchObject({ way: 'transfer', reason: 'agent-lost' });
        await call.hangup();
        await bridge.idle();
        telephone.disconnect();
      });
    } finally {
      await telephone.close();
    }
  });
});

describe('a caller who waits', () => {
  it('for a slow tool hears a soft tone until the result is there', () =>
    talking({ yaml: 'waiting:\n  sound: working\n  after_ms: 200\n' }, async ({ bridge, call, first }) => {
      bridge.world.twilio.failNext({ delayMs: 1500 });
      await first.callTool('send_SMS_verification', { To: '+14155550123', Channel: 'sms' });
      const { heard } = call.media;
      const until = heard.ms;
      expect(heard.stretch(workingHz).ms).toBeGreaterThan(40);
      await heardFor(call, until + 3500);
      expect(heard.level(workingHz, until + 100, heard.ms)).toBeLessThan(-60);
      await call.hangup();
    }));

  it('on hold keeps the agent, which gets silence and does not time out', () =>
    talking({ agent: { receiveTimeoutMs: 1000 } }, async ({ bridge, call, first }) => {
      expect(JSON.parse((await first.callTool('hold', { on: true })).result)).toMatchObject({
        status: 'held',
      });
      const bytes = first.audioBytes;
      await new Promise(resolve => setTimeout(resolve, 2500));
      expect(first.closed).toBeUndefined();
      expect(first.audioBytes - bytes).toBeGreaterThan(2 * 32_000 * 0.9);
      await call.hangup();
      expect(await bridge.ended()).toMatchObject({ reason: 'caller-hung-up' });
    }));
});
