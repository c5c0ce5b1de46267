import { describe, expect, it } from 'vitest';
import { DtmfDetector } from '../../codecs/dtmf-detector.ts';
import { encodeUlaw, ulawToLinear } from '../../codecs/g711.ts';
import { dtmf, sine } from '../../codecs/tones.ts';
import { otpTones } from '../../src/sim/agent/options.ts';
import { called, caller, tapeOf, toneHeardOver, withStreamBridge } from '../support/stream-bridge.ts';
import { until } from '../support/until.ts';

const approvedWords = 'The caller has keyed the code, and it was approved: the number is verified.';

function speech(ms: number, hz: number): Buffer {
  const samples = new Int16Array(8 * ms);
  sine(8000, hz, -10).generate(samples, 0, samples.length);
  const bytes = Buffer.alloc(samples.length);
  encodeUlaw(samples, 0, samples.length, bytes, 0);
  return bytes;
}

const fallbackYaml = [
  'transfers:',
  '  - name: desk',
  "    phone_number: '+14155550177'",
  '    transfer_type: sip_refer',
  'survival:',
  '  fallback: desk',
  '',
].join('\n');

const tone = (digit: string): Buffer => {
  const samples = new Int16Array(8 * 120);
  dtmf(8000, digit).generate(samples, 0, samples.length);
  const bytes = Buffer.alloc(samples.length);
  encodeUlaw(samples, 0, samples.length, bytes, 0);
  return bytes;
};

/** Keys that are in some sound, as their tones. */
function keysIn(sound: Buffer): string[] {
  const samples = Int16Array.from(sound, code => ulawToLinear[code] ?? 0);
  const detector = new DtmfDetector(8000);
  const found: string[] = [];
  for (let at = 0; at + 160 <= samples.length; at += 160) {
    detector.take(samples, at, 160);
    if (detector.begun !== '') found.push(detector.begun);
  }
  return found;
}

/** Settles when so many more pieces of 20 ms were heard. */
async function toneless(heard: readonly Buffer[], more = 10): Promise<void> {
  const from = heard.length;
  await until(() => heard.length >= from + more, `${more} pieces of sound`);
}

describe('a call over a media stream of Twilio', () => {
  it.each([
    ['ulaw_8000', false],
    ['pcm_16000', false],
    ['ulaw_8000', true],
  ] as const)(
    'has the whole one-time-code conversation, with an agent of %s (straight to its worker: %s)',
    (format, direct) =>
      withStreamBridge(
        {
          script: { mode: 'otp', inputFormat: format, outputFormat: format },
          agent: { leadMs: 10_000 },
          env: { LOG_LEVEL: 'trace' },
          direct,
        },
        async streams => {
          const { bridge, twilio } = streams;
          const { call, stream } = await streams.answered();
          await toneHeardOver(stream, otpTones.greeting, 700);
          const conversation = await bridge.world.agent.conversation(0);
          await conversation.until(each => each.toolResults.length >= 1 && each.eventId > 1);
          const code = twilio.codeFor(caller);
          stream.press(`${code}#`);
          expect(await call.ended).toBe('Connect');
          expect(conversation.contextualUpdates.at(-1)).toBe(approvedWords);
          expect(tapeOf(stream).stretch(otpTones.success).ms).toBeGreaterThanOrEqual(780);
          expect(conversation.violations).toEqual([]);
          expect(await bridge.ended()).toMatchObject({ reason: 'agent-ended-call', digits: code.length + 1 });
          const { dynamic_variables: variables } = conversation.initiation ?? {};
          expect(variables).toMatchObject({ caller_id: caller, called_number: called, call_sid: call.sid });
          const record = await until(async () => {
            const answer = await bridge.http(`/v1/convai/conversations/${stream.streamSid}`);
            const body = (await answer.json()) as { status: string; metadata: { phone_call: object } };
            return body.status === 'done' && body;
          }, 'a record that is over');
          expect(record.metadata).toMatchObject({
            conversation_initiation_source: 'twilio',
            phone_call: { type: 'twilio', call_sid: call.sid, stream_sid: stream.streamSid },
          });
          const spaced = new RegExp([...code].join('\\D{0,3}'));
          expect(JSON.stringify(bridge.lines)).not.toMatch(spaced);
          expect(JSON.stringify(conversation.told)).not.toMatch(spaced);
        },
      ),
  );
});

const quiet = { mode: 'quiet', inputFormat: 'ulaw_8000', outputFormat: 'ulaw_8000' } as const;

