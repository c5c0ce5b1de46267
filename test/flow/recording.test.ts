import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sine, ToneDetector } from '../../codecs/tones.ts';
import { SimCaller } from '../../src/sim/caller/caller.ts';
import { SimWorld } from '../../src/sim/world.ts';
import { type Bridge, environmentOf, withBridge } from '../support/flow.ts';
import { ServeProcess } from '../support/serve-process.ts';
import { heardFor, hum, toneHeard } from '../support/sound.ts';
import { readStereo } from '../support/stereo.ts';
import { until } from '../support/until.ts';
import { writeWav } from '../support/wav.ts';

const callerHz = 700;
const agentHz = 1300;
const piiKey = 'a-key-to-hear-recordings';
const keys = `test:read:a-key-to-read-metrics,ears:pii:${piiKey}`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trunkbridge-recording-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A daemon that records everything below `folder`, whose agent says what the test has it say. */
const recording = (yaml = '', script: 'quiet' | 'otp' = 'quiet') => ({
  script: { mode: script, outputFormat: 'ulaw_8000' } as const,
  agent: { leadMs: 10_000 },
  env: { DATA_DIR: folder, API_KEYS: keys },
  yaml: `recording:\n  enabled: true\n  min_free_mb: 1\n${yaml}`,
});

const audioOf = (bridge: Bridge, id: string, headers: Record<string, string> = {}) => {
  const { address, port } = bridge.app.http;
  return fetch(`http://${address}:${port}/v1/convai/conversations/${id}/audio`, {
    headers: { 'xi-api-key': piiKey, ...headers },
  });
};

const bytesOf = async (answer: Response) => Buffer.from(await answer.arrayBuffer());
const files = () => readdirSync(join(folder, 'recordings'));

/** Where `part` lies in `whole`, to the sample; -1 when it does not. */
function placeOf(part: Int16Array, whole: Int16Array): number {
  const asText = (samples: Int16Array) =>
    Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength).toString('latin1');
  for (let from = 0; ; from += 1) {
    const at = asText(whole).indexOf(asText(part), from);
    if (at < 0 || at % 2 === 0) return at < 0 ? -1 : at / 2;
    from = at;
  }
}

describe('a call that is recorded', () => {
  it('has the caller on the left, and on the right to the sample what the caller got, cut where he cut in', () =>
    withBridge(recording(), async bridge => {
      const call = await bridge.answered();
      const conversation = await bridge.world.agent.conversation(0);
      await heardFor(call, 500);
      await conversation.say(agentHz, 8000);
      await toneHeard(call, agentHz, 700);
      hum(call, callerHz);
      conversation.interrupt();
      await heardFor(call, call.media.heard.ms + 1500);
      await call.hangup();
      const line = await until(() => bridge.log('recorded')[0], 'the end of the recording');
      expect(line).toMatchObject({ reason: 'recording-complete', gaps: 0, lostMs: 0 });
      await bridge.ended();
      const answer = await audioOf(bridge, conversation.conversationId);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe('audio/wav');
      const { rate, left, right } = readStereo(await bytesOf(answer));
      expect(rate).toBe(8000);
      // From the first word of the agent to well behind the cut: no sample more, less or other than on the wire.
      const { heard } = call.media;
      const said = heard.stretch(agentHz);
      const got = heard.samples.subarray(8 * (said.from - 100), 8 * (said.to + 1000));
      const at = placeOf(got, right);
      expect(at).toBeGreaterThan(0);
      // The caller spoke as the agent fell silent: within a frame and what his jitter buffer holds.
      const detector = new ToneDetector(rate, callerHz);
      const spoke = (sample: number) => detector.level(left, sample, 160) > -30;
      let first = 0;
      while (first + 160 < left.length && !spoke(first)) first += 80;
      const cut = at + 8 * (said.to - said.from + 100);
      expect(Math.abs(first - cut) / 8).toBeLessThan(160);
      expect(detector.level(right, 0, right.length)).toBeLessThan(-60);
      expect(Number(line['seconds'])).toBeCloseTo(left.length / 8000, 2);
    }));

  it('is encrypted on the disk, is given in parts, and only to who may hear it', () =>
    withBridge(recording(), async bridge => {
      const call = await bridge.answered();
      await heardFor(call, 1500);
      await call.hangup();
      const { call: key } = await bridge.ended();
      expect(files()).toEqual([`${key}.tbrec`]);
      expect(readFileSync(join(folder, 'recordings', `${key}.tbrec`)).includes('WAVE')).toBe(false);
      const id = String(key);
      const whole = await bytesOf(await audioOf(bridge, id));
      const part = await audioOf(bridge, id, { range: 'bytes=40-99' });
      expect(part.status).toBe(206);
      expect((await bytesOf(part)).equals(whole.subarray(40, 100))).toBe(true);
      expect((await bridge.http(`/v1/convai/conversations/${id}/audio`)).status).toBe(403);
      expect((await audioOf(bridge, 'conv_none')).status).toBe(404);
      expect((await bridge.metrics()).sum('trunkbridge_recordings_total')).toBe(1);
    }));

  it('has its recording once it is over, and not before', () =>
    withBridge(recording(), async bridge => {
      const call = await bridge.answered();
      await heardFor(call, 200);
      const key = String(bridge.log('call arrived')[0]?.['call']);
      await until(() => files().length === 1, 'the file');
      expect((await audioOf(bridge, key)).status).toBe(425);
      await call.hangup();
      await bridge.ended();
      expect((await audioOf(bridge, key)).status).toBe(200);
    }));

  it('is one whose number says so', () =>
    withBridge(
      {
        ...recording(),
        yaml: [
          'recording: { encrypt: false, min_free_mb: 1 }',
          'numbers:',
          '  - { phone_number: "+14155550100", agent_id: agent_under_test, recording: { enabled: true } }',
          '  - { phone_number: "*", agent_id: agent_under_test }',
        ].join('\n'),
      },
      async bridge => {
        for (const to of ['+14155550100', '+14155550101']) {
          const call = await bridge.answered({ to });
          await heardFor(call, 300);
          await call.hangup();
        }
        const first = await bridge.ended(0);
        const second = await bridge.ended(1);
        expect(files()).toEqual([`${first['call']}.wav`]);
        expect((await audioOf(bridge, String(second['call']))).status).toBe(404);
      },
    ));
});

