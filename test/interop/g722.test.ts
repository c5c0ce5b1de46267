import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { G722Decoder, G722Encoder } from '../../codecs/g722.ts';
import { requirePrograms } from '../support/programs.ts';

const SECONDS = 6;
const SAMPLES = 16_000 * SECONDS;
const FRAME = 320;

const available = requirePrograms('G.722 against ffmpeg', ['ffmpeg']);

function ffmpeg(input: Uint8Array, ...args: string[]): Uint8Array {
  const run = spawnSync('ffmpeg', ['-v', 'error', ...args, '-'], {
    input,
    maxBuffer: 64 * 1024 * 1024,
    timeout: 20_000,
  });
  if (run.status !== 0) throw new Error(`ffmpeg failed: ${run.stderr}`);
  return run.stdout;
}

const ffmpegEncode = (pcm: Int16Array) =>
  ffmpeg(
    new Uint8Array(pcm.buffer),
    '-f',
    's16le',
    '-ar',
    '16000',
    '-ac',
    '1',
    '-i',
    '-',
    '-acodec',
    'g722',
    '-f',
    'g722',
  );

function ffmpegDecode(bytes: Uint8Array): Int16Array {
  const raw = ffmpeg(bytes, '-f', 'g722', '-i', '-', '-f', 's16le', '-ar', '16000', '-ac', '1');
  return new Int16Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength));
}

/** Noise in [-1, 1), the same in every run. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return state / 2 ** 31;
  };
}

/** Something like speech: a gliding voice with overtones in syllables, hissing between them. */
function syllables(): Int16Array {
  const hiss = noise(1);
  let phase = 0;
  return Int16Array.from({ length: SAMPLES }, (_, i) => {
    const t = i / 16_000;
    phase += (2 * Math.PI * (140 + 50 * Math.sin(2 * t))) / 16_000;
    const syllable = Math.max(0, Math.sin(2 * Math.PI * 3 * t));
    let voice = 0;
    for (let n = 1; n <= 30; n++) voice += Math.sin(n * phase) / (1 + Math.abs(n - 4) / 2);
    return 3000 * syllable * voice + 2500 * (1 - syllable) * hiss();
  });
}

const clip = (value: number) => Math.max(-32_768, Math.min(32_767, Math.round(value)));
const signals: { name: string; pcm: () => Int16Array }[] = [
  { name: 'speech-like syllables', pcm: syllables },
  {
    name: 'tones in both bands with noise',
    pcm: () => {
      const hiss = noise(2);
      return Int16Array.from({ length: SAMPLES }, (_, i) =>
        clip(9000 * Math.sin(i * 0.11) + 6000 * Math.sin(i * 0.9) + 5000 * Math.sin(i * 2.2) + 3000 * hiss()),
      );
    },
  },
  {
    name: 'a sweep at full scale',
    pcm: () =>
      Int16Array.from({ length: SAMPLES }, (_, i) => clip(32_767 * Math.sin((i * i * 1.5) / SAMPLES))),
  },
  {
    name: 'noise that clips',
    pcm: () => {
      const hiss = noise(3);
      return Int16Array.from({ length: SAMPLES }, () => clip(60_000 * hiss()));
    },
  },
  {
    name: 'silence with single clicks',
    pcm: () => Int16Array.from({ length: SAMPLES }, (_, i) => (i % 4001 === 0 ? -32_768 : 0)),
  },
  {
    name: 'noise of every loudness from one bit to full scale',
    pcm: () => {
      const hiss = noise(5);
      return Int16Array.from({ length: SAMPLES }, (_, i) => clip(2 ** ((i >> 9) % 17) * hiss()));
    },
  },
  {
    name: 'jumps between the extremes, from every sample to every eighth of a second',
    pcm: () =>
      Int16Array.from({ length: SAMPLES }, (_, i) =>
        (i >> Math.floor(i / (SAMPLES / 12))) & 1 ? 32_767 : -32_768,
      ),
  },
  {
    name: 'extremes in no order',
    pcm: () => {
      const any = noise(6);
      return Int16Array.from({ length: SAMPLES }, () => (any() < 0 ? -32_768 : 32_767));
    },
  },
];

describe.skipIf(!available)('G.722 against ffmpeg', () => {
  it.each(signals)('encodes $name to the same bytes, frame by frame', ({ pcm }) => {
    const sound = pcm();
    const ours = new Uint8Array(SAMPLES / 2);
    const encoder = new G722Encoder();
    for (let at = 0; at < SAMPLES; at += FRAME) encoder.encode(sound, at, FRAME, ours, at / 2);
    expect(Buffer.compare(ours, ffmpegEncode(sound))).toBe(0);
  });

  it.each(signals)('decodes $name to the same samples, frame by frame', ({ pcm }) => {
    const bytes = ffmpegEncode(pcm());
    const ours = new Int16Array(SAMPLES);
    const decoder = new G722Decoder();
    for (let at = 0; at < SAMPLES; at += FRAME) decoder.decode(bytes, at / 2, FRAME / 2, ours, at);
    expect(Buffer.compare(new Uint8Array(ours.buffer), new Uint8Array(ffmpegDecode(bytes).buffer))).toBe(0);
  });

  const random = noise(4);
  it.each([
    { name: 'in no order', byteAt: () => (random() + 1) * 128 },
    { name: 'each of which stays for a while', byteAt: (i: number) => i >> 7 },
    { name: 'that swing to and fro', byteAt: (i: number) => (i & 1 ? i >> 7 : ~(i >> 7)) },
  ])('decodes bytes that no encoder made, $name, to the same samples', ({ byteAt }) => {
    const bytes = Uint8Array.from({ length: SAMPLES / 2 }, (_, i) => byteAt(i));
    const ours = new Int16Array(SAMPLES);
    new G722Decoder().decode(bytes, 0, bytes.length, ours, 0);
    expect(Buffer.compare(new Uint8Array(ours.buffer), new Uint8Array(ffmpegDecode(bytes).buffer))).toBe(0);
  });
});
