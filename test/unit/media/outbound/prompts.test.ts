import { describe, expect, it } from 'vitest';
import { builtInSounds } from '../../../../src/core/prompt.ts';
import { mediaLimits } from '../../../../src/media/limits.ts';
import { samplesOf } from '../../../../src/media/outbound/built-in-sounds.ts';
import { Prompts } from '../../../../src/media/outbound/prompts.ts';

const recorded = {
  name: 'a.wav',
  narrow: Int16Array.from({ length: 400 }, (_, i) => i + 1),
  wide: Int16Array.from({ length: 800 }, (_, i) => (i >> 1) + 1),
};

/** The next `count` samples, or undefined when there is nothing to be heard. */
function next(prompts: Prompts, how: 'once' | 'background', count = 160): number[] | undefined {
  const dst = new Int16Array(count).fill(-1);
  return (how === 'once' ? prompts.once(dst, count, false) : prompts.background(dst, count))
    ? [...dst]
    : undefined;
}

describe('a sound that is played once', () => {
  it('is heard from its first sample to its last, and tells its end when a jitter buffer has played that too', () => {
    const prompts = new Prompts();
    let ends = 0;
    expect(prompts.play(recorded, 'now', () => ends++)).toBe(true);
    const heard: number[] = [];
    for (let i = 0; i < 3; i++) heard.push(...(next(prompts, 'once') ?? []));
    expect(heard.slice(0, 400)).toEqual([...recorded.narrow]);
    expect(heard.slice(400).every(sample => sample === 0)).toBe(true);
    expect(ends).toBe(0);
    for (let i = 0; i < mediaLimits.drainTailMs / 20; i++) next(prompts, 'once');
    expect(ends).toBe(1);
    expect(prompts.playing).toBe(false);
    expect(next(prompts, 'once')).toBeUndefined();
  });

  it('waits for the one before it, and is refused when too many wait', () => {
    const prompts = new Prompts();
    const order: number[] = [];
    for (let i = 0; i < mediaLimits.promptsQueued; i++) prompts.play(recorded, 'now', () => order.push(i));
    expect(prompts.play(recorded, 'now')).toBe(false);
    while (prompts.playing) next(prompts, 'once');
    expect(order).toEqual([0, 1, 2, 3]);
  });

  it('goes on from where it was when the codec changes', () => {
    const prompts = new Prompts();
    prompts.play(recorded, 'now');
    next(prompts, 'once');
    prompts.tune(16_000);
    expect(next(prompts, 'once', 4)).toEqual([161, 161, 162, 162]);
  });
});

describe('a sound in the background', () => {
  it('is heard over and over until it is ended, and then fades out', () => {
    const prompts = new Prompts();
    prompts.loop(recorded);
    for (let i = 0; i < 5; i++) next(prompts, 'background');
    prompts.loop(undefined);
    const fading = next(prompts, 'background') ?? [];
    expect(fading[0]).toBeGreaterThan(0);
    expect(fading.slice(40).every(sample => sample === 0)).toBe(true);
    expect(next(prompts, 'background')).toBeUndefined();
  });

  it('is gone without a fade when other sound takes its place', () => {
    const prompts = new Prompts();
    prompts.loop('working');
    prompts.drop();
    expect(next(prompts, 'background')).toBeUndefined();
  });
});

describe('a built-in sound', () => {
  it.each(builtInSounds)('%s begins and ends without a click at both rates, over and over too', name => {
    for (const rate of [8000, 16_000] as const) {
      const loop = samplesOf(name, rate, 'over and over');
      const once = samplesOf(name, rate, 'once');
      expect(once.length).toBeLessThanOrEqual(2 * rate);
      let largest = 0;
      for (let i = 0; i < loop.length; i++) {
        largest = Math.max(largest, Math.abs(loop[(i + 1) % loop.length]! - loop[i]!));
      }
      // A sine of 1 kHz at -18 dBFS climbs by less than this from one sample to the next, two of 480 Hz at -19 too.
      expect(largest).toBeLessThan(3600);
      expect(Math.max(...once)).toBeGreaterThan(30);
    }
  });
});