describe('sound over a media stream', () => {
  it('reaches the agent byte for byte, and the caller without a gap', () =>
    withStreamBridge({ script: quiet }, async streams => {
      const { call, stream } = await streams.answered();
      const conversation = await streams.bridge.world.agent.conversation(0);
      const words = speech(600, 300);
      stream.say(words);
      await conversation.until(({ audioBytes }) => audioBytes > 8 * 1200);
      expect(conversation.audio().includes(words)).toBe(true);
      await conversation.say(700, 2000);
      await toneHeardOver(stream, 700, 1500);
      expect(stream.received['mark']).toBeGreaterThanOrEqual(2);
      call.hangUp();
      await call.ended;
      expect(await streams.bridge.ended()).toMatchObject({ reason: 'caller-hung-up' });
    }));

  it('is cut off at once when the caller speaks over it, and the record says how much was heard', () =>
    withStreamBridge({ script: quiet }, async streams => {
      const { call, stream } = await streams.answered();
      const conversation = await streams.bridge.world.agent.conversation(0);
      void conversation.say(700, 10_000);
      await toneHeardOver(stream, 700, 1000);
      conversation.interrupt();
      await until(() => stream.received['clear'] === 1, 'a clear');
      const at = tapeOf(stream).ms;
      await until(() => tapeOf(stream).ms > at + 600, 'what comes after it');
      expect(tapeOf(stream).level(700, at + 100, at + 600)).toBeLessThan(-60);
      call.hangUp();
      await call.ended;
      const { unheardMs } = await streams.bridge.ended();
      const heard = tapeOf(stream).stretch(700).ms;
      expect(heard).toBeGreaterThanOrEqual(1000);
      expect(unheardMs).toBeGreaterThan(100);
    }));

  it('has the last words of the agent heard before Twilio is told to end the call', () =>
    withStreamBridge({ script: { mode: 'tone', hz: 620, seconds: 1, endCall: true } }, async streams => {
      const { call, stream } = await streams.answered();
      await call.ended;
      expect(tapeOf(stream).stretch(620).ms).toBeGreaterThanOrEqual(960);
      expect(await streams.bridge.ended()).toMatchObject({ reason: 'agent-ended-call' });
      const updates = streams.twilio.requests.filter(({ path }) => path.endsWith(`/Calls/${call.sid}.json`));
      expect(updates.map(({ params }) => params['Status'])).toEqual(['completed']);
    }));

  it('ends the call when the connection is cut without a word', () =>
    withStreamBridge({ script: quiet }, async streams => {
      const { call, stream } = await streams.answered();
      await toneless(stream.heard);
      stream.cut();
      await call.ended;
      expect(await streams.bridge.ended()).toMatchObject({ reason: 'stream-lost', result: 'carrier' });
    }));

  it('gives keys of a code to nobody but Verify, and takes their tones out of the sound', () =>
    withStreamBridge({ script: quiet, env: { LOG_LEVEL: 'trace' } }, async streams => {
      const { call, stream } = await streams.answered();
      const conversation = await streams.bridge.world.agent.conversation(0);
      await conversation.callTool('send_SMS_verification', { To: caller, Channel: 'sms' });
      const from = conversation.audioBytes;
      const code = streams.twilio.codeFor(caller);
      for (const digit of code) {
        stream.say(tone(digit));
        stream.press(digit);
        await until(() => conversation.audioBytes > 0, 'sound');
        await toneless(stream.heard, 8);
      }
      stream.press('#');
      await conversation.until(({ userMessages }) => userMessages.length > 0);
      expect(conversation.contextualUpdates.at(-1)).toBe(approvedWords);
      await toneless(stream.heard, 30);
      expect(keysIn(conversation.audio().subarray(from))).toEqual([]);
      call.hangUp();
      await call.ended;
    }));
});

