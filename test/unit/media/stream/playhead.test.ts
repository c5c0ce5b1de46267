import { describe, expect, it } from 'vitest';
import { Playhead } from '../../../../src/media/stream/playhead.ts';

describe('how far Twilio has played', () => {
  it('follows the clock where no mark says otherwise', () => {
    const playhead = new Playhead();
    playhead.sent(300, 1000);
    expect(playhead.ahead(1100)).toBe(200);
    expect(playhead.unheard(1100)).toBe(200);
    expect(playhead.through(1299)).toBe(false);
    expect(playhead.through(1300)).toBe(true);
    playhead.sent(100, 5000);
    expect(playhead.unheard(5040)).toBe(60);
  });

  it('follows its marks where they come later than the clock says', () => {
    const playhead = new Playhead();
    playhead.sent(500, 1000);
    const first = playhead.mark();
    playhead.sent(500, 1200);
    const second = playhead.mark();
    // 200 ms on the way: by the clock 600 were played, by the mark it is 500 just now.
    playhead.returned(first, 1700);
    expect(playhead.unheard(1700)).toBe(500);
    expect(playhead.unheard(1800)).toBe(400);
    // It cannot be further than the mark that has not come back.
    expect(playhead.unheard(9000)).toBe(0);
    expect(playhead.through(2100)).toBe(false);
    playhead.returned(second, 2200);
    expect(playhead.through(2200)).toBe(true);
  });

  it('knows nothing as played beyond a mark that is out', () => {
    const playhead = new Playhead();
    playhead.sent(500, 1000);
    playhead.mark();
    playhead.sent(500, 1100);
    playhead.mark();
    expect(playhead.unheard(1990)).toBe(500);
  });

  it('takes the marks that come back from a clear for no sign of anything', () => {
    const playhead = new Playhead();
    playhead.sent(1000, 1000);
    const mark = playhead.mark();
    playhead.clear(1400);
    expect(playhead.unheard(1400)).toBe(0);
    expect(playhead.ahead(1400)).toBe(0);
    playhead.sent(300, 1450);
    playhead.returned(mark, 1460);
    expect(playhead.unheard(1550)).toBe(200);
  });

  it('waits three seconds for a mark that never comes back, and not longer', () => {
    const playhead = new Playhead();
    playhead.sent(100, 1000);
    playhead.mark();
    expect(playhead.through(4100)).toBe(false);
    expect(playhead.through(4101)).toBe(true);
  });

  it('finds a mark late only where marks have come back before', () => {
    const playhead = new Playhead();
    playhead.sent(100, 1000);
    const first = playhead.mark();
    expect(playhead.lateness(9000)).toBe(0);
    playhead.returned(first, 1150);
    playhead.sent(100, 2000);
    playhead.mark();
    expect(playhead.lateness(2100)).toBe(0);
    expect(playhead.lateness(4600)).toBe(2500);
  });

  it('has no more marks out than it can keep apart, and passes over what it never sent', () => {
    const playhead = new Playhead();
    playhead.sent(100, 1000);
    const marks = Array.from({ length: 70 }, () => playhead.mark());
    expect(marks.filter(mark => mark < 0)).toHaveLength(6);
    for (const odd of [0, -1, 99, 1.5, Number.NaN]) playhead.returned(odd, 1100);
    expect(playhead.through(1200)).toBe(false);
  });
});
