import { describe, expect, it } from 'vitest';
import { SilenceWatch } from '../../../src/media/silence-watch.ts';

describe('SilenceWatch', () => {
  it('notices a silence once, when it has lasted long enough', () => {
    const watch = new SilenceWatch(1000);
    watch.expect(true, 100);
    expect(watch.tick(1099, undefined)).toBe(false);
    expect(watch.tick(1100, undefined)).toBe(true);
    expect(watch.tick(5000, undefined)).toBe(false);
  });

  it('counts from the last packet, and notices the next silence as well', () => {
    const watch = new SilenceWatch(1000);
    watch.expect(true, 0);
    expect(watch.tick(1400, 500)).toBe(false);
    expect(watch.tick(1500, 500)).toBe(true);
    expect(watch.tick(1600, 1590)).toBe(false);
    expect(watch.tick(2590, 1590)).toBe(true);
  });

  it('says nothing while no RTP is expected, and counts anew when it is again', () => {
    const watch = new SilenceWatch(1000);
    expect(watch.tick(99_999, undefined)).toBe(false);
    watch.expect(true, 0);
    watch.expect(false, 500);
    expect(watch.tick(99_999, 3)).toBe(false);
    watch.expect(true, 100_000);
    watch.expect(true, 100_900);
    expect(watch.tick(100_999, 3)).toBe(false);
    expect(watch.tick(101_000, 3)).toBe(true);
  });

  it('is switched off by a timeout of zero', () => {
    const watch = new SilenceWatch(0);
    watch.expect(true, 0);
    expect(watch.tick(99_999, undefined)).toBe(false);
  });
});