describe('the answer to a voice webhook', () => {
  it('is a refusal when no agent is there within eight seconds', () =>
    withStreamBridge({ script: { mode: 'misbehave', how: { kind: 'silent' } } }, async streams => {
      const begun = performance.now();
      const call = streams.call();
      expect(await call.ended).toBe('Reject');
      expect(performance.now() - begun).toBeGreaterThan(7_500);
      expect(call.verbs[0]?.attributes).toEqual({ reason: 'rejected' });
      expect(await streams.bridge.ended()).toMatchObject({ reason: 'ring-timeout', answered: false });
    }));

  it('puts the caller through to the fallback of the number when the agent fails, and takes it back once', () =>
    withStreamBridge(
      {
        script: { mode: 'misbehave', how: { kind: 'refuse', status: 500 } },
        yaml: fallbackYaml,
      },
      async streams => {
        const call = streams.call({ dialled: 'no-answer' });
        expect(await call.ended).toBe('Hangup');
        expect(call.verbs.map(({ name }) => name)).toEqual(['Dial', 'Redirect', 'Dial', 'Hangup']);
        expect(call.verbs[0]?.inner).toMatchObject([{ name: 'Number', text: '+14155550177' }]);
      },
    ));

  it('is busy, or the fallback, when all calls are taken', () =>
    withStreamBridge({ script: quiet, yaml: 'call:\n  max_calls: 1\n' }, async streams => {
      const { call } = await streams.answered();
      const second = streams.call();
      expect(await second.ended).toBe('Reject');
      expect(second.verbs[0]?.attributes).toEqual({ reason: 'busy' });
      call.hangUp();
      await call.ended;
      await streams.bridge.ended();
    }));

  it('is the same when Twilio asks again, and only one call comes of it', () =>
    withStreamBridge({ script: quiet }, async streams => {
      const { call } = await streams.answered();
      const again = await call.askAgain();
      expect(again.status).toBe(200);
      expect(again.body).toContain('<Stream');
      expect(streams.bridge.log('call arrived')).toHaveLength(1);
      call.hangUp();
      await call.ended;
      await streams.bridge.ended();
    }));

  it('puts the caller through when the agent transfers it, by the verb that comes after the stream', () =>
    withStreamBridge({ script: quiet, yaml: fallbackYaml }, async streams => {
      const { call } = await streams.answered();
      const conversation = await streams.bridge.world.agent.conversation(0);
      await until(() => streams.bridge.log('call answered').length === 1, 'the answer');
      void conversation
        .callTool('transfer_to_number', { transfer_number: '+14155550177' })
        .catch(() => undefined);
      expect(await call.ended).toBe('Hangup');
      expect(call.verbs.map(({ name }) => name)).toEqual(['Connect', 'Dial', 'Hangup']);
      expect(await streams.bridge.ended()).toMatchObject({ reason: 'transferred' });
    }));
});

describe('a media stream that is not what it should be', () => {
  it.each([
    ['forged', () => 'AAAAAAAAAAAAAAAAAAAAAAAAAAA='],
    ['not signed', () => undefined],
  ])('is refused when its upgrade is %s, and the call ends', (_what, sign) =>
    withStreamBridge({ script: quiet }, async streams => {
      const call = streams.call({ sign });
      const stream = await call.connected;
      expect(await stream?.opened).toBe(403);
      streams.bridge.app.stopCalls();
      await call.ended;
      await streams.bridge.ended();
    }),
  );

  it('is closed when its ticket is not the one of the call', () =>
    withStreamBridge({ script: quiet }, async streams => {
      const call = streams.call({ stream: { parameters: { ticket: 'another' } } });
      const stream = await call.connected;
      expect(await stream?.opened).toBe('open');
      expect(await stream?.closed).toBe(1008);
      expect(streams.bridge.log('a media stream was refused')).toMatchObject([{ why: 'ticket' }]);
      streams.bridge.app.stopCalls();
      await call.ended;
      await streams.bridge.ended();
    }));

  it('comes once: neither its address nor its ticket is good a second time', () =>
    withStreamBridge({ script: quiet }, async streams => {
      const { call } = await streams.answered();
      const [noun] = call.verbs[0]?.inner ?? [];
      const second = streams.openAgain(call, noun?.attributes['url'] ?? '');
      expect(await second.opened).toBe(404);
      call.hangUp();
      await call.ended;
      await streams.bridge.ended();
    }));
});

describe('what Twilio asks', () => {
  it('is refused with 403 unless it is signed, and 503 names the setting without a token', async () => {
    await withStreamBridge({ script: quiet }, async streams => {
      const post = (headers: Record<string, string>) =>
        fetch(`${streams.base}/twilio/voice`, {
          method: 'POST',
          body: new URLSearchParams({ CallSid: `CA${'0'.repeat(32)}` }),
          headers,
        });
      expect((await post({})).status).toBe(403);
      const forged = { 'x-twilio-signature': 'x', 'x-forwarded-host': 'bridge.example' };
      expect((await post(forged)).status).toBe(403);
    });
    await withStreamBridge({ script: quiet, twilioToken: false }, async streams => {
      const answer = await fetch(`${streams.base}/twilio/voice`, { method: 'POST' });
      expect(answer.status).toBe(503);
      expect(await answer.text()).toContain('TWILIO_AUTH_TOKEN');
    });
  });
});
