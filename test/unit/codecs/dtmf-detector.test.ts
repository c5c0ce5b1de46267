import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { DtmfDetector } from '../../../codecs/dtmf-detector.ts';
import { decodeUlaw, encodeUlaw } from '../../../codecs/g711.ts';
import { G722Decoder, G722Encoder } from '../../../codecs/g722.ts';
import { DTMF_KEYS, DTMF_PAIRS } from '../../../codecs/tones.ts';
import { seededRandom as seeded } from '../../support/impairment.ts';
import { requirePrograms } from '../../support/programs.ts';

/** The keys in some sound, given in pieces of 20 ms as a leg gives it; and in how many pieces something sounded. */
function keysIn(samples: Int16Array, rate: number): { keys: string; sounding: number } {
  const detector = new DtmfDetector(rate);
  const piece = rate / 50;
  let keys = '';
  let sounding = 0;
  for (let at = 0; at + piece <= samples.length; at += piece) {
    detector.take(samples, at, piece);
    keys += detector.begun;
    if (detector.sounding) sounding++;
  }
  return { keys, sounding };
}

interface Press {
  readonly ms?: number;
  readonly gapMs?: number;
  /** Levels of the two frequencies, dBFS. */
  readonly low?: number;
  readonly high?: number;
  /** By how much both frequencies are off. */
  readonly off?: number;
}

/** Every key once, by arithmetic of its own: sines of Math.sin at odd phases and times. */
function pressed(rate: number, press: Press, keys: string = DTMF_KEYS, seed = 1): Int16Array {
  const { ms = 50, gapMs = 50, low = -13, high = -13, off = 1 } = press;
  const random = seeded(seed);
  const samples: number[] = new Array(Math.round(((30 + 20 * random()) * rate) / 1000)).fill(0);
  for (const key of keys) {
    const [first, second] = DTMF_PAIRS[key] ?? [0, 0];
    const [p, q] = [6 * random(), 6 * random()];
    for (let i = 0; i < Math.round((ms * rate) / 1000); i++) {
      const at = (2 * Math.PI * off * i) / rate;
      const sum = 10 ** (low / 20) * Math.sin(p + first * at) + 10 ** (high / 20) * Math.sin(q + second * at);
      samples.push(Math.max(-32768, Math.min(32767, Math.round(32767 * sum))));
    }
    for (let i = Math.round(((gapMs + random()) * rate) / 1000); i > 0; i--) samples.push(0);
  }
  return Int16Array.from([...samples, ...new Array(rate / 10).fill(0)]);
}

/** The same with white noise, `db` under the tones. */
function noisy(samples: Int16Array, db: number, seed = 7): Int16Array {
  const random = seeded(seed);
  const amplitude = 32767 * 10 ** ((-10 - db) / 20) * Math.SQRT1_2;
  return samples.map(sample => {
    const gauss = Math.sqrt(-2 * Math.log(random() || 1e-9)) * Math.cos(2 * Math.PI * random());
    return Math.max(-32768, Math.min(32767, Math.round(sample + amplitude * gauss)));
  });
}

describe.each([8000, 16_000])('a detector of keys at %i Hz', rate => {
  const found = (press: Press, seed = 1) => keysIn(pressed(rate, press, DTMF_KEYS, seed), rate).keys;
  const seeds = [1, 2, 3, 4, 5];

  it.each([
    ['of 50 ms', {}],
    ['of 40 ms, 40 ms apart', { ms: 40, gapMs: 40 }],
    ['of a second', { ms: 1000 }],
    ['whose high tone is 8 dB over the low one', { low: -18, high: -10 }],
    ['whose low tone is 8 dB over the high one', { low: -10, high: -18 }],
    ['1.5 % too high', { off: 1.015 }],
    ['1.5 % too low', { off: 0.985 }],
    ['that are faint', { low: -36, high: -36 }],
    ['that are clipped', { low: -3, high: -3 }],
  ] satisfies [string, Press][])('finds each key once in tones %s', (_, press) => {
    for (const seed of seeds) expect(found(press, seed)).toBe(DTMF_KEYS);
  });

  it.each([
    ['of 23 ms', { ms: 23 }],
    ['3.5 % too high', { off: 1.035 }],
    ['3.5 % too low', { off: 0.965 }],
    ['with 12 dB between the two', { low: -25, high: -13 }],
    ['too faint to be meant', { low: -45, high: -45 }],
  ] satisfies [string, Press][])('takes tones %s for no key', (_, press) => {
    for (const seed of seeds) expect(found(press, seed)).toBe('');
  });

  it('finds them in noise 15 dB below', () => {
    for (const seed of seeds) {
      expect(keysIn(noisy(pressed(rate, {}, DTMF_KEYS, seed), 15, seed), rate).keys).toBe(DTMF_KEYS);
    }
  });

  it('takes a key with a hole of 10 ms for one press, and one after a pause of 40 ms for two', () => {
    expect(keysIn(pressed(rate, { gapMs: 10 }, '55'), rate).keys).toBe('5');
    expect(keysIn(pressed(rate, { gapMs: 40, ms: 40 }, '55'), rate).keys).toBe('55');
  });

  it('says that something sounds in tones that are too short or too weak for a key', () => {
    for (const press of [{ ms: 23 }, { low: -45, high: -45 }, { low: -25, high: -13 }]) {
      expect(keysIn(pressed(rate, press), rate).sounding).toBeGreaterThanOrEqual(DTMF_KEYS.length);
    }
  });

  it('finds none in silence, in noise, or in one tone alone', () => {
    const silence = new Int16Array(rate);
    expect(keysIn(silence, rate)).toEqual({ keys: '', sounding: 0 });
    expect(keysIn(noisy(silence, 0), rate)).toEqual({ keys: '', sounding: 0 });
    expect(keysIn(pressed(rate, { ms: 200, high: -90 }), rate).keys).toBe('');
    expect(keysIn(pressed(rate, { ms: 200, low: -90 }), rate).keys).toBe('');
  });
});

