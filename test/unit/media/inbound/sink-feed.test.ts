import { describe, expect, it } from 'vitest';
import { ulawToLinear } from '../../../../codecs/g711.ts';
import { sine, ToneDetector } from '../../../../codecs/tones.ts';
import { type AudioFormat, audioFormats, bytesPerSample, sampleRate } from '../../../../src/core/audio.ts';
import { SinkFeed } from '../../../../src/media/inbound/sink-feed.ts';
import { Ear } from './telephone.ts';

function heard(ear: Ear): Int16Array {
  if (ear.format !== 'ulaw_8000') return ear.samples;
  return Int16Array.from(Buffer.concat(ear.chunks), code => ulawToLinear[code]!);
}

const cases = audioFormats.flatMap(format =>
  [8000, 16_000].map(rate => [rate, format] as [number, AudioFormat]),
);

describe('SinkFeed', () => {
  it.each(cases)(
    'turns %i Hz into %s: one second is one second, and a tone keeps level and pitch',
    (rate, format) => {
      const ear = new Ear(format);
      const count = rate / 50;
      const feed = new SinkFeed(ear, rate, count);
      const source = sine(rate, 1000, -10);
      const samples = new Int16Array(count);
      for (let tick = 0; tick < 50; tick++) {
        source.generate(samples, 0, count);
        feed.write(samples, count);
      }
      const wanted = sampleRate(format);
      const all = heard(ear);
      expect(Math.abs(all.length - wanted)).toBeLessThanOrEqual(wanted / 250);
      expect(ear.chunks.every(chunk => chunk.length % bytesPerSample(format) === 0)).toBe(true);
      const level = new ToneDetector(wanted, 1000).level(all, wanted / 2, wanted / 10);
      expect(Math.abs(level + 10)).toBeLessThan(0.5);
    },
  );

  it('hands mu-law through byte by byte', () => {
    const ear = new Ear('ulaw_8000');
    const feed = new SinkFeed(ear, 8000, 160);
    const codes = Uint8Array.from({ length: 200 }, (_, i) => i + 50);
    feed.writeCodes(codes, 160);
    expect([...ear.chunks[0]!]).toEqual([...codes.subarray(0, 160)]);
  });

  it('hands on what lies in the memory it is given, though that was another one before', () => {
    const ear = new Ear('pcm_8000');
    const feed = new SinkFeed(ear, 8000, 160);
    for (const sample of [100, 200, 300]) feed.write(new Int16Array(160).fill(sample), 160);
    expect([...ear.samples].filter((_, i) => i % 160 === 80)).toEqual([100, 200, 300]);
  });
});
