import { describe, expect, it } from 'vitest';
import { decodeAlaw, decodeUlaw, encodeUlaw, ulawToAlaw } from '../../../../codecs/g711.ts';
import { G722Decoder } from '../../../../codecs/g722.ts';
import { sine, ToneDetector } from '../../../../codecs/tones.ts';
import { type AudioFormat, audioFormats, sampleRate } from '../../../../src/core/audio.ts';
import { createEncoder } from '../../../../src/media/outbound/encoder.ts';
import { Playout } from '../../../../src/media/outbound/playout.ts';
import { createVoice, type Voice } from '../../../../src/media/outbound/voice.ts';
import { type CodecName, codecNames } from '../../../../src/sdp/plan.ts';
import { seeded } from '../recording-socket.ts';

/** `ms` of a sine of 1 kHz as the agent would send it. */
function sound(format: AudioFormat, ms: number, level = -10): Buffer {
  const samples = new Int16Array((sampleRate(format) * ms) / 1000);
  sine(sampleRate(format), 1000, level).generate(samples, 0, samples.length);
  if (format !== 'ulaw_8000') return Buffer.from(samples.buffer);
  const bytes = Buffer.alloc(samples.length);
  encodeUlaw(samples, 0, samples.length, bytes, 0);
  return bytes;
}

function decode(codec: CodecName, payload: Uint8Array): Int16Array {
  const samples = new Int16Array(payload.length * (codec === 'G722' ? 2 : 1));
  if (codec === 'PCMU') decodeUlaw(payload, 0, payload.length, samples, 0);
  if (codec === 'PCMA') decodeAlaw(payload, 0, payload.length, samples, 0);
  if (codec === 'G722') new G722Decoder().decode(payload, 0, payload.length, samples, 0);
  return samples;
}

/** Renders frames until there is nothing left, and puts their payload together. */
function renderAll(voice: Voice, frameBytes: number): Buffer {
  const frames: Buffer[] = [];
  for (;;) {
    const frame = Buffer.alloc(frameBytes);
    if (!voice.render(frame, 0, frameBytes)) return Buffer.concat(frames);
    frames.push(frame);
  }
}

function voiceOf(format: AudioFormat, codec: CodecName): { playout: Playout; voice: Voice } {
  const playout = new Playout(format);
  return { playout, voice: createVoice(playout, createEncoder(codec)) };
}

const peak = (samples: Int16Array) => samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);

