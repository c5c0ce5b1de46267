import { describe, expect, it } from 'vitest';
import { type AudioFormat, audioFormats, sampleRate } from '../../../../src/core/audio.ts';
import { Conversion, decode, Voice } from '../../../../src/sim/agent/sound.ts';

/** Amplitude of one frequency in `samples`, by correlation. */
function amplitude(samples: Int16Array, hz: number, rate: number): number {
  let re = 0;
  let im = 0;
  samples.forEach((sample, i) => {
    re += sample * Math.cos((2 * Math.PI * hz * i) / rate);
    im += sample * Math.sin((2 * Math.PI * hz * i) / rate);
  });
  return (2 * Math.hypot(re, im)) / samples.length;
}

const decibels = (a: number, b: number) => 20 * Math.log10(a / b);

describe('a voice', () => {
  it.each(audioFormats.map(format => [format]))('is a tone of one level in %s', (format: AudioFormat) => {
    const samples = decode(new Voice(format, 440).next(500), format);
    expect(samples.length).toBe(sampleRate(format) / 2);
    expect(Math.abs(decibels(amplitude(samples, 440, sampleRate(format)), 8192))).toBeLessThan(0.2);
  });

  it('has no seam between its pieces', () => {
    const whole = new Voice('pcm_16000', 440).next(300);
    const voice = new Voice('pcm_16000', 440);
    expect(Buffer.concat([voice.next(100), voice.next(100), voice.next(100)])).toEqual(whole);
  });
});

describe('a conversion', () => {
  it.each<[AudioFormat, AudioFormat]>([
    ['ulaw_8000', 'pcm_8000'],
    ['pcm_8000', 'ulaw_8000'],
    ['pcm_16000', 'ulaw_8000'],
    ['ulaw_8000', 'pcm_48000'],
    ['pcm_44100', 'pcm_16000'],
  ])('keeps the tone and its level from %s to %s', (from, to) => {
    const conversion = new Conversion(from, to);
    const voice = new Voice(from, 440);
    const pieces = Array.from({ length: 10 }, () => conversion.convert(voice.next(100)));
    const samples = decode(Buffer.concat(pieces), to);
    const steady = samples.subarray(Math.floor(samples.length / 2));
    expect(Math.abs(decibels(amplitude(steady, 440, sampleRate(to)), 8192))).toBeLessThan(0.5);
  });
});
