import { describe, expect, it } from 'vitest';
import { Resampler } from '../../../codecs/resampler.ts';

const RATES = [8000, 16_000, 22_050, 24_000, 44_100, 48_000];
const PAIRS = RATES.flatMap(from => RATES.filter(to => to !== from).map(to => ({ from, to })));
/** The spectrum is measured over this many output samples, once the filter is filled. */
const MEASURED = 2048;
const AMPLITUDE = 30_000;

function tone(rateHz: number, frequencyHz: number, samples: number): Int16Array {
  return Int16Array.from({ length: samples }, (_, i) =>
    Math.round(AMPLITUDE * Math.sin((2 * Math.PI * frequencyHz * i) / rateHz + 0.3)),
  );
}

/** Resamples a tone and returns the part of the output that has neither beginning nor end in it. */
function steady(from: number, to: number, frequencyHz: number): Int16Array {
  const resampler = new Resampler(from, to);
  const input = tone(from, frequencyHz, Math.ceil(((MEASURED + 2 * resampler.delaySamples + 8) * from) / to));
  const out = new Int16Array(resampler.maxOutput(input.length));
  const written = resampler.process(input, 0, input.length, out, 0);
  return out.slice(written - MEASURED, written);
}

/** Splits a signal into the best sine of one frequency and the rest; both as dB below the tone that went in. */
function analyse(signal: Int16Array, rateHz: number, frequencyHz: number): { kept: number; rest: number } {
  const w = (2 * Math.PI * frequencyHz) / rateHz;
  let [cc, ss, cs, xc, xs] = [0, 0, 0, 0, 0];
  for (let i = 0; i < signal.length; i++) {
    const c = Math.cos(w * i);
    const s = Math.sin(w * i);
    cc += c * c;
    ss += s * s;
    cs += c * s;
    xc += signal[i]! * c;
    xs += signal[i]! * s;
  }
  const determinant = cc * ss - cs * cs;
  const a = (xc * ss - xs * cs) / determinant;
  const b = (xs * cc - xc * cs) / determinant;
  let rest = 0;
  for (let i = 0; i < signal.length; i++)
    rest += (signal[i]! - a * Math.cos(w * i) - b * Math.sin(w * i)) ** 2;
  return { kept: decibels(Math.hypot(a, b)), rest: decibels(Math.sqrt((2 * rest) / signal.length)) };
}

function decibels(amplitude: number): number {
  return 20 * Math.log10(amplitude / AMPLITUDE + 1e-9);
}

function power(signal: Int16Array): number {
  return decibels(Math.sqrt((2 * signal.reduce((sum, x) => sum + x * x, 0)) / signal.length));
}

describe.each(PAIRS)('from $from to $to Hz', ({ from, to }) => {
  const lower = Math.min(from, to);

  it('keeps the pass band within 0.5 dB and everything that is not the tone below -50 dB', () => {
    for (let part = 0.0125; part <= 0.4251; part += 0.0275) {
      const { kept, rest } = analyse(steady(from, to, part * lower), to, part * lower);
      expect(Math.abs(kept), `loss at ${Math.round(part * lower)} Hz`).toBeLessThan(0.5);
      expect(rest, `images of ${Math.round(part * lower)} Hz`).toBeLessThan(-50);
    }
  });

  it('gives the same samples however the stream is cut', () => {
    let state = from + to;
    const random = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
      return state >>> 16;
    };
    const input = Int16Array.from({ length: 9000 }, () => random());
    const whole = new Int16Array(new Resampler(from, to).maxOutput(9000));
    const length = new Resampler(from, to).process(input, 0, 9000, whole, 0);
    const resampler = new Resampler(from, to);
    const cut = new Int16Array(whole.length);
    let written = 0;
    for (let at = 0; at < 9000; ) {
      const size = Math.min(random() % 3 === 0 ? 1 + (random() % 3) : random() % 1500, 9000 - at);
      const made = resampler.process(input, at, size, cut, written);
      expect(made).toBeLessThanOrEqual(resampler.maxOutput(size));
      written += made;
      at += size;
    }
    expect(written).toBe(length);
    expect(Buffer.compare(new Uint8Array(cut.buffer), new Uint8Array(whole.buffer))).toBe(0);
  });

  it('delays by what it says, and by less than 2.5 ms', () => {
    const resampler = new Resampler(from, to);
    expect((1000 * resampler.delaySamples) / to).toBeLessThan(2.5);
    const input = new Int16Array(from / 10).fill(0, 0).fill(10_000, from / 50);
    const out = new Int16Array(resampler.maxOutput(input.length));
    const written = resampler.process(input, 0, input.length, out, 0);
    const middle = out.subarray(0, written).findIndex(sample => sample >= 5000);
    const edge = to / 50 + resampler.delaySamples - to / from / 2;
    expect(Math.abs(middle - edge)).toBeLessThanOrEqual(Math.max(1, to / from));
  });
});

