import { describe, expect, it } from 'vitest';
import { DTMF_KEYS, DTMF_PAIRS, dtmf, FLOOR_DBFS, sine, Tone, ToneDetector } from '../../../codecs/tones.ts';

function play(tone: Tone, samples: number): Int16Array {
  const out = new Int16Array(samples);
  tone.generate(out, 0, samples);
  return out;
}

describe('a tone', () => {
  it.each([
    [8000, 400, 0],
    [8000, 3400, -20],
    [16_000, 5000, -6],
    [48_000, 1000, -40],
  ])('at %i Hz of %i Hz has the asked level of %i dBFS', (rate, frequency, level) => {
    const out = play(sine(rate, frequency, level), rate / 5);
    expect(new ToneDetector(rate, frequency).level(out, 0, out.length)).toBeCloseTo(level, 1);
  });

  it('is a sine to within one step of 16 bits, a second long', () => {
    const out = play(sine(8000, 1004, -3), 8000);
    const amplitude = 32_767 * 10 ** (-3 / 20);
    let worst = 0;
    for (let i = 0; i < out.length; i++) {
      worst = Math.max(worst, Math.abs(out[i]! - amplitude * Math.sin((2 * Math.PI * 1004 * i) / 8000)));
    }
    expect(worst).toBeLessThan(1);
  });

  it('has no seam between calls', () => {
    const whole = play(sine(8000, 777, -10), 1000);
    const cut = new Int16Array(1000);
    const tone = sine(8000, 777, -10);
    for (let at = 0, size = 1; at < 1000; at += size, size++) {
      size = Math.min(size, 1000 - at);
      tone.generate(cut, at, size);
    }
    expect(cut).toEqual(whole);
  });

  it('clips instead of wrapping when two voices are too loud together', () => {
    const out = play(new Tone(8000, { frequenciesHz: [1000, 1000], levelDbfs: -1 }), 80);
    expect(Math.max(...out)).toBe(32_767);
    expect(Math.min(...out)).toBe(-32_768);
  });

  it('refuses frequencies that the rate cannot carry, and chords', () => {
    expect(() => sine(8000, 4000, -10)).toThrow(RangeError);
    expect(() => sine(8000, 0, -10)).toThrow(RangeError);
    expect(() => new Tone(8000, { frequenciesHz: [], levelDbfs: -10 })).toThrow(RangeError);
    expect(() => new Tone(8000, { frequenciesHz: [1, 2, 3], levelDbfs: -10 })).toThrow(RangeError);
  });
});

describe('keypad tones', () => {
  it('sound with exactly the two frequencies of their key', () => {
    const frequencies = [697, 770, 852, 941, 1209, 1336, 1477, 1633];
    for (const key of DTMF_KEYS) {
      const out = play(dtmf(8000, key), 800);
      const loud = frequencies.filter(hz => new ToneDetector(8000, hz).level(out, 0, 800) > -13);
      expect(loud, key).toEqual(DTMF_PAIRS[key]);
    }
  });

  it('are sixteen different pairs, one low and one high', () => {
    const pairs = [...DTMF_KEYS].map(key => DTMF_PAIRS[key]!);
    expect(new Set(pairs.map(String)).size).toBe(16);
    expect(pairs.every(([low, high]) => low < 1000 && high > 1000)).toBe(true);
  });

  it('do not exist for other characters', () => {
    for (const key of ['E', '', '12', 'toString']) expect(() => dtmf(8000, key)).toThrow(RangeError);
  });
});

describe('the tone detector', () => {
  it('tells a tone from its neighbours', () => {
    const out = play(sine(8000, 1003, -10), 800);
    expect(new ToneDetector(8000, 1118).level(out, 0, 800)).toBeLessThan(-60);
    expect(new ToneDetector(8000, 2000).level(out, 0, 800)).toBeLessThan(-70);
  });

  it('measures the same level wherever the block lies in the period', () => {
    const out = play(sine(8000, 1234, -10), 2000);
    const detector = new ToneDetector(8000, 1234);
    for (let from = 0; from < 40; from++) expect(detector.level(out, from, 401)).toBeCloseTo(-10, 1);
  });

  it('reports the floor for silence and for no samples at all', () => {
    const detector = new ToneDetector(8000, 1000);
    expect(detector.level(new Int16Array(160), 0, 160)).toBe(FLOOR_DBFS);
    expect(detector.level(new Int16Array(0), 0, 0)).toBe(FLOOR_DBFS);
  });
});
