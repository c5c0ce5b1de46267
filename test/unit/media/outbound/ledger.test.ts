import { describe, expect, it } from 'vitest';
import { Playout } from '../../../../src/media/outbound/playout.ts';

/** What a playout has to tell of its events: id, heard, never heard. */
function told(playout: Playout): number[][] {
  const news: number[][] = [];
  playout.ledger.tell((eventId, heardMs, unheardMs) => news.push([eventId, heardMs, unheardMs]));
  return news;
}

const ms = (count: number) => new Uint8Array(8 * count);
const play = (playout: Playout, count: number) => playout.take(new Uint8Array(8 * count), 8 * count);

describe('what the caller heard of an event', () => {
  it('is told once it is through, and again when there was more of it', () => {
    const playout = new Playout('ulaw_8000');
    playout.push(1, ms(100));
    play(playout, 60);
    expect(told(playout)).toEqual([]);
    play(playout, 60);
    expect(told(playout)).toEqual([[1, 100, 0]]);
    expect(told(playout)).toEqual([]);
    playout.push(1, ms(50));
    play(playout, 60);
    expect(told(playout)).toEqual([[1, 150, 0]]);
  });

  it('ends where it was cut off; the rest, and what comes late, was never heard', () => {
    const playout = new Playout('ulaw_8000');
    playout.push(1, ms(100));
    playout.push(2, ms(500));
    play(playout, 220);
    playout.interrupt(2);
    expect(told(playout)).toEqual([
      [1, 100, 0],
      [2, 120, 380],
    ]);
    playout.push(2, ms(40));
    playout.miss(1, 8 * 10);
    expect(told(playout)).toEqual([
      [1, 100, 10],
      [2, 120, 420],
    ]);
  });

  it('counts what found the queue full', () => {
    const playout = new Playout('ulaw_8000', 100);
    playout.push(1, ms(80));
    playout.push(1, ms(80));
    play(playout, 100);
    expect(told(playout)).toEqual([[1, 80, 80]]);
  });

  it('stays right when the ring of pieces has to grow', () => {
    const playout = new Playout('ulaw_8000');
    for (let i = 0; i < 200; i++) playout.push(i < 100 ? 1 : 2, ms(1));
    play(playout, 150);
    playout.interrupt(2);
    expect(told(playout)).toEqual([
      [1, 100, 0],
      [2, 50, 50],
    ]);
  });
});
