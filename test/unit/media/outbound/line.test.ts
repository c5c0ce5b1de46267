import { describe, expect, it } from 'vitest';
import { Line } from '../../../../src/media/outbound/line.ts';

/** 20 ms of mu-law, all of it `value`. */
const tick = (value: number) => new Uint8Array(160).fill(value);

function take(line: Line, bytes = 160): number[] {
  const dst = new Uint8Array(bytes);
  return [...dst.subarray(0, line.take(dst, bytes))];
}

describe('Line', () => {
  it('gives back what was written, in order, over the end of its ring', () => {
    const line = new Line('ulaw_8000', 20);
    line.write(tick(1));
    line.write(tick(2));
    for (let value = 3; value < 50; value++) {
      expect(take(line)).toEqual([...tick(value - 2)]);
      line.write(tick(value));
    }
  });

  it('gives nothing before it holds a packet and 20 ms more, and again after it ran dry', () => {
    const line = new Line('ulaw_8000', 30);
    line.write(tick(1));
    line.write(tick(2));
    expect(take(line, 240)).toEqual([]);
    line.write(tick(3));
    expect(take(line, 240)).toHaveLength(240);
    expect(take(line, 480)).toHaveLength(240);
    line.write(tick(4));
    expect(take(line, 240)).toEqual([]);
  });

  it('that is not taken from drops its oldest, down to what is wanted, and keeps samples whole', () => {
    const line = new Line('pcm_8000', 20);
    const stereo = new Uint8Array(320);
    for (let n = 0; n < 20; n++) {
      for (let i = 0; i < 320; i += 2) {
        stereo[i] = n;
        stereo[i + 1] = 0xaa;
      }
      line.write(stereo);
    }
    expect(line.queuedMs).toBeLessThanOrEqual(160);
    expect(line.queuedMs + line.droppedMs).toBe(400);
    const got = take(line, 320);
    expect(got.filter((_, i) => i % 2 === 1)).toEqual(Array(160).fill(0xaa));
    expect(got[0]).toBeGreaterThan(10);
  });

  it('takes nothing in while it is shut', () => {
    let open = false;
    const line = new Line('ulaw_8000', 20, () => open);
    line.write(tick(1));
    expect(line.queuedMs).toBe(0);
    open = true;
    line.write(tick(2));
    expect(line.queuedMs).toBe(20);
  });
});
