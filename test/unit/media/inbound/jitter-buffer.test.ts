import { describe, expect, it } from 'vitest';
import { JitterBuffer } from '../../../../src/media/inbound/jitter-buffer.ts';
import { inboundLimits as limits } from '../../../../src/media/inbound/limits.ts';
import { SoundBytes } from '../../../../src/media/inbound/sound-ring.ts';
import { RtpView } from '../../../../src/media/rtp/packet.ts';

/** A buffer with a sender of numbered packets: each byte of packet n is n. */
class Bench {
  readonly buffer = new JitterBuffer();
  readonly #view = new RtpView();
  readonly played: (number | 'lost' | 'pause')[] = [];

  put(n: number, nowMs: number, length = 160, timestamp = n * 160, sequence = n): boolean {
    Object.assign(this.#view, {
      sequence: sequence & 0xffff,
      timestamp: timestamp >>> 0,
      payloadLength: length,
    });
    return this.buffer.put(new Uint8Array(length).fill(n & 0xff), this.#view, 1, nowMs);
  }

  /** Takes 20 ms and notes what it was made of, in order, without repeats. */
  tick(nowMs: number): (number | 'lost' | 'pause')[] {
    const parts: (number | 'lost' | 'pause')[] = [];
    const sound = new SoundBytes(160);
    const { bytes } = sound;
    for (let left = 160; left > 0; ) {
      const step = this.buffer.next(nowMs, left);
      const units = this.buffer.units;
      expect(units).toBeGreaterThan(0);
      expect(units).toBeLessThanOrEqual(left);
      if (step === 'sound') {
        this.buffer.take(sound);
        for (let i = 0; i < units; i++) if (parts.at(-1) !== bytes[i]) parts.push(bytes[i]!);
      } else if (parts.at(-1) !== step) parts.push(step);
      left -= units;
    }
    this.played.push(...parts);
    return parts;
  }
}

