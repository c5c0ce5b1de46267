import { describe, expect, it } from 'vitest';
import { sampleRate } from '../../../../src/core/audio.ts';
import { decode } from '../../../../src/sim/agent/sound.ts';
import { earFor } from '../../../../src/sim/load/ear.ts';
import {
  agentPiece,
  callerBytes,
  callerPayloads,
  isListenedTo,
  payloadBytes,
  pieceMs,
  profileNames,
  profiles,
} from '../../../../src/sim/load/profile.ts';

describe.each(profileNames)('profile %s', name => {
  const profile = profiles[name];

  it('has payloads of 20 ms whose hum is quiet and whose word is loud to its ear', () => {
    const { hum, word } = callerPayloads(profile);
    const listens = (payload: Buffer) => {
      const ear = earFor(profile.codec);
      return [1, 2, 3, 4, 5].map(() => ear(payload, 0, payload.length)).at(-1);
    };
    expect([hum.length, word.length]).toEqual([payloadBytes, payloadBytes]);
    expect(listens(hum)).toBe(false);
    expect(listens(word)).toBe(true);
  });

  it('lets the agent say 100 ms of a tone that joins its own beginning', () => {
    const { outputFormat } = profile;
    const samples = decode(agentPiece(profile), outputFormat);
    expect(samples).toHaveLength((sampleRate(outputFormat) * pieceMs) / 1000);
    expect(Math.max(...samples)).toBeGreaterThan(7000);
    const step = Math.abs(samples[0]! - samples.at(-1)!);
    const steps = samples.slice(1).map((sample, i) => Math.abs(sample - samples[i]!));
    expect(step).toBeLessThanOrEqual(Math.max(...steps));
  });

  it('gives the agent 20 ms in whole samples', () => {
    expect(callerBytes(profile)).toBe(profile.inputFormat === 'ulaw_8000' ? 160 : 640);
  });
});

describe('listening', () => {
  it('is for everyone, but for eight calls where the decoder is dear', () => {
    expect(isListenedTo(profiles.pcmu, 500)).toBe(true);
    expect([7, 8].map(call => isListenedTo(profiles.g722, call))).toEqual([true, false]);
  });
});
