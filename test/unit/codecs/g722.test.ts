import { describe, expect, it } from 'vitest';
import { G722Decoder, G722Encoder } from '../../../codecs/g722.ts';
import { sine, ToneDetector } from '../../../codecs/tones.ts';

function tone(frequencyHz: number, samples: number): Int16Array {
  const pcm = new Int16Array(samples);
  sine(16_000, frequencyHz, -12).generate(pcm, 0, samples);
  return pcm;
}

function throughBoth(pcm: Int16Array): Int16Array {
  const bytes = new Uint8Array(pcm.length / 2);
  const out = new Int16Array(pcm.length);
  expect(new G722Encoder().encode(pcm, 0, pcm.length, bytes, 0)).toBe(bytes.length);
  expect(new G722Decoder().decode(bytes, 0, bytes.length, out, 0)).toBe(out.length);
  return out;
}

describe('G.722', () => {
  it.each([200, 1000, 3000, 5000, 6800])('carries a tone of %i Hz within 1 dB', frequency => {
    const out = throughBoth(tone(frequency, 16_000));
    const level = new ToneDetector(16_000, frequency).level(out, 4000, 8000);
    expect(Math.abs(level + 12)).toBeLessThan(1);
  });

  it('keeps silence silent', () => {
    expect(throughBoth(new Int16Array(3200)).every(sample => Math.abs(sample) <= 8)).toBe(true);
  });

  it('adds 22 samples of delay, the memory of its two filters', () => {
    const pcm = new Int16Array(1600);
    pcm[800] = 20_000;
    const out = throughBoth(pcm);
    let peak = 0;
    for (let i = 0; i < out.length; i++) if (Math.abs(out[i]!) > Math.abs(out[peak]!)) peak = i;
    expect(peak - 800).toBe(22);
  });

  it('gives the same bytes and samples however the stream is cut', () => {
    const pcm = tone(700, 6400);
    const whole = new Uint8Array(3200);
    new G722Encoder().encode(pcm, 0, 6400, whole, 0);
    const cut = new Uint8Array(3200);
    const encoder = new G722Encoder();
    for (let at = 0, size = 2; at < 6400; at += size, size = (size % 38) + 2) {
      size = Math.min(size, 6400 - at);
      encoder.encode(pcm, at, size, cut, at / 2);
    }
    expect(cut).toEqual(whole);
    const samples = new Int16Array(6400);
    new G722Decoder().decode(whole, 0, 3200, samples, 0);
    const pieces = new Int16Array(6400);
    const decoder = new G722Decoder();
    for (let at = 0; at < 3200; at += 7) decoder.decode(whole, at, Math.min(7, 3200 - at), pieces, 2 * at);
    expect(pieces).toEqual(samples);
  });

  it('keeps two streams apart that are coded in turn', () => {
    const sounds = [tone(700, 6400), tone(2500, 6400)] as const;
    const alone = sounds.map(throughBoth);
    const streams = sounds.map(pcm => ({ pcm, encoder: new G722Encoder(), decoder: new G722Decoder() }));
    const heard = sounds.map(() => new Int16Array(6400));
    const bytes = new Uint8Array(160);
    for (let at = 0; at < 6400; at += 320) {
      streams.forEach(({ pcm, encoder, decoder }, i) => {
        encoder.encode(pcm, at, 320, bytes, 0);
        decoder.decode(bytes, 0, 160, heard[i]!, at);
      });
    }
    expect(heard).toEqual(alone);
  });

  it('starts from nothing again after reset', () => {
    const pcm = tone(2500, 1600);
    const encoder = new G722Encoder();
    const decoder = new G722Decoder();
    const first = new Uint8Array(800);
    const second = new Uint8Array(800);
    const heard = [new Int16Array(1600), new Int16Array(1600)] as const;
    encoder.encode(pcm, 0, 1600, first, 0);
    decoder.decode(first, 0, 800, heard[0], 0);
    encoder.reset();
    decoder.reset();
    encoder.encode(pcm, 0, 1600, second, 0);
    decoder.decode(second, 0, 800, heard[1], 0);
    expect(second).toEqual(first);
    expect(heard[1]).toEqual(heard[0]);
  });

  it('never makes a code that the line forbids: the four upper bits of the lower band are not all zero', () => {
    let state = 5;
    const pcm = Int16Array.from({ length: 64_000 }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
      return state >> 16;
    });
    const bytes = new Uint8Array(32_000);
    new G722Encoder().encode(pcm, 0, 64_000, bytes, 0);
    expect(bytes.some(byte => (byte & 0x3c) === 0)).toBe(false);
    expect(new Set(bytes).size).toBeGreaterThan(150);
  });
});
