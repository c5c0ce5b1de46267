import { describe, expect, it } from 'vitest';
import { Concealer } from '../../../codecs/concealment.ts';

const RATES = [8000, 16_000];

type Sound = (i: number) => number;

const sineOf =
  (rate: number, ...frequencies: number[]): Sound =>
  i =>
    frequencies.reduce(
      (sum, hz) => sum + (9000 / frequencies.length) * Math.sin((2 * Math.PI * hz * i) / rate),
      0,
    );

function noise(): Sound {
  let state = 9;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return state / 2 ** 18;
  };
}

/** Sends 20 ms frames of a sound through a concealer; the frames whose numbers are in `lost` never arrive. */
function through(rate: number, sound: Sound, frames: number, lost: number[]): Int16Array {
  const size = rate / 50;
  const out = Int16Array.from({ length: frames * size }, (_, i) => Math.round(sound(i)));
  const concealer = new Concealer(rate);
  for (let n = 0; n < frames; n++) {
    if (lost.includes(n)) {
      concealer.conceal(out, n * size, size);
    } else {
      concealer.recover(out, n * size, size);
      concealer.heard(out, n * size, size);
    }
  }
  return out;
}

/** The level of a stretch in dB; the unit does not matter, only differences are used. */
function level(signal: Int16Array, from: number, count: number): number {
  let sum = 1e-9;
  for (let i = from; i < from + count; i++) sum += signal[i]! ** 2;
  return 10 * Math.log10(sum / count);
}

function steepest(signal: Int16Array, from: number, to: number): number {
  let worst = 0;
  for (let i = from; i < to; i++) worst = Math.max(worst, Math.abs(signal[i]! - signal[i - 1]!));
  return worst;
}

