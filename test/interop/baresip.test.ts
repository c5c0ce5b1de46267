import { describe, expect, it } from 'vitest';
import { sine, ToneDetector } from '../../codecs/tones.ts';
import { type AudioFormat, sampleRate } from '../../src/core/audio.ts';
import type { SimScript } from '../../src/sim/agent/options.ts';
import { decode as decodeAgentSound } from '../../src/sim/agent/sound.ts';
import { Baresip } from '../support/baresip.ts';
import { requirePrograms } from '../support/programs.ts';
import { StagedDaemon } from '../support/staged-daemon.ts';

const available = requirePrograms('calls of baresip', ['baresip']);
const rate = 16_000;
/** Above what G.711 carries, well inside what G.722 does. */
const wideHz = 5000;
const saidDbfs = -12;

function tone(): Int16Array {
  const samples = new Int16Array(30 * rate);
  sine(rate, wideHz, saidDbfs).generate(samples, 0, samples.length);
  return samples;
}

/** Level of a frequency over the second before the last half second, which the end of the call may have cut. */
function level(samples: Int16Array, samplesPerSecond: number, hz: number): number {
  const from = samples.length - 1.5 * samplesPerSecond;
  if (from < 0) throw new Error(`only ${samples.length} samples were recorded`);
  return new ToneDetector(samplesPerSecond, hz).level(samples, Math.floor(from), samplesPerSecond);
}

/** Runs a daemon with one agent and a call of baresip to it. `talk` begins once the call is established. */
async function withBaresip(
  script: SimScript,
  talk: (phone: Baresip, daemon: StagedDaemon) => Promise<void>,
): Promise<void> {
  const daemon = await StagedDaemon.start({ agentId: 'agent', agent: { agents: { agent: script } } });
  try {
    const { folder, tls, world } = daemon;
    const options = { folder, sipPort: tls, ca: world.certificate.cert, sound: tone() };
    const phone = await Baresip.start(options);
    try {
      phone.dial('+14155550199');
      await phone.event('CALL_ESTABLISHED');
      await talk(phone, daemon);
    } finally {
      await phone.stop();
    }
  } finally {
    expect(await daemon.stop()).toBe(0);
  }
}

async function hangUpAfter(seconds: number, format: AudioFormat, phone: Baresip, daemon: StagedDaemon) {
  const conversation = await daemon.world.agent.conversation(0);
  const bytes = seconds * sampleRate(format) * (format === 'ulaw_8000' ? 1 : 2);
  await conversation.until(({ audioBytes }) => audioBytes >= bytes, 20_000);
  phone.command('hangup');
  await phone.event('CALL_CLOSED');
  return conversation;
}

describe.skipIf(!available)('calls of baresip over TLS with G.722', () => {
  it('keep in both directions a tone of 5 kHz, which G.711 cannot carry', async () => {
    await withBaresip({ mode: 'echo' }, async (phone, daemon) => {
      const conversation = await hangUpAfter(3, 'pcm_16000', phone, daemon);
      const said = phone.recording('enc');
      const heard = phone.recording('dec');
      expect([said.rate, heard.rate]).toEqual([rate, rate]);
      const reference = level(said.samples, rate, wideHz);
      expect(Math.abs(reference - saidDbfs)).toBeLessThan(1);
      expect(Math.abs(level(heard.samples, rate, wideHz) - reference)).toBeLessThan(3);
      const atAgent = decodeAgentSound(conversation.audio(), 'pcm_16000');
      expect(Math.abs(level(atAgent, rate, wideHz) - reference)).toBeLessThan(3);
      // An alias or a wrong clock would put it elsewhere.
      for (const hz of [1000, 2500, 3000])
        expect(level(heard.samples, rate, hz)).toBeLessThan(reference - 30);
      const [applied] = await daemon.logs('media applied');
      expect(applied?.['inbound']).toContain('g722');
    });
  });

  it('lose that tone, without an alias of it, where the agent takes narrow sound', async () => {
    const format = { inputFormat: 'ulaw_8000', outputFormat: 'ulaw_8000' } as const;
    await withBaresip({ mode: 'echo', ...format }, async (phone, daemon) => {
      await hangUpAfter(3, 'ulaw_8000', phone, daemon);
      const heard = phone.recording('dec');
      for (const hz of [wideHz, 8000 - wideHz]) {
        expect(level(heard.samples, rate, hz)).toBeLessThan(saidDbfs - 40);
      }
    });
  });

  it('are told by a BYE that the agent has ended them, after its last sentence', async () => {
    const script = { mode: 'tone', hz: 440, seconds: 2, endCall: true } as const;
    await withBaresip(script, async phone => {
      expect((await phone.event('CALL_CLOSED'))['param']).toBe('Connection reset by peer');
      const { samples } = phone.recording('dec');
      const blocks = Math.floor(samples.length / 1600);
      const detector = new ToneDetector(rate, 440);
      const sounding = Array.from(
        { length: blocks },
        (_, i) => detector.level(samples, i * 1600, 1600) > -20,
      );
      expect(sounding.filter(Boolean).length).toBeGreaterThanOrEqual(18);
    });
  });
});
