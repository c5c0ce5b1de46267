import { dtmf, sine, ToneDetector } from '../../codecs/tones.ts';
import { sampleRate } from '../../src/core/audio.ts';
import type { SimConversation } from '../../src/sim/agent/conversation.ts';
import { decode } from '../../src/sim/agent/sound.ts';
import type { SimCall } from '../../src/sim/caller/call.ts';
import { until } from './until.ts';

/** From now on the caller hums one frequency. */
export function hum(call: SimCall, hz: number, levelDbfs = -20): void {
  call.media.voice = sine(call.media.codec.rate, hz, levelDbfs);
}

/** Keys digits as tones in a soft hum, each 100 ms long and as far from the next; settles when all are pressed. */
export async function keyTones(call: SimCall, digits: string, patienceMs = 20_000): Promise<void> {
  const { rate } = call.media.codec;
  const voice = sine(rate, 300, -30);
  const tones = [...digits].map(digit => dtmf(rate, digit, -13));
  let at = 0;
  call.media.voice = {
    generate(dst, from, count) {
      const ms = (at / rate) * 1000;
      at += count;
      const tone = ms % 200 < 100 ? tones[Math.floor(ms / 200)] : undefined;
      (tone ?? voice).generate(dst, from, count);
    },
  };
  await until(() => (at / rate) * 1000 > 200 * digits.length, 'all keys to be pressed', patienceMs);
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

/** Settles when the last half-second that the caller has heard had all of these frequencies in it. */
export async function chordHeard(call: SimCall, frequencies: readonly number[]): Promise<void> {
  const { heard } = call.media;
  await until(
    () => frequencies.every(hz => heard.level(hz, heard.ms - 500, heard.ms) > -25),
    () => `${frequencies.join(' and ')} Hz at once`,
  );
}

/** Windows that levels are taken in, ms: a repaired gap anywhere spoils one of them and not the whole. */
const windowMs = 60;

/** Median of the levels (dBFS) of a frequency in the last `ms` of some sound. */
function usualLevel(samples: Int16Array, rate: number, hz: number, ms: number): number {
  const length = Math.round((rate * windowMs) / 1000);
  const from = Math.max(0, samples.length - Math.round((rate * ms) / 1000));
  const detector = new ToneDetector(rate, hz);
  const levels: number[] = [];
  for (let at = from; at + length <= samples.length; at += length) {
    levels.push(detector.level(samples, at, length));
  }
  levels.sort((a, b) => a - b);
  return levels[Math.floor(levels.length / 2)] ?? -120;
}

/** The usual level (dBFS) of a frequency in the last `ms` that the caller has heard. */
export function heardLevel(call: SimCall, hz: number, ms = 1000): number {
  const { heard } = call.media;
  return usualLevel(heard.samples, heard.rate, hz, ms);
}

/** The usual level (dBFS) of a frequency in the last `ms` of what the agent got. */
export function levelAtAgent(conversation: SimConversation, hz: number, ms = 1000): number {
  const { inputFormat } = conversation;
  const samples = decode(conversation.audio(), inputFormat);
  return usualLevel(samples, sampleRate(inputFormat), hz, ms);
}