describe.each(RATES)('concealment at %i Hz', rate => {
  const ms = rate / 1000;

  it.each([
    ['one lost frame', [10]],
    ['two', [10, 11]],
    ['three', [10, 11, 12]],
  ])('keeps a tone within 6 dB of its neighbours over %s', (_, lost) => {
    const frequencies = [
      100,
      150,
      204,
      300,
      440,
      697,
      1004,
      1477,
      2000,
      2730,
      3300,
      ...(rate > 8000 ? [5000, 6800] : []),
    ];
    for (const frequency of frequencies) {
      const out = through(rate, sineOf(rate, frequency), 20, lost);
      const before = level(out, 180 * ms, 20 * ms);
      for (let at = 200; at < 200 + 20 * lost.length + 20; at += 10) {
        const change = level(out, at * ms, 10 * ms) - before;
        expect(Math.abs(change), `${frequency} Hz at ${at - 200} ms`).toBeLessThan(6);
      }
    }
  });

  it('keeps the sound of a key within 6 dB over 40 ms', () => {
    const out = through(rate, sineOf(rate, 770, 1336), 20, [10, 11]);
    const change = level(out, 200 * ms, 40 * ms) - level(out, 160 * ms, 40 * ms);
    expect(Math.abs(change)).toBeLessThan(6);
  });

  it('repeats a voice at its own pitch', () => {
    const period = rate / 125;
    const voice: Sound = i => 12_000 * Math.exp(-(i % period) / (2 * ms)) * Math.sin(((i % period) * 4) / ms);
    const out = through(rate, voice, 20, [10]);
    for (let i = 200 * ms; i < 215 * ms; i++) {
      expect(Math.abs(out[i]! - voice(i)), `sample ${i}`).toBeLessThan(1500);
    }
  });

  it('joins both ends of a gap without a click', () => {
    for (const frequency of [213, 331, 517]) {
      const sound = sineOf(rate, frequency);
      const out = through(rate, sound, 20, [10, 11]);
      const natural = steepest(out, 1, 200 * ms);
      expect(steepest(out, 199 * ms, 260 * ms), `${frequency} Hz`).toBeLessThan(1.6 * natural);
    }
  });

  it('starts a gap where the sound stopped even if nothing in the past resembles it', () => {
    // A ramp has no period: repeating any part of it as it is would jump back by its height.
    const out = through(rate, i => (i * 30_000) / (200 * ms), 12, [10]);
    expect(Math.abs(out[200 * ms]! - out[200 * ms - 1]!)).toBeLessThan(200);
  });

  it('goes round without a click when the pitch glided', () => {
    const sound: Sound = i => 9000 * Math.sin(2 * Math.PI * (100 + (i / rate) * 700) * (i / rate));
    const out = through(rate, sound, 20, [10, 11]);
    const natural = steepest(out, 1, 200 * ms);
    expect(steepest(out, 200 * ms, 240 * ms)).toBeLessThan(1.6 * natural);
  });

  it('goes over to more periods without a click when the sound was dying away', () => {
    // 125 Hz is at its peak 10 ms into the gap, where the second period, twice as loud, comes in.
    const sound: Sound = i =>
      60_000 * Math.exp(-i / (60 * ms)) * Math.cos((2 * Math.PI * 125 * i) / rate - Math.PI / 2);
    const dying: Sound = i =>
      i < 150 * ms ? sineOf(rate, 125)(i) : sound(i) * Math.exp((150 * ms - i) / (15 * ms));
    const out = through(rate, dying, 12, [10]);
    expect(steepest(out, 205 * ms, 215 * ms)).toBeLessThan(1.6 * steepest(out, 190 * ms, 205 * ms));
  });

  it('finds the pitch of a quiet sound behind a loud one', () => {
    const quiet = sineOf(rate, 125);
    const loud = sineOf(rate, 310);
    const sound: Sound = i => (i < 172 * ms ? 3 * loud(i) : 0.1 * quiet(i));
    const out = through(rate, sound, 20, [10]);
    for (let i = 200 * ms; i < 210 * ms; i++) expect(Math.abs(out[i]! - sound(i))).toBeLessThan(100);
  });

  it('fades a long gap to silence, and out of silence again', () => {
    const out = through(rate, sineOf(rate, 440), 30, [10, 11, 12, 13, 14, 15, 16, 17]);
    const before = level(out, 180 * ms, 20 * ms);
    let last = before + 1;
    for (let at = 220; at < 320; at += 20) {
      const now = level(out, at * ms, 20 * ms);
      expect(now).toBeLessThan(last);
      last = now;
    }
    expect(out.subarray(320 * ms, 360 * ms).every(sample => sample === 0)).toBe(true);
    expect(Math.abs(level(out, 380 * ms, 20 * ms) - before)).toBeLessThan(0.5);
    expect(Math.abs(out[360 * ms + 1]!)).toBeLessThan(400);
  });

  it('does not turn noise into a louder sound', () => {
    const out = through(rate, noise(), 20, [10, 11]);
    expect(Math.abs(level(out, 200 * ms, 20 * ms) - level(out, 100 * ms, 100 * ms))).toBeLessThan(4);
  });

  it('conceals the second gap as well as the first when one frame lies between', () => {
    const out = through(rate, sineOf(rate, 440), 20, [10, 12, 14]);
    const before = level(out, 180 * ms, 20 * ms);
    for (const frame of [10, 12, 14])
      expect(Math.abs(level(out, frame * 20 * ms, 20 * ms) - before)).toBeLessThan(6);
  });

  it('keeps the phase of a tone from gap to gap, because what it concealed belongs to the past too', () => {
    // Half a period more than whole ones fits into a frame, so a past without the gap would be upside down.
    const sound = sineOf(rate, 425);
    const out = through(rate, sound, 20, [10, 12]);
    for (let i = 240 * ms; i < 260 * ms; i++) expect(Math.abs(out[i]! - sound(i))).toBeLessThan(2700);
  });

  it('gives the same gap in frames of 10 ms and of 60', () => {
    const [short, long] = [new Concealer(rate), new Concealer(rate)];
    const sound = Int16Array.from({ length: 100 * ms }, (_, i) => sineOf(rate, 350)(i));
    short.heard(sound, 0, sound.length);
    for (let at = 0; at < 100; at += 10) long.heard(sound, at * ms, 10 * ms);
    const a = new Int16Array(60 * ms);
    const b = new Int16Array(60 * ms);
    for (let at = 0; at < 60; at += 10) short.conceal(a, at * ms, 10 * ms);
    long.conceal(b, 0, 60 * ms);
    expect(a).toEqual(b);
    expect(level(a, 0, 20 * ms)).toBeGreaterThan(60);
  });

  it('leaves a frame as it is when there was no gap', () => {
    const concealer = new Concealer(rate);
    const frame = Int16Array.from({ length: 20 * ms }, (_, i) => i * 3);
    concealer.heard(frame, 0, frame.length);
    const next = frame.slice();
    concealer.recover(next, 0, next.length);
    expect(next).toEqual(frame);
  });

  it('is silent before anything was heard, and after reset', () => {
    const concealer = new Concealer(rate);
    const out = new Int16Array(20 * ms).fill(5);
    concealer.conceal(out, 0, out.length);
    expect(out.every(sample => sample === 0)).toBe(true);
    const loud = Int16Array.from({ length: 100 * ms }, (_, i) => sineOf(rate, 440)(i));
    concealer.heard(loud, 0, loud.length);
    concealer.reset();
    concealer.conceal(out.fill(5), 0, out.length);
    expect(out.every(sample => sample === 0)).toBe(true);
  });
});

describe('a concealer', () => {
  it('refuses rates that no telephone uses', () => {
    for (const rate of [0, 4000, Number.NaN, 96_000]) expect(() => new Concealer(rate)).toThrow(RangeError);
  });
});