describe('Voice', () => {
  it.each(audioFormats.flatMap(format => codecNames.map(codec => [format, codec] as const)))(
    'carries %s to %s with its pitch, level and length',
    (format, codec) => {
      const { playout, voice } = voiceOf(format, codec);
      playout.push(1, sound(format, 1000));
      const payload = renderAll(voice, 160);
      const rate = codec === 'G722' ? 16_000 : 8000;
      const samples = decode(codec, payload);
      expect(payload.length).toBeGreaterThanOrEqual(8000);
      expect(payload.length).toBeLessThanOrEqual(8000 + 320);
      const level = new ToneDetector(rate, 1000).level(samples, rate * 0.1, rate * 0.8);
      expect(Math.abs(level + 10)).toBeLessThan(1);
    },
  );

  it('passes mu-law through to PCMU byte for byte, and to PCMA through the table alone', () => {
    const bytes = Buffer.from(Array.from({ length: 320 }, (_, i) => i & 0xff));
    const pass = voiceOf('ulaw_8000', 'PCMU');
    pass.playout.push(1, bytes);
    expect(renderAll(pass.voice, 160).equals(bytes)).toBe(true);
    const cross = voiceOf('ulaw_8000', 'PCMA');
    cross.playout.push(1, bytes);
    expect(renderAll(cross.voice, 160).equals(Buffer.from(bytes.map(byte => ulawToAlaw[byte]!)))).toBe(true);
  });

  it.each(['pcm_16000', 'pcm_22050', 'ulaw_8000'] as const)(
    'makes the same payload of %s however its pieces are cut, odd bytes included',
    format => {
      const whole = voiceOf(format, 'PCMA');
      whole.playout.push(1, sound(format, 400));
      const expected = renderAll(whole.voice, 160);
      const random = seeded(19);
      const cut = voiceOf(format, 'PCMA');
      const bytes = sound(format, 400);
      for (let at = 0; at < bytes.length; ) {
        const length = 1 + Math.floor(random() * 999);
        cut.playout.push(1, bytes.subarray(at, at + length));
        at += length;
      }
      expect(renderAll(cut.voice, 160).equals(expected)).toBe(true);
    },
  );

  it.each([
    ['ulaw_8000', 'PCMU', 0xff],
    ['ulaw_8000', 'PCMA', 0xd5],
    ['pcm_8000', 'PCMU', 0xff],
  ] as const)('fills the last frame of %s to %s with silence', (format, codec, silence) => {
    const { playout, voice } = voiceOf(format, codec);
    playout.push(1, sound(format, 5));
    const frame = Buffer.alloc(160);
    expect(voice.render(frame, 0, 160)).toBe(true);
    expect(new Set(frame.subarray(40))).toEqual(new Set([silence]));
    expect(voice.render(frame, 0, 160)).toBe(false);
  });

  it('lets the resampler give back the end of the last sound', () => {
    const { playout, voice } = voiceOf('pcm_24000', 'PCMU');
    playout.push(1, sound('pcm_24000', 20));
    const samples = decode('PCMU', renderAll(voice, 160));
    const energy = (from: number, to: number) => samples.slice(from, to).reduce((sum, s) => sum + s * s, 0);
    // 20 ms of a sine at -10 dBFS, wherever the filter's delay puts them: none of it is missing.
    const expected = 160 * (32767 * 10 ** (-10 / 20)) ** 2 * 0.5;
    expect(energy(0, samples.length) / expected).toBeGreaterThan(0.95);
    expect(energy(160, samples.length)).toBeGreaterThan(0);
  });

  it.each([
    ['ulaw_8000', 'PCMU'],
    ['ulaw_8000', 'PCMA'],
    ['pcm_16000', 'PCMU'],
    ['pcm_16000', 'G722'],
    ['pcm_44100', 'PCMA'],
  ] as const)('cut with a fade leaves 5 ms of %s to %s that sink to nothing', (format, codec) => {
    const { playout, voice } = voiceOf(format, codec);
    playout.push(1, sound(format, 1000));
    const before = Buffer.alloc(160);
    voice.render(before, 0, 160);
    voice.cut(true);
    playout.interrupt(1);
    const after = renderAll(voice, 160);
    expect(after.length).toBe(160);
    const both = decode(codec, Buffer.concat([before, after]));
    const perMs = codec === 'G722' ? 16 : 8;
    // G.722 gives everything 22 samples late, so its fade reaches into the seventh ms.
    const silentFrom = (20 + (codec === 'G722' ? 7 : 5)) * perMs;
    expect(peak(both.subarray(20 * perMs, 22 * perMs))).toBeGreaterThan(4000);
    expect(peak(both.subarray(silentFrom))).toBeLessThan(200);
    const steps = [...both.subarray(perMs, silentFrom)].map((s, i) => Math.abs(s - both[perMs + i - 1]!));
    // No click: the fade has no step that the sine itself, at its steepest, does not have.
    expect(Math.max(...steps)).toBeLessThan(((2 * Math.PI * 1000) / (perMs * 1000)) * 10_400 * 1.25);
  });

  it('cut without a fade leaves nothing at all', () => {
    const { playout, voice } = voiceOf('pcm_16000', 'PCMU');
    playout.push(1, sound('pcm_16000', 1000));
    voice.render(Buffer.alloc(160), 0, 160);
    voice.cut(false);
    playout.interrupt(1);
    expect(voice.render(Buffer.alloc(160), 0, 160)).toBe(false);
  });

  it('begins what follows a cut with its first sample', () => {
    const fresh = voiceOf('pcm_16000', 'PCMU');
    fresh.playout.push(1, sound('pcm_16000', 100));
    const expected = renderAll(fresh.voice, 160);
    const { playout, voice } = voiceOf('pcm_16000', 'PCMU');
    playout.push(1, sound('pcm_16000', 333));
    voice.render(Buffer.alloc(160), 0, 160);
    voice.cut(false);
    playout.interrupt(1);
    playout.push(2, sound('pcm_16000', 100));
    expect(renderAll(voice, 160).equals(expected)).toBe(true);
  });

  it('prints its stages', () => {
    const text = (format: AudioFormat, codec: CodecName) => String(voiceOf(format, codec).voice);
    expect(text('ulaw_8000', 'PCMU')).toBe('pcmu(pass)');
    expect(text('ulaw_8000', 'PCMA')).toBe('ulaw>alaw');
    expect(text('ulaw_8000', 'G722')).toBe('ulaw(decode) -> 8000>16000 -> g722(encode)');
    expect(text('pcm_16000', 'G722')).toBe('g722(encode)');
    expect(text('pcm_24000', 'PCMA')).toBe('24000>8000 -> pcma(encode)');
  });
});
