import { describe, expect, it } from 'vitest';
import { DtmfDetector } from '../../../../codecs/dtmf-detector.ts';
import { dtmf, sine } from '../../../../codecs/tones.ts';
import { KeyShield } from '../../../../src/media/inbound/key-shield.ts';

type Rate = 8000 | 16000;

/** Sends sound through a shield, tick by tick; `before` is done ahead of the tick of that number. */
function through(
  shield: KeyShield,
  samples: Int16Array,
  rate: Rate,
  before: Readonly<Record<number, () => void>> = {},
): { out: Int16Array; keys: string } {
  const count = rate / 50;
  const out = new Int16Array(samples.length);
  let keys = '';
  for (let tick = 0; tick * count < samples.length; tick++) {
    before[tick]?.();
    const sound = shield.pass(samples.subarray(tick * count, (tick + 1) * count), count, rate);
    out.set(sound.subarray(0, count), tick * count);
    keys += shield.begun;
  }
  return { out, keys };
}

/** A hum all along, with a key on top from `fromMs` to `toMs`. */
function hummed(rate: Rate, ms: number, key: string, fromMs: number, toMs: number): Int16Array {
  const perMs = rate / 1000;
  const out = new Int16Array(ms * perMs);
  sine(rate, 300, -30).generate(out, 0, out.length);
  const tone = new Int16Array((toMs - fromMs) * perMs);
  dtmf(rate, key, -13).generate(tone, 0, tone.length);
  for (let i = 0; i < tone.length; i++) out[fromMs * perMs + i]! += tone[i]!;
  return out;
}

const peak = (samples: Int16Array, rate: Rate, fromMs: number, toMs: number) =>
  samples
    .subarray((fromMs * rate) / 1000, (toMs * rate) / 1000)
    .reduce((most, s) => Math.max(most, Math.abs(s)), 0);

function soundsIn(samples: Int16Array, rate: Rate): boolean {
  const detector = new DtmfDetector(rate);
  const count = rate / 50;
  for (let at = 0; at < samples.length; at += count) {
    detector.take(samples, at, count);
    if (detector.sounding) return true;
  }
  return false;
}

describe.each([8000, 16_000] as const)('a shield at %i Hz', rate => {
  it('is not there while it is down: the sound passes untouched, at once', () => {
    const samples = hummed(rate, 200, '5', 60, 120);
    const shield = new KeyShield();
    const tick = samples.subarray(0, rate / 50);
    expect(shield.pass(tick, tick.length, rate)).toBe(tick);
    expect(soundsIn(through(shield, samples, rate).out, rate)).toBe(true);
  });

  it('delays sound by 60 ms and leaves it as it was where no key is', () => {
    const shield = new KeyShield();
    shield.raise();
    const samples = hummed(rate, 400, '5', 390, 390);
    const { out } = through(shield, samples, rate);
    const late = (60 * rate) / 1000;
    expect([...out.subarray(0, late)].every(sample => sample === 0)).toBe(true);
    expect(out.subarray(late)).toEqual(samples.subarray(0, samples.length - late));
  });

  it.each([...'0123456789*#ABCD'].flatMap(key => [100, 107, 113, 119].map(from => [key, from] as const)))(
    'leaves nothing of key %s that begins at %i ms',
    (key, from) => {
      const shield = new KeyShield();
      shield.raise();
      shield.listen(true);
      const { out, keys } = through(shield, hummed(rate, 500, key, from, from + 70), rate);
      expect(keys).toBe(key);
      expect(soundsIn(out, rate)).toBe(false);
      // From 40 ms before to 60 ms after, on the time line that is 60 ms late.
      expect(peak(out, rate, from + 60 - 20, from + 70 + 60 + 40)).toBe(0);
      expect(peak(out, rate, 60, from - 20)).toBeGreaterThan(900);
      expect(peak(out, rate, from + 70 + 60 + 120, 500)).toBeGreaterThan(900);
    },
  );

  it('leaves nothing of a tone that is too short for a key', () => {
    const shield = new KeyShield();
    shield.raise();
    for (const from of [100, 105, 110, 115]) {
      expect(soundsIn(through(shield, hummed(rate, 400, '8', from, from + 20), rate).out, rate)).toBe(false);
    }
  });

  it('silences the sound around a telephone-event, for as long as the event is still to be played', () => {
    const shield = new KeyShield();
    shield.raise();
    const { out } = through(shield, hummed(rate, 600, '1', 590, 590), rate, { 10: () => shield.event(60) });
    const ms = (tick: number) => tick * 20 + 60;
    expect(peak(out, rate, ms(8), ms(17))).toBe(0);
    expect(peak(out, rate, ms(5), ms(7))).toBeGreaterThan(900);
    expect(peak(out, rate, ms(19), ms(21))).toBeGreaterThan(900);
  });

  it('does not click: the sound beside the silence fades', () => {
    const shield = new KeyShield();
    shield.raise();
    const { out } = through(shield, hummed(rate, 600, '1', 590, 590), rate, { 10: () => shield.event(20) });
    let step = 0;
    for (let i = rate / 10; i < out.length; i++) step = Math.max(step, Math.abs(out[i]! - out[i - 1]!));
    // The largest step of the hum itself.
    expect(step).toBeLessThanOrEqual(Math.ceil(2 * Math.PI * (300 / rate) * 1037) + 2);
  });
});

describe('a shield that goes down', () => {
  it('waits for a pause, and then loses nothing but silence', () => {
    const shield = new KeyShield();
    shield.raise();
    const samples = hummed(8000, 1000, '1', 990, 990);
    samples.fill(0, 8 * 600, 8 * 800);
    const { out } = through(shield, samples, 8000, { 10: () => shield.lower() });
    expect(shield.up).toBe(false);
    // Late up to the pause, on time after it.
    expect(out.subarray(8 * 300, 8 * 600)).toEqual(samples.subarray(8 * 240, 8 * 540));
    expect(out.subarray(8 * 800)).toEqual(samples.subarray(8 * 800));
  });

  it('does not wait for it longer than three seconds', () => {
    const shield = new KeyShield();
    shield.raise();
    shield.lower();
    const samples = hummed(8000, 3100, '1', 3090, 3090);
    through(shield, samples.subarray(0, 8 * 2900), 8000);
    expect(shield.up).toBe(true);
    through(shield, samples.subarray(8 * 2900), 8000);
    expect(shield.up).toBe(false);
  });

  it('tells keys only while it listens', () => {
    const shield = new KeyShield();
    shield.raise();
    expect(through(shield, hummed(8000, 300, '7', 100, 200), 8000).keys).toBe('');
    shield.listen(true);
    expect(through(shield, hummed(8000, 300, '7', 100, 200), 8000).keys).toBe('7');
  });
});