describe.each(PAIRS.filter(({ from, to }) => from > to))('down from $from to $to Hz', ({ from, to }) => {
  it('lets nothing through that the lower rate cannot carry', () => {
    for (let frequency = to / 2; frequency < from / 2; frequency += (from - to) / 24 + 1) {
      expect(power(steady(from, to, frequency)), `alias of ${Math.round(frequency)} Hz`).toBeLessThan(-50);
    }
  });
});

describe.each(PAIRS.filter(({ from, to }) => from < to))('up from $from to $to Hz', ({ from, to }) => {
  it('makes no image of a tone anywhere below half the lower rate', () => {
    for (let part = 0.43; part < 0.5; part += 0.01) {
      const { rest } = analyse(steady(from, to, part * from), to, part * from);
      expect(rest, `images of ${Math.round(part * from)} Hz`).toBeLessThan(-50);
    }
  });
});

describe('a resampler', () => {
  it('makes exactly 20 ms of 20 ms, frame after frame, where the rates divide', () => {
    for (const { from, to } of PAIRS) {
      if ((from * 20) % 1000 !== 0 || (to * 20) % 1000 !== 0) continue;
      const resampler = new Resampler(from, to);
      const frame = new Int16Array(from / 50);
      const out = new Int16Array(to / 50);
      for (let i = 0; i < 5; i++) expect(resampler.process(frame, 0, frame.length, out, 0)).toBe(to / 50);
    }
  });

  it('starts from nothing again after reset, wherever between two samples it stood', () => {
    const resampler = new Resampler(48_000, 22_050);
    const input = tone(48_000, 900, 500);
    const first = new Int16Array(240);
    const length = resampler.process(input, 0, 500, first, 0);
    for (let stood = 1; stood < 14; stood++) {
      resampler.reset();
      resampler.process(input, 0, stood, new Int16Array(240), 0);
      resampler.reset();
      const again = new Int16Array(240);
      expect(resampler.process(input, 0, 500, again, 0)).toBe(length);
      expect(again).toEqual(first);
    }
  });

  it('clips instead of wrapping when the filter overshoots full scale', () => {
    const resampler = new Resampler(8000, 16_000);
    const square = Int16Array.from({ length: 800 }, (_, i) => (Math.floor(i / 20) % 2 ? 32_767 : -32_768));
    const out = new Int16Array(1600);
    resampler.process(square, 0, 800, out, 0);
    expect(out.filter((x, i) => i > 100 && Math.abs(x - (out[i - 1] ?? 0)) > 60_000)).toHaveLength(0);
    expect(Math.max(...out)).toBe(32_767);
  });

  it('passes equal rates through unchanged and without delay', () => {
    const resampler = new Resampler(16_000, 16_000);
    const input = tone(16_000, 440, 3000);
    const out = new Int16Array(3000);
    expect(resampler.process(input, 0, 3000, out, 0)).toBe(3000);
    expect(out).toEqual(input);
    expect(resampler.delaySamples).toBe(0);
  });

  it('refuses rates that are no rates, and pairs whose filter would be huge', () => {
    expect(() => new Resampler(0, 8000)).toThrow(RangeError);
    expect(() => new Resampler(8000, 16_000.5)).toThrow(RangeError);
    expect(() => new Resampler(8000, Number.NaN)).toThrow(RangeError);
    expect(() => new Resampler(7919, 48_000)).toThrow(RangeError);
  });
});
