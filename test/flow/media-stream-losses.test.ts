import type { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import type { SimConversation } from '../../src/sim/agent/conversation.ts';
import type { SimStreamCall } from '../../src/sim/twilio/stream-call.ts';
import type { SimStream } from '../../src/sim/twilio/stream-socket.ts';
import type { BridgeOptions } from '../support/flow.ts';
import {
  caller,
  type StreamBridge,
  tapeOf,
  toneHeardOver,
  withStreamBridge,
} from '../support/stream-bridge.ts';
import { until } from '../support/until.ts';

/** Frequencies of the built-in sounds, Hz. */
const reconnectingHz = 784;
const goodbyeHz = 659;
const newHz = 1200;

const quiet = { mode: 'quiet', inputFormat: 'ulaw_8000', outputFormat: 'ulaw_8000' } as const;

const transferYaml = `
transfers:
  - name: desk
    phone_number: '+14155550177'
    transfer_type: sip_refer
survival:
  policy: transfer
  fallback: desk
`;

interface Stage {
  readonly streams: StreamBridge;
  readonly call: SimStreamCall;
  readonly stream: SimStream;
  readonly first: SimConversation;
}

/** A call over a stream that has outgrown its first second, in which a failing agent is started again. */
const talking = (options: BridgeOptions, body: (stage: Stage) => Promise<void>) =>
  withStreamBridge({ script: quiet, ...options }, async streams => {
    const { call, stream } = await streams.answered();
    const first = await streams.bridge.world.agent.conversation(0);
    await until(
      () => streams.bridge.log('call state').some(line => line['to'] === 'talking'),
      'the call to talk',
    );
    await pieces(stream, 15);
    await body({ streams, call, stream, first });
  });

/** Settles when so many more pieces of 20 ms were heard. */
async function pieces(stream: SimStream, more: number): Promise<void> {
  const wanted = stream.heard.length + more;
  await until(() => stream.heard.length >= wanted, `${more} pieces of sound`);
}

/**
 * Texts and numbers anywhere in `value` that have these digits, however far apart they are written. Digits in the middle of
 * more digits, or of an id, are none of them: some would be there by chance.
 */
function placesOf(digits: string, value: unknown): unknown[] {
  if (typeof value === 'object' && value !== null)
    return Object.values(value).flatMap(each => placesOf(digits, each));
  if (typeof value === 'number') return String(value) === digits ? [value] : [];
  const wanted = new RegExp(`(?<![0-9a-f])${[...digits].join('\\D{0,3}')}(?![0-9a-f])`);
  return wanted.test(String(value)) ? [value] : [];
}

/** What the only record says. */
async function recordOf({ bridge }: StreamBridge) {
  const answer = await bridge.http('/v1/convai/conversations');
  expect(answer.status).toBe(200);
  const { conversations } = (await answer.json()) as { conversations: { conversation_id: string }[] };
  expect(conversations).toHaveLength(1);
  const id = conversations[0]?.conversation_id ?? '';
  return (await bridge.http(`/v1/convai/conversations/${id}`)).json();
}

describe('a caller over a media stream whose agent is cut off', () => {
  it('hears a tone, then the agent again, which knows what was said', () =>
    talking({}, async ({ streams, call, stream, first }) => {
      first.sayText('Blue it is');
      await pieces(stream, 10);
      first.drop();
      const second = await streams.bridge.world.agent.conversation(1);
      await toneHeardOver(stream, reconnectingHz, 60);
      expect(await second.until(each => each.contextualUpdates[0])).toContain('You: Blue it is');
      expect(second.initiation).toMatchObject({ dynamic_variables: { resumed: 'true', caller_id: caller } });
      await second.say(newHz, 600);
      await toneHeardOver(stream, newHz, 500);
      expect(stream.isOpen).toBe(true);
      call.hangUp();
      await call.ended;
      expect(await streams.bridge.ended()).toMatchObject({ reason: 'caller-hung-up' });
      expect(await recordOf(streams)).toMatchObject({
        status: 'done',
        trunkbridge: {
          transport: 'stream',
          conversation_ids: ['conv_1', 'conv_2'],
          ending: { reason: 'caller-hung-up' },
        },
      });
    }));

  it('is put through by the verb after the stream where that is the policy', () =>
    talking({ yaml: transferYaml }, async ({ streams, call, first }) => {
      first.drop();
      expect(await call.ended).toBe('Hangup');
      expect(call.verbs.map(({ name }) => name)).toEqual(['Connect', 'Dial', 'Hangup']);
      expect(call.verbs[1]?.inner).toMatchObject([{ name: 'Number', text: '+14155550177' }]);
      expect(await streams.bridge.ended()).toMatchObject({ reason: 'transferred' });
      expect(streams.bridge.log('agent lost')[0]).toMatchObject({ way: 'transfer', reason: 'agent-lost' });
    }));

  it('hears the last sound to its end before Twilio is told to end the call', () =>
    talking({ yaml: 'survival:\n  policy: hangup\n' }, async ({ streams, call, stream, first }) => {
      first.drop();
      await call.ended;
      expect(tapeOf(stream).stretch(goodbyeHz).ms).toBeGreaterThan(100);
      expect(await streams.bridge.ended()).toMatchObject({ reason: 'agent-lost' });
    }));
});

describe('a media stream that fails in the middle of a call', () => {
  it('by being reset ends the call, the conversation and the record', () =>
    talking({}, async ({ streams, call, stream, first }) => {
      void first.say(700, 5_000);
      await toneHeardOver(stream, 700, 300);
      stream.reset();
      await call.ended;
      expect(await streams.bridge.ended()).toMatchObject({ reason: 'stream-lost', result: 'carrier' });
      await first.until(({ closed }) => closed);
      expect(await recordOf(streams)).toMatchObject({
        status: 'failed',
        trunkbridge: { answered: true, ending: { reason: 'stream-lost', result: 'carrier' } },
      });
    }));

  it('by playing nothing any more ends the call as stalled', () =>
    talking({}, async ({ streams, call, stream, first }) => {
      void first.say(700, 60_000);
      await toneHeardOver(stream, 700, 1_000);
      stream.player.stuck = true;
      const sent = stream.received['media'] ?? 0;
      await call.ended;
      expect(await streams.bridge.ended()).toMatchObject({ reason: 'stream-stalled', result: 'carrier' });
      await first.until(({ closed }) => closed);
      // Two seconds of sound at most, in pieces of 100 ms and more, went to somebody who took none.
      expect((stream.received['media'] ?? 0) - sent).toBeLessThan(60);
    }));

  it('because its worker died takes nobody else with it', async () => {
    const workers: Worker[] = [];
    const note = (worker: Worker) => void workers.push(worker);
    process.on('worker', note);
    try {
      await withStreamBridge({ script: quiet, env: { MEDIA_WORKERS: '2' } }, async streams => {
        const { bridge } = streams;
        const calls = [await streams.answered(), await streams.answered()];
        await until(() => bridge.log('call answered').length === 2, 'both calls');
        expect(workers).toHaveLength(2);
        await workers[0]?.terminate();
        const gone = await Promise.race(
          calls.map(async ({ call }, at) => {
            await call.ended;
            return at;
          }),
        );
        expect(await bridge.ended()).toMatchObject({ reason: 'worker-lost', result: 'us' });
        const other = calls[1 - gone] as { call: SimStreamCall; stream: SimStream };
        const conversation = await until(
          () => bridge.world.agent.conversations.find(({ closed }) => !closed),
          'the conversation that goes on',
        );
        await conversation.say(700, 600);
        await toneHeardOver(other.stream, 700, 500);
        await until(() => bridge.app.load().workers === 2, 'a new worker');
        const after = await streams.answered();
        for (const { call } of [after, other]) {
          call.hangUp();
          await call.ended;
        }
        await bridge.ended(2);
        const metrics = await bridge.metrics();
        expect(metrics.sum('trunkbridge_calls_total', { reason: 'worker-lost' })).toBe(1);
      });
    } finally {
      process.off('worker', note);
    }
  });
});

describe('a caller over a media stream who does something at a bad moment', () => {
  it('speaks over the agent: what Twilio had ahead is cleared, and the next sentence is heard whole', () =>
    talking({ agent: { leadMs: 10_000 } }, async ({ streams, call, stream, first }) => {
      void first.say(700, 4_000);
      await toneHeardOver(stream, 700, 600);
      expect(stream.player.waitingMs).toBeGreaterThan(0);
      first.interrupt();
      await until(() => stream.received['clear'] === 1, 'a clear');
      expect(stream.player.waitingMs).toBe(0);
      await first.say(newHz, 800);
      await toneHeardOver(stream, newHz, 780);
      expect(tapeOf(stream).stretch(700).ms).toBeLessThan(3_000);
      expect(stream.player.gaps).toBe(0);
      call.hangUp();
      await call.ended;
      const { unheardMs } = await streams.bridge.ended();
      expect(unheardMs).toBeGreaterThan(1_000);
    }));

  it('hangs up in the middle of a code, which is then nowhere', () =>
    talking({ env: { LOG_LEVEL: 'trace' } }, async ({ streams, call, stream, first }) => {
      await first.callTool('send_SMS_verification', { To: caller, Channel: 'sms' });
      const code = streams.twilio.codeFor(caller);
      stream.press(code.slice(0, -1));
      await pieces(stream, 10);
      const asked = streams.twilio.requests.length;
      call.hangUp();
      await call.ended;
      const keyed = code.slice(0, -1);
      expect(await streams.bridge.ended()).toMatchObject({ reason: 'caller-hung-up', digits: keyed.length });
      await streams.bridge.idle();
      expect(placesOf(keyed, { sound: 'it is', said: `${[...keyed].join(' ')}.` })).toHaveLength(1);
      const record = await recordOf(streams);
      expect(placesOf(keyed, [streams.bridge.lines, first.told, record])).toEqual([]);
      const checks = streams.twilio.requests
        .slice(asked)
        .filter(({ path }) => path.includes('VerificationCheck'));
      expect(checks).toEqual([]);
    }));
});
