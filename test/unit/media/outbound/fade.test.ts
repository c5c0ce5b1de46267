import { describe, expect, it } from 'vitest';
import { decodeAlaw, decodeUlaw, encodeUlaw } from '../../../../codecs/g711.ts';
import { G722Decoder } from '../../../../codecs/g722.ts';
import { type AudioFormat, sampleRate } from '../../../../src/core/audio.ts';
import { createEncoder } from '../../../../src/media/outbound/encoder.ts';
import { Playout } from '../../../../src/media/outbound/playout.ts';
import { createVoice } from '../../../../src/media/outbound/voice.ts';
import { type CodecName, codecNames } from '../../../../src/sdp/plan.ts';

/** Something like a voice: a pitch that glides with its overtones, louder and softer as syllables are. */
function speech(rate: number, ms: number): Int16Array {
  const samples = new Int16Array((rate * ms) / 1000);
  let phase = 0;
  for (let i = 0; i < samples.length; i++) {
    const t = i / rate;
    phase += (2 * Math.PI * (140 + 40 * Math.sin(2 * Math.PI * 1.7 * t))) / rate;
    let sum = 0;
    for (let overtone = 1; overtone <= 9; overtone++) sum += Math.sin(overtone * phase) / overtone;
    samples[i] = Math.round(7000 * sum * (0.55 + 0.45 * Math.sin(2 * Math.PI * 4 * t)));
  }
  return samples;
}

function bytesOf(format: AudioFormat, samples: Int16Array): Uint8Array {
  if (format !== 'ulaw_8000') return new Uint8Array(samples.buffer);
  const bytes = new Uint8Array(samples.length);
  encodeUlaw(samples, 0, samples.length, bytes, 0);
  return bytes;
}

function decoderOf(codec: CodecName): (payload: Uint8Array) => Int16Array {
  const g722 = new G722Decoder();
  return payload => {
    const samples = new Int16Array(payload.length * (codec === 'G722' ? 2 : 1));
    if (codec === 'PCMU') decodeUlaw(payload, 0, payload.length, samples, 0);
    if (codec === 'PCMA') decodeAlaw(payload, 0, payload.length, samples, 0);
    if (codec === 'G722') g722.decode(payload, 0, payload.length, samples, 0);
    return samples;
  };
}

/** What a telephone hears of speech that is cut off after `packets` packets of 20 ms: all of it, and silence behind it. */
function cutOff(format: AudioFormat, codec: CodecName, packets: number): { whole: number[]; cutAt: number } {
  const playout = new Playout(format);
  const encoder = createEncoder(codec);
  const voice = createVoice(playout, encoder);
  const decode = decoderOf(codec);
  playout.push(1, bytesOf(format, speech(sampleRate(format), 1500)));
  const whole: number[] = [];
  const packet = new Uint8Array(160);
  const send = () => {
    if (!voice.render(packet, 0, 160)) encoder.silence(packet, 0, 160);
    whole.push(...decode(packet));
  };
  for (let i = 0; i < packets; i++) send();
  const cutAt = whole.length;
  voice.cut(true);
  playout.interrupt(1);
  for (let i = 0; i < 5; i++) send();
  return { whole, cutAt };
}

const largestStep = (samples: readonly number[], from: number, to: number): number => {
  let largest = 0;
  for (let i = Math.max(1, from); i < to; i++)
    largest = Math.max(largest, Math.abs(samples[i]! - samples[i - 1]!));
  return largest;
};

describe('speech that is cut off', () => {
  it.each(
    (['ulaw_8000', 'pcm_16000', 'pcm_24000'] as const).flatMap(format =>
      codecNames.map(codec => [format, codec] as const),
    ),
  )(
    'from %s to %s never steps further than the speech itself, and is silent within a packet',
    (format, codec) => {
      for (let packets = 10; packets < 50; packets++) {
        const { whole, cutAt } = cutOff(format, codec, packets);
        const spoken = largestStep(whole, 0, cutAt);
        expect(largestStep(whole, cutAt, whole.length), `cut after ${packets} packets`).toBeLessThanOrEqual(
          spoken,
        );
        const rate = codec === 'G722' ? 16 : 8;
        const rest = whole.slice(cutAt + 20 * rate);
        expect(Math.max(...rest.map(Math.abs))).toBeLessThan(40);
      }
    },
  );

  it('would step further without a fade', () => {
    const samples = speech(8000, 1000);
    const spoken = largestStep([...samples], 0, samples.length);
    const clicks = samples.filter(sample => Math.abs(sample) > spoken);
    expect(clicks.length).toBeGreaterThan(samples.length / 20);
  });
});