describe('JitterBuffer', () => {
  it('is a pause before anything came', () => {
    expect(new Bench().tick(0)).toEqual(['pause']);
  });

  it('waits for the delay to begin with and then plays everything in order', () => {
    const bench = new Bench();
    for (let n = 0; n < 20; n++) {
      bench.put(n, n * 20);
      bench.tick(n * 20 + 1);
    }
    expect(bench.played.slice(0, 4)).toEqual(['pause', 'pause', 0, 1]);
    expect(bench.played.slice(2)).toEqual(Array.from({ length: 18 }, (_, n) => n));
  });

  it('puts packets that overtook each other back in order, over both wraps', () => {
    const bench = new Bench();
    const order = [0, 2, 1, 3, 5, 4, 6, 7, 9, 8];
    for (const [i, n] of order.entries()) bench.put(n, i * 20, 160, 0xffff_ff00 + n * 160, 65_532 + n);
    for (let i = 0; i < 12; i++) bench.tick(200 + i * 20);
    expect(bench.played.filter(part => typeof part === 'number')).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('makes up for a packet that is missing while later ones are there, no longer than it was', () => {
    const bench = new Bench();
    for (let n = 0; n < 8; n++) if (n !== 3) bench.put(n, n);
    for (let i = 0; i < 8; i++) bench.tick(100 + i * 20);
    expect(bench.played.slice(0, 8)).toEqual([0, 1, 2, 'lost', 4, 5, 6, 7]);
  });

  it('plays a packet that is late but not replaced by a later one, and has grown by the wait', () => {
    const bench = new Bench();
    for (let n = 0; n < 4; n++) bench.put(n, n * 20);
    for (let n = 0; n < 4; n++) bench.tick(40 + n * 20);
    expect(bench.tick(120)).toEqual(['lost']);
    expect(bench.put(4, 130)).toBe(true);
    bench.put(5, 131);
    expect(bench.tick(140)).toEqual([4]);
    expect(bench.tick(160)).toEqual([5]);
  });

  it('skips a late packet that was made up for when playing it would delay more than is wanted', () => {
    const bench = new Bench();
    for (let n = 0; n < 400; n++) {
      bench.put(n, n * 20);
      bench.tick(n * 20 + 15);
    }
    expect(bench.buffer.targetMs).toBe(limits.delayMinMs);
    let now = 400 * 20 + 15;
    while (bench.tick(now)[0] !== 'lost') now += 20;
    bench.put(400, now + 5);
    bench.put(401, now + 6);
    const parts = [bench.tick(now + 20), bench.tick(now + 40)].flat();
    expect(parts[0]).toBe(401 & 0xff);
    expect(parts).not.toContain(400 & 0xff);
  });

  it('falls silent when nothing comes any more, and is back with the next sound at the delay wanted', () => {
    const bench = new Bench();
    for (let n = 0; n < 50; n++) {
      bench.put(n, n * 20);
      bench.tick(n * 20 + 1);
    }
    const after = Array.from({ length: 20 }, (_, i) => bench.tick(1001 + i * 20)).flat();
    expect(after.filter(part => part === 'lost').length).toBeLessThanOrEqual(limits.concealMs / 20);
    expect(after.at(-1)).toBe('pause');
    // The sender's clock went on meanwhile.
    for (let n = 0; n < 10; n++) {
      bench.put(100 + n, 3000 + n * 20, 160, 150 * 160 + n * 160, 50 + n);
      bench.tick(3001 + n * 20);
    }
    const back = bench.played.slice(bench.played.lastIndexOf('pause') + 1);
    expect(back).toEqual(back.map((_, i) => 100 + i));
    expect(back.length).toBeGreaterThanOrEqual(7);
  });

  it('goes straight to silence when the sender says that it pauses', () => {
    const bench = new Bench();
    for (let n = 0; n < 5; n++) bench.put(n, n * 20);
    for (let n = 0; n < 5; n++) bench.tick(60 + n * 20);
    bench.buffer.pause();
    expect(bench.tick(160)).toEqual(['pause']);
  });

  it('holds no more than its bound: of a burst the newest is kept', () => {
    const bench = new Bench();
    for (let n = 0; n < 100; n++) bench.put(n, 5000 + n * 0.1);
    const parts = Array.from({ length: 15 }, (_, i) => bench.tick(5100 + i * 20)).flat();
    const sound = parts.filter(part => typeof part === 'number');
    expect(sound).toEqual(
      Array.from({ length: limits.bufferMs / 20 }, (_, i) => 100 - limits.bufferMs / 20 + i),
    );
  });

  it.each([
    ['ahead', 9_000_000],
    ['back', -9_000_000],
    ['a little back', -5000],
  ])('plays on when the timestamp jumps %s', (_, jump) => {
    const bench = new Bench();
    for (let n = 0; n < 60; n++) {
      const timestamp = 0x5000_0000 + n * 160 + (n >= 30 ? jump : 0);
      bench.put(n, n * 20, 160, timestamp);
      bench.tick(n * 20 + 1);
    }
    const late = bench.played.slice(30).filter(part => typeof part === 'number');
    expect(bench.played.filter(part => part === 'pause').length).toBeLessThanOrEqual(2);
    expect(late.length).toBeGreaterThanOrEqual(22);
    expect(late).toEqual([...late].sort((a, b) => (a as number) - (b as number)));
  });

  it('continues with another source where the former one ended', () => {
    const bench = new Bench();
    for (let n = 0; n < 40; n++) {
      if (n === 20) bench.buffer.remap();
      bench.put(n, n * 20, 160, n < 20 ? n * 160 : 77_777_777 + n * 160);
      bench.tick(n * 20 + 1);
    }
    expect(bench.played.slice(2)).toEqual(Array.from({ length: 38 }, (_, n) => n));
  });

  it('does not let a single stray packet of the past move its clock', () => {
    const bench = new Bench();
    for (let n = 0; n < 40; n++) {
      if (n === 20) expect(bench.put(250, 400, 160, -90_000, 9)).toBe(false);
      bench.put(n, n * 20);
      bench.tick(n * 20 + 1);
    }
    expect(bench.played.slice(2)).toEqual(Array.from({ length: 38 }, (_, n) => n));
  });

  it.each([80, 240, 320, 480, 1600])('takes packets of %i units and changes of their length', length => {
    const bench = new Bench();
    let timestamp = 0;
    let now = 0;
    for (let n = 0; n < 30; n++) {
      const size = n < 15 ? 160 : length;
      bench.put(n, now + size / 8, size, timestamp, n);
      timestamp += size;
      for (const end = now + size / 8; now < end; now += 10) if (now % 20 === 0) bench.tick(now + 30);
    }
    const sound = bench.played.filter(part => typeof part === 'number');
    expect([...new Set(sound)].length).toBeGreaterThanOrEqual(26);
    expect(sound).toEqual([...sound].sort((a, b) => (a as number) - (b as number)));
  });

  it('tells the mean delay that it added', () => {
    const bench = new Bench();
    expect(bench.buffer.meanDelayMs).toBe(0);
    for (let n = 0; n < 10; n++) bench.put(n, n * 20);
    for (let n = 0; n < 10; n++) bench.tick(50 + n * 20);
    expect(bench.buffer.meanDelayMs).toBe(50);
  });
});
