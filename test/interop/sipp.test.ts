import { describe, expect, it } from 'vitest';
import { decodeAlaw, decodeUlaw } from '../../codecs/g711.ts';
import { ToneDetector } from '../../codecs/tones.ts';
import type { AudioFormat } from '../../src/core/audio.ts';
import { decode as decodeAgentSound } from '../../src/sim/agent/sound.ts';
import { MediaRelay, type Passed } from '../support/media-relay.ts';
import { requirePrograms } from '../support/programs.ts';
import { runSipp } from '../support/sipp.ts';
import { StagedDaemon } from '../support/staged-daemon.ts';

const available = requirePrograms('calls of SIPp', ['sipp']);
const toneHz = 1000;
/** Where nothing but noise of the coding may be, Hz. */
const quietHz = 2600;
const secondsMeasured = 1;

/** Sound of the last second of a direction, every packet of it decoded as its payload type says. */
function lastSecond(packets: readonly Passed[]): Int16Array {
  const sounding = packets.filter(({ payloadType }) => payloadType === 0 || payloadType === 8);
  const parts = sounding.slice(-50 * secondsMeasured).map(({ payloadType, payload }) => {
    const samples = new Int16Array(payload.length);
    (payloadType === 0 ? decodeUlaw : decodeAlaw)(payload, 0, payload.length, samples, 0);
    return samples;
  });
  const all = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function level(samples: Int16Array, rate: number, hz: number): number {
  return new ToneDetector(rate, hz).level(samples, 0, samples.length);
}

const formats: { format: AudioFormat; rate: number }[] = [
  { format: 'pcm_16000', rate: 16_000 },
  { format: 'ulaw_8000', rate: 8000 },
];

describe.skipIf(!available)('calls of SIPp over TCP', () => {
  it.each(formats)(
    'hear in PCMU and PCMA the tone they say, through an agent that echoes $format',
    async ({ format, rate }) => {
      const daemon = await StagedDaemon.start({
        agentId: 'agent',
        agent: { agents: { agent: { mode: 'echo', inputFormat: format, outputFormat: format } } },
      });
      const relay = await MediaRelay.open(daemon.tcp);
      try {
        const { code, output } = await runSipp({
          scenario: 'call',
          folder: daemon.folder,
          port: relay.port,
          codecs: ['PCMU', 'PCMA'],
          calls: 2,
          callsPerSecond: 2,
          length: 3000,
          toneHz,
        });
        expect(code, output).toBe(0);
        const calls = [...relay.calls.values()];
        expect(calls.map(({ fromBridge }) => fromBridge.at(-1)?.payloadType)).toEqual([0, 8]);
        for (const { fromCaller, fromBridge } of calls) {
          const said = level(lastSecond(fromCaller), 8000, toneHz);
          const heard = lastSecond(fromBridge);
          expect(said).toBeGreaterThan(-15);
          expect(Math.abs(level(heard, 8000, toneHz) - said)).toBeLessThan(3);
          expect(level(heard, 8000, quietHz)).toBeLessThan(said - 30);
        }
        expect(daemon.world.agent.conversations).toHaveLength(2);
        for (const conversation of daemon.world.agent.conversations) {
          const sound = decodeAgentSound(conversation.audio(), format);
          expect(Math.abs(level(sound.slice(-rate * secondsMeasured), rate, toneHz) + 12)).toBeLessThan(3);
          expect(conversation.violations).toEqual([]);
        }
      } finally {
        await relay.close();
        expect(await daemon.stop()).toBe(0);
      }
    },
  );

  it('give their numbers to the agent as the X- headers say them', async () => {
    const daemon = await StagedDaemon.start({ agentId: 'agent_echo' });
    try {
      const { code, output } = await runSipp({
        scenario: 'call',
        folder: daemon.folder,
        port: daemon.tcp,
        codecs: ['PCMA'],
        calls: 1,
        callsPerSecond: 1,
        length: 500,
        toneHz,
      });
      expect(code, output).toBe(0);
      const variables = daemon.world.agent.conversations[0]?.initiation?.dynamic_variables;
      expect(variables).toMatchObject({ caller_id: '+14155550100', called_number: '+14155550199' });
      expect(variables?.['call_id']).toMatch(/^sipp-\d+-1$/);
    } finally {
      expect(await daemon.stop()).toBe(0);
    }
  });

  it('are ended by the BYE of the bridge when the agent ends them', async () => {
    const daemon = await StagedDaemon.start({
      agentId: 'agent',
      agent: { agents: { agent: { mode: 'tone', hz: 440, seconds: 1, endCall: true } } },
    });
    try {
      const { code, output } = await runSipp({
        scenario: 'agent-hangs-up',
        folder: daemon.folder,
        port: daemon.tcp,
        codecs: ['PCMU', 'PCMA'],
        calls: 4,
        callsPerSecond: 4,
        length: 0,
        toneHz,
      });
      expect(code, output).toBe(0);
      const endings = await daemon.logs('call ended', 4);
      expect(endings.map(({ reason }) => reason)).toEqual(Array(4).fill('agent-ended-call'));
    } finally {
      expect(await daemon.stop()).toBe(0);
    }
  });
});
