import { describe, expect, it } from 'vitest';
import type { Timer } from '../../../../src/core/clock.ts';
import { type PacedStream, Pacer } from '../../../../src/media/outbound/pacer.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { seeded } from '../recording-socket.ts';

class Stream implements PacedStream {
  readonly deadlines: number[] = [];
  readonly times: number[] = [];
  send(deadlineMs: number, nowMs: number): void {
    this.deadlines.push(deadlineMs);
    this.times.push(nowMs);
  }
}

/** Wakes every timer late by up to `most` ms, as a busy thread does. */
class LateClock extends ManualClock {
  readonly #random: () => number;
  readonly #most: number;
  constructor(most: number, seed = 7) {
    super(1000.25);
    this.#random = seeded(seed);
    this.#most = most;
  }
  override timer(ms: number, fire: () => void): Timer {
    return super.timer(ms + this.#random() * this.#most, fire);
  }
}

const gaps = (times: number[]) => times.slice(1).map((time, i) => time - times[i]!);

describe('Pacer', () => {
  it('calls a stream once a period, beginning within one period', () => {
    const clock = new ManualClock();
    const pacer = new Pacer(clock);
    const stream = new Stream();
    pacer.add(stream, 20);
    clock.advance(20);
    expect(stream.deadlines.length).toBe(1);
    clock.advance(980);
    expect(stream.deadlines.length).toBe(50);
    expect(new Set(gaps(stream.deadlines))).toEqual(new Set([20]));
  });

  it('puts the deadlines of a stream off when it is told to, and keeps them on the grid and a period apart', () => {
    const clock = new ManualClock();
    const pacer = new Pacer(clock);
    const stream = new Stream();
    const other = new Stream();
    const start = clock.now();
    const handle = pacer.add(stream, 20);
    pacer.add(other, 20);
    clock.advance(100);
    const before = stream.times.at(-1)!;
    pacer.postpone(handle, before + 71);
    // Sooner than it would be anyway: nothing changes.
    pacer.postpone(handle, before + 5);
    clock.advance(200);
    expect(gaps(stream.deadlines).slice(4, 8)).toEqual([75, 20, 20, 20]);
    expect(new Set(gaps(other.deadlines))).toEqual(new Set([20]));
    for (const deadline of stream.deadlines) expect((deadline - Math.floor(start)) % 5).toBe(0);
    expect(handle.skipped).toBe(0);
    // Longer than a turn of the wheel.
    const last = stream.times.at(-1)!;
    pacer.postpone(handle, last + 1000);
    clock.advance(1100);
    expect(gaps(stream.deadlines).find(gap => gap > 100)).toBe(1000);
    pacer.remove(handle);
    const { length } = stream.times;
    clock.advance(300);
    expect(stream.times.length).toBe(length);
    expect(pacer.streams).toBe(1);
  });

  it('does not drift in an hour of late wake-ups: as many calls as there were periods, on absolute deadlines', () => {
    const clock = new LateClock(15);
    const pacer = new Pacer(clock);
    const stream = new Stream();
    const start = clock.now();
    const handle = pacer.add(stream, 20);
    clock.advance(3_600_000);
    expect(handle.skipped).toBe(0);
    expect(stream.deadlines.length).toBeGreaterThanOrEqual(179_999);
    expect(stream.deadlines.length).toBeLessThanOrEqual(180_000);
    const first = stream.deadlines[0]!;
    expect(first).toBeLessThanOrEqual(start + 20);
    expect(stream.deadlines.every((deadline, i) => deadline === first + i * 20)).toBe(true);
    expect(
      Math.max(...stream.times.slice(-1000).map((time, i) => time - stream.deadlines.slice(-1000)[i]!)),
    ).toBeLessThan(17);
    expect(pacer.lateness.total).toBe(stream.deadlines.length);
    expect(pacer.lateness.max).toBeLessThan(17);
  });

  it.each([10, 20, 24, 30, 40, 50, 60])('paces %i ms', period => {
    const clock = new LateClock(4);
    const pacer = new Pacer(clock);
    const stream = new Stream();
    pacer.add(stream, period);
    clock.advance(60_000 + period);
    expect(Math.abs(stream.deadlines.length - 60_000 / period)).toBeLessThanOrEqual(1);
    expect(new Set(gaps(stream.deadlines).map(gap => Math.round(gap * 1000) / 1000))).toEqual(
      new Set([period]),
    );
  });

  it('after a stall sends the one that is due with the last ones that were missed, and skips the older ones', () => {
    const clock = new ManualClock();
    const pacer = new Pacer(clock, 5, run => run());
    const stream = new Stream();
    const handle = pacer.add(stream, 20);
    clock.advance(100);
    const before = stream.deadlines.length;
    const last = stream.deadlines.at(-1)!;
    clock.stall(500);
    pacer.run();
    const due = stream.deadlines.slice(before);
    expect(due).toEqual([420, 440, 460, 480, 500].map(ms => last + ms));
    expect(handle.skipped).toBe(20);
    expect(pacer.skipped).toBe(20);
    clock.advance(20);
    expect(stream.deadlines.at(-1)).toBe(last + 520);
  });

  it('gives a stream that asks for it every deadline that was missed', () => {
    const clock = new ManualClock();
    const pacer = new Pacer(clock);
    const stream = new Stream();
    const handle = pacer.add(stream, 20, { burst: 50 });
    clock.advance(100);
    const before = stream.deadlines.length;
    clock.stall(500);
    pacer.run();
    expect(stream.deadlines.length - before).toBe(25);
    expect(handle.skipped).toBe(0);
  });

  it('lets the sockets be read before what is not measured when it wakes late, and not when it wakes in time', () => {
    const clock = new ManualClock();
    const waiting: (() => void)[] = [];
    const pacer = new Pacer(clock, 5, run => waiting.push(run));
    const sends = new Stream();
    const looks = new Stream();
    pacer.add(sends, 20);
    pacer.add(looks, 20, { measured: false });
    clock.advance(100);
    expect([sends.deadlines.length, looks.deadlines.length, waiting.length]).toEqual([5, 5, 0]);
    clock.stall(50);
    clock.advance(0);
    expect([sends.deadlines.length, looks.deadlines.length, waiting.length]).toEqual([8, 5, 1]);
    waiting[0]?.();
    expect([sends.deadlines.length, looks.deadlines.length]).toEqual([8, 8]);
    expect(sends.times.at(-1)).toBe(clock.now());
    clock.advance(100);
    for (const { deadlines } of [sends, looks]) expect(new Set(gaps(deadlines))).toEqual(new Set([20]));
    expect(waiting.length).toBe(1);
  });

  it('does what is measured between two packets that are read, once it is due, and leaves the rest to its timer', () => {
    const clock = new ManualClock();
    const pacer = new Pacer(clock);
    const sends = new Stream();
    const looks = new Stream();
    pacer.add(looks, 20, { measured: false });
    const handle = pacer.add(sends, 20);
    clock.advance(100);
    const due = sends.deadlines.at(-1)! + 20;
    const done = () => [sends.deadlines.length, looks.deadlines.length];
    expect(done()).toEqual([5, 5]);
    pacer.between(due - 2);
    expect(done()).toEqual([5, 5]);
    clock.stall(due + 3 - clock.now());
    pacer.between(clock.now());
    pacer.between(clock.now());
    expect(done()).toEqual([6, 5]);
    expect([sends.deadlines.at(-1), sends.times.at(-1)]).toEqual([due, due + 3]);
    // It stays on its grid, and nothing is done twice.
    clock.advance(0);
    expect(done()).toEqual([6, 6]);
    clock.advance(97);
    expect(done()).toEqual([11, 11]);
    for (const { deadlines } of [sends, looks]) expect(new Set(gaps(deadlines))).toEqual(new Set([20]));
    // Nor is a stream served that has gone, and one that comes meanwhile waits for its own deadline.
    pacer.remove(handle);
    const late = new Stream();
    pacer.add(late, 20);
    clock.stall(200);
    pacer.between(clock.now());
    expect([late.deadlines.length, ...done()]).toEqual([5, 11, 11]);
    pacer.run();
    expect(looks.deadlines.at(-1)).toBeGreaterThan(clock.now() - 20);
  });

  it('spreads streams evenly over the slots of 20 ms', () => {
    const clock = new ManualClock();
    const pacer = new Pacer(clock);
    const streams = Array.from({ length: 40 }, () => new Stream());
    for (const stream of streams) pacer.add(stream, 20);
    clock.advance(40);
    const perSlot = new Map<number, number>();
    for (const stream of streams) {
      const slot = stream.deadlines[0]! % 20;
      perSlot.set(slot, (perSlot.get(slot) ?? 0) + 1);
    }
    expect([...perSlot.values()]).toEqual([10, 10, 10, 10]);
  });

  it('fills the slots that removed streams leave', () => {
    const clock = new ManualClock();
    const pacer = new Pacer(clock);
    const handles = Array.from({ length: 8 }, () => pacer.add(new Stream(), 20));
    pacer.remove(handles[1]!);
    pacer.remove(handles[5]!);
    const late = [new Stream(), new Stream()];
    for (const stream of late) pacer.add(stream, 20);
    clock.advance(20);
    expect(late[0]!.deadlines[0]! % 20).toBe(late[1]!.deadlines[0]! % 20);
    expect(pacer.streams).toBe(8);
  });

  it('uses one timer for all streams and none when there is none left', () => {
    const clock = new ManualClock();
    const pacer = new Pacer(clock);
    const handles = Array.from({ length: 9 }, () => pacer.add(new Stream(), 20));
    expect(clock.pending).toBe(1);
    clock.advance(1000);
    expect(clock.pending).toBe(1);
    for (const handle of handles) pacer.remove(handle);
    for (const handle of handles) pacer.remove(handle);
    expect(clock.pending).toBe(0);
    expect(pacer.streams).toBe(0);
  });

  it('goes on where time is after it had nothing to do', () => {
    const clock = new ManualClock();
    const pacer = new Pacer(clock);
    pacer.remove(pacer.add(new Stream(), 20));
    clock.advance(10_000);
    const stream = new Stream();
    const handle = pacer.add(stream, 20);
    clock.advance(100);
    expect(stream.deadlines.length).toBe(5);
    expect(handle.skipped).toBe(0);
  });

  it('lets streams remove themselves and each other, and add new ones, in the middle of a turn', () => {
    const clock = new ManualClock();
    const pacer = new Pacer(clock, 20);
    const calls: string[] = [];
    const other = new Stream();
    const third = new Stream();
    const otherHandle = pacer.add(other, 20);
    const self = pacer.add(
      {
        send: () => {
          calls.push('self');
          pacer.remove(self);
          pacer.remove(otherHandle);
          pacer.add(third, 20);
        },
      },
      20,
    );
    clock.advance(200);
    expect(calls).toEqual(['self']);
    expect(other.deadlines.length).toBeLessThanOrEqual(1);
    expect(third.deadlines.length).toBeGreaterThanOrEqual(8);
    expect(pacer.streams).toBe(1);
  });

  it('takes out a stream that throws, tells it, and serves the others', () => {
    const clock = new ManualClock();
    const pacer = new Pacer(clock, 20);
    const errors: unknown[] = [];
    const good = [new Stream(), new Stream()];
    pacer.add(good[0]!, 20);
    pacer.add({ send: () => broken(), failed: error => errors.push(error) }, 20);
    pacer.add(good[1]!, 20);
    clock.advance(100);
    expect(errors).toEqual([new Error('invariant')]);
    expect(good.map(stream => stream.deadlines.length)).toEqual([5, 5]);
    expect(pacer.streams).toBe(2);
  });

  it('leaves streams that are not measured out of its lateness', () => {
    const clock = new ManualClock();
    const pacer = new Pacer(clock);
    pacer.add(new Stream(), 20, { measured: false });
    clock.advance(100);
    expect(pacer.lateness.total).toBe(0);
  });

  it('refuses periods that the wheel cannot hold', () => {
    const pacer = new Pacer(new ManualClock());
    for (const period of [0, -20, 2.5, 101, Number.NaN])
      expect(() => pacer.add(new Stream(), period)).toThrow('paced');
  });
});

function broken(): never {
  throw new Error('invariant');
}
