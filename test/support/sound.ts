import { sine, ToneDetector } from '../../codecs/tones.ts';
import { sampleRate } from '../../src/core/audio.ts';
import type { SimConversation } from '../../src/sim/agent/conversation.ts';
import { decode } from '../../src/sim/agent/sound.ts';
import type { SimCall } from '../../src/sim/caller/call.ts';
import { until } from './until.ts';

/** From now on the caller hums one frequency. */
export function hum(call: SimCall, hz: number, levelDbfs = -20): void {
  call.media.voice = sine(call.media.codec.rate, hz, levelDbfs);
}

/** Settles when the caller has got `ms` of RTP in all. */
export async function heardFor(call: SimCall, ms: number): Promise<void> {
  await until(
    () => call.media.heard.ms >= ms,
    () => `${ms} ms of sound, ${call.media.heard.ms} came`,
    20_000,
  );
}

/** Settles when the caller has heard a frequency for `ms` without a gap. */
export async function toneHeard(call: SimCall, hz: number, ms: number, timeoutMs = 15_000): Promise<void> {
  let looked = 0;
  await until(
    () => {
      // Looking is expensive; it pays once another packet has come.
      if (call.media.heard.ms === looked) return false;
      looked = call.media.heard.ms;
      return call.media.heard.stretch(hz).ms >= ms;
    },
    () => `${ms} ms of ${hz} Hz, ${call.media.heard.stretch(hz).ms} ms came`,
    timeoutMs,
  );
}

/** Level (dBFS) of a frequency in the middle of the longest stretch in which the caller heard it. */
export function heardLevel(call: SimCall, hz: number): number {
  const { from, to } = call.media.heard.stretch(hz);
  return call.media.heard.level(hz, from + 100, to - 100);
}

/** Level (dBFS) of a frequency in the last `ms` of what the agent got. */
export function levelAtAgent(conversation: SimConversation, hz: number, ms = 500): number {
  const { inputFormat } = conversation;
  const rate = sampleRate(inputFormat);
  const samples = decode(conversation.audio(), inputFormat);
  const count = Math.min(samples.length, Math.round((rate * ms) / 1000));
  return count === 0 ? -120 : new ToneDetector(rate, hz).level(samples, samples.length - count, count);
}