describe('a detector of keys', () => {
  it('finds them behind G.711 and G.722', () => {
    const narrow = pressed(8000, {});
    const bytes = new Uint8Array(narrow.length);
    encodeUlaw(narrow, 0, narrow.length, bytes, 0);
    decodeUlaw(bytes, 0, bytes.length, narrow, 0);
    expect(keysIn(narrow, 8000).keys).toBe(DTMF_KEYS);
    const wide = pressed(16_000, {});
    const even = wide.length - (wide.length % 2);
    const coded = new Uint8Array(even / 2);
    new G722Encoder().encode(wide, 0, even, coded, 0);
    new G722Decoder().decode(coded, 0, coded.length, wide, 0);
    expect(keysIn(wide, 16_000).keys).toBe(DTMF_KEYS);
  });

  it('works at multiples of 8 kHz alone', () => {
    expect(() => new DtmfDetector(22_050)).toThrow(/8000 Hz, not at 22050/);
  });
});

const raw = (bytes: Buffer) =>
  new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
const format = ['-t', 'raw', '-r', '8000', '-e', 'signed', '-b', '16', '-c', '1'];
const quiet = { maxBuffer: 1 << 26, stdio: ['pipe', 'pipe', 'ignore'] as ['pipe', 'pipe', 'ignore'] };

describe.runIf(requirePrograms('tones of others', ['sox', 'ffmpeg']))(
  'tones that other programs made',
  { timeout: 60_000 },
  () => {
    it('are found in those of sox, each key once', () => {
      const parts = [...DTMF_KEYS].map(key => {
        const [low, high] = DTMF_PAIRS[key] ?? [0, 0];
        const synth = ['synth', '0.06', 'sine', `${low}`, 'sine', `${high}`, 'remix', '1-2', 'gain', '-9'];
        return raw(execFileSync('sox', ['-n', ...format, '-', ...synth, 'pad', '0.02', '0.06'], quiet));
      });
      const all = Int16Array.from(parts.flatMap(part => [...part]));
      expect(keysIn(all, 8000).keys).toBe(DTMF_KEYS);
    });

    it('are found in those of ffmpeg, each key once', () => {
      const inputs = [...DTMF_KEYS].flatMap(key => {
        const [low, high] = DTMF_PAIRS[key] ?? [0, 0];
        const tone = `0.2*sin(2*PI*${low}*t)+0.2*sin(2*PI*${high}*t)`;
        return ['-f', 'lavfi', '-i', `aevalsrc='if(lt(t,0.06),${tone},0)':s=8000:d=0.12`];
      });
      const concat = `concat=n=${DTMF_KEYS.length}:v=0:a=1`;
      const sound = execFileSync(
        'ffmpeg',
        ['-v', 'quiet', ...inputs, '-filter_complex', concat, '-f', 's16le', '-'],
        quiet,
      );
      expect(keysIn(raw(sound), 8000).keys).toBe(DTMF_KEYS);
    });
  },
);

describe.runIf(requirePrograms('talk-off', ['sox', 'espeak-ng']))('speech', { timeout: 60_000 }, () => {
  const text = [
    'My code is seven three nine one six four. '.repeat(6),
    'Please transfer me to sales, I have been waiting for twenty minutes. Hello? Yes. No. Maybe. '.repeat(4),
    'The quick brown fox jumps over the lazy dog, while eight of nine singers hum the same low note. '.repeat(
      4,
    ),
  ].join(' ');

  it.each(['en', 'en+f3', 'en+m5', 'de', 'fr', 'es'])('of voice %s is never taken for a key', voice => {
    const speech = execFileSync('espeak-ng', ['-v', voice, '-s', '170', '--stdout', text], quiet);
    const at8k = execFileSync('sox', ['-t', 'wav', '-', ...format, '-'], { ...quiet, input: speech });
    const samples = raw(at8k);
    expect(samples.length).toBeGreaterThan(40 * 8000);
    const { keys, sounding } = keysIn(samples, 8000);
    expect(keys).toBe('');
    // What secure mode would silence of it, 120 ms at a time: rarely a syllable.
    expect(sounding / (samples.length / 160)).toBeLessThan(0.02);
  });
});