describe('a prompt that says that the call is recorded', () => {
  const promptHz = 1000;
  const prompted = () => {
    const rate = 8000;
    const samples = new Int16Array(rate);
    sine(rate, promptHz, -10).generate(samples, 0, samples.length);
    const path = join(folder, 'consent.wav');
    writeFileSync(path, writeWav(samples, rate));
    return {
      ...recording(`  consent_prompt: ${path}\n`),
      script: { mode: 'tone', hz: agentHz, seconds: 3 } as const,
    };
  };

  it('is heard before the agent, to its end, and the recording begins only then', () =>
    withBridge(prompted(), async bridge => {
      const call = await bridge.answered();
      await toneHeard(call, agentHz, 1000);
      await call.hangup();
      const { call: key } = await bridge.ended();
      const { heard } = call.media;
      const prompt = heard.stretch(promptHz);
      expect(prompt.ms).toBeGreaterThan(950);
      expect(heard.stretch(agentHz).from).toBeGreaterThanOrEqual(prompt.to - 20);
      const { right, rate } = readStereo(await bytesOf(await audioOf(bridge, String(key))));
      expect(new ToneDetector(rate, promptHz).level(right, 0, right.length)).toBeLessThan(-30);
      expect(new ToneDetector(rate, agentHz).level(right, right.length - 4000, 4000)).toBeGreaterThan(-30);
    }));

  it('keeps who hangs up during it from being recorded', () =>
    withBridge(prompted(), async bridge => {
      const call = await bridge.answered();
      await toneHeard(call, promptHz, 300);
      await call.hangup();
      await bridge.ended();
      expect(bridge.log('recording begun')).toEqual([]);
      expect(existsSync(join(folder, 'recordings')) ? files() : []).toEqual([]);
    }));
});

describe('a disk that fails', () => {
  it('costs the recording and not the call', () =>
    withBridge(recording(), async bridge => {
      writeFileSync(join(folder, 'recordings'), 'this is no folder');
      const call = await bridge.answered();
      const line = await until(() => bridge.log('recorded')[0], 'the end of the recording');
      expect(line).toMatchObject({ reason: 'recording-failed', bytes: 0 });
      const conversation = await bridge.world.agent.conversation(0);
      await conversation.say(agentHz, 1000);
      await toneHeard(call, agentHz, 900);
      await call.hangup();
      expect((await bridge.ended()).reason).toBe('caller-hung-up');
    }));

  it('that has too little space is not written to', () =>
    withBridge(
      { ...recording(), yaml: 'recording: { enabled: true, min_free_mb: 1000000 }' },
      async bridge => {
        const call = await bridge.answered();
        const line = await until(() => bridge.log('recorded')[0], 'the end of the recording');
        expect(line['reason']).toBe('recording-disk-low');
        await heardFor(call, 300);
        await call.hangup();
        expect(files()).toEqual([]);
      },
    ));
});

describe('a daemon that is killed', () => {
  it('finds at its next start what it had recorded, and gives it out', async () => {
    const world = await SimWorld.start({
      agentId: 'agent_1',
      agent: { agents: { agent_1: { mode: 'echo' } } },
    });
    const config = join(folder, 'trunkbridge.yaml');
    writeFileSync(config, 'recording: { enabled: true, min_free_mb: 1 }\n');
    const env = environmentOf(world, {
      DATA_DIR: join(folder, 'data'),
      API_KEYS: keys,
      SIP_LISTEN: 'tcp://127.0.0.1:0',
      HTTP_LISTEN: '127.0.0.1:0',
    });
    const start = () => new ServeProcess({ cwd: folder, env, args: ['--config', config] });
    let daemon = start();
    let pbx: SimCaller | undefined;
    try {
      pbx = await SimCaller.connect({
        transport: 'tcp',
        host: '127.0.0.1',
        port: await daemon.port('sip tcp'),
      });
      const call = await pbx.call({ codec: 'PCMU' });
      await call.answered;
      hum(call, callerHz);
      await heardFor(call, 3500);
      daemon.signal('SIGKILL');
      await daemon.exited;
      daemon = start();
      const http = await daemon.port('http');
      const [found] = await until(() => {
        const lines = daemon.log('recording found');
        return lines.length > 0 ? lines : undefined;
      }, 'the recording to be found');
      expect(found).toMatchObject({ reason: 'recording-interrupted' });
      expect(Number(found?.['seconds'])).toBeGreaterThan(0.9);
      const answer = await fetch(
        `http://127.0.0.1:${http}/v1/convai/conversations/${found?.['call']}/audio`,
        { headers: { 'xi-api-key': piiKey } },
      );
      expect(answer.status).toBe(200);
      const { left, rate } = readStereo(await bytesOf(answer));
      expect(new ToneDetector(rate, callerHz).level(left, left.length - 4000, 4000)).toBeGreaterThan(-25);
    } finally {
      pbx?.close();
      await daemon.kill();
      await world.close();
    }
  }, 40_000);
});
