import { describe, expect, it } from 'vitest';
import { mediaLimits } from '../../../../src/media/limits.ts';
import { Playout } from '../../../../src/media/outbound/playout.ts';
import { seeded } from '../recording-socket.ts';

const bytes = (...values: number[]) => Buffer.from(values);
const count = (from: number, length: number) =>
  Buffer.from(Array.from({ length }, (_, i) => (from + i) & 0xff));

function take(playout: Playout, wanted: number): number[] {
  const dst = new Uint8Array(wanted);
  return [...dst.subarray(0, playout.take(dst, wanted))];
}

describe('Playout', () => {
  it('gives sound back in order, however the pieces and the frames are cut', () => {
    const random = seeded(3);
    const playout = new Playout('ulaw_8000');
    const sound = count(0, 20_000);
    for (let at = 0; at < sound.length; ) {
      const length = Math.floor(random() * 500);
      playout.push(1, sound.subarray(at, at + length));
      at += length;
    }
    const heard: number[] = [];
    while (!playout.empty) heard.push(...take(playout, 1 + Math.floor(random() * 300)));
    expect(Buffer.from(heard).equals(sound)).toBe(true);
    expect(playout.unheardMs).toBe(0);
  });

  it('keeps the pieces themselves: nothing is copied until it is played', () => {
    const playout = new Playout('ulaw_8000');
    const piece = bytes(1, 2, 3);
    playout.push(1, piece);
    piece[1] = 9;
    expect(take(playout, 3)).toEqual([1, 9, 3]);
  });

  it('puts a sample together that two pieces break in the middle, and never hands out half of one', () => {
    const playout = new Playout('pcm_16000');
    playout.push(1, bytes(1, 2, 3));
    expect(take(playout, 8)).toEqual([1, 2]);
    expect(playout.empty).toBe(true);
    playout.push(1, bytes(4));
    playout.push(1, bytes(5));
    playout.push(1, bytes(6, 7, 8, 9));
    expect(take(playout, 5)).toEqual([3, 4, 5, 6]);
    expect(take(playout, 5)).toEqual([7, 8]);
  });

  it('does not let half a sample that was left over shift the samples of a later event', () => {
    const playout = new Playout('pcm_16000');
    playout.push(1, bytes(1, 2, 3));
    take(playout, 8);
    playout.push(2, bytes(10, 11, 12, 13));
    expect(take(playout, 8)).toEqual([10, 11, 12, 13]);
  });

  it('empties itself at an interruption and drops what still comes up to that event', () => {
    const playout = new Playout('ulaw_8000');
    playout.push(4, count(0, 800));
    playout.push(5, count(0, 800));
    playout.interrupt(5);
    expect(playout.empty).toBe(true);
    expect(playout.push(4, count(0, 80))).toBe(false);
    expect(playout.push(5, count(0, 80))).toBe(false);
    expect(playout.push(6, bytes(1, 2))).toBe(true);
    expect(take(playout, 100)).toEqual([1, 2]);
    expect(playout.unheardMs).toBe(220);
  });

  it('keeps dropping what a newer interruption covered when an older one arrives after it', () => {
    const playout = new Playout('ulaw_8000');
    playout.interrupt(9);
    playout.interrupt(3);
    expect(playout.push(8, bytes(1))).toBe(false);
    expect(playout.push(10, bytes(1))).toBe(true);
  });

  it('forgets a broken sample at an interruption', () => {
    const playout = new Playout('pcm_8000');
    playout.push(1, bytes(1, 2, 3));
    playout.interrupt(1);
    playout.push(2, bytes(10, 11));
    expect(take(playout, 8)).toEqual([10, 11]);
  });

  it('tells how much waits in ms of whichever format', () => {
    const wideband = new Playout('pcm_16000');
    wideband.push(1, Buffer.alloc(641));
    expect(wideband.queuedMs).toBe(20);
    const cd = new Playout('pcm_44100');
    cd.push(1, Buffer.alloc(88_200));
    expect(cd.queuedMs).toBe(1000);
  });

  it('holds five minutes; past that refuses the newest to the end of its event, and takes the next one', () => {
    const playout = new Playout('ulaw_8000');
    const minute = Buffer.alloc(8000 * 60);
    for (let i = 0; i < 5; i++) expect(playout.push(1, minute)).toBe(true);
    expect(playout.queuedMs).toBe(mediaLimits.playoutMs);
    expect(playout.push(2, Buffer.alloc(8000))).toBe(false);
    take(playout, 80_000);
    expect(playout.push(2, Buffer.alloc(800))).toBe(false);
    expect(playout.push(3, Buffer.alloc(800))).toBe(true);
    expect(playout.overflowMs).toBe(1000);
    expect(playout.unheardMs).toBe(1100);
  });

  it('holds a bounded number of pieces', () => {
    const playout = new Playout('ulaw_8000');
    let taken = 0;
    while (playout.push(taken, bytes(0))) taken++;
    expect(taken).toBe(mediaLimits.playoutPieces);
  });

  it('counts sound that is refused, and the rest of its event with it', () => {
    const playout = new Playout('ulaw_8000');
    playout.refuse(7, Buffer.alloc(80));
    expect(playout.push(7, Buffer.alloc(80))).toBe(false);
    expect(playout.newestEvent).toBe(7);
    expect(playout.unheardMs).toBe(20);
    expect(playout.overflowMs).toBe(0);
  });

  it('knows the newest event, also of sound that was dropped', () => {
    const playout = new Playout('ulaw_8000');
    expect(playout.newestEvent).toBe(Number.NEGATIVE_INFINITY);
    playout.interrupt(8);
    playout.push(6, bytes(1));
    expect(playout.newestEvent).toBe(6);
  });
});
