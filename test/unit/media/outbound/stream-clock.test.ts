import { describe, expect, it } from 'vitest';
import { StreamClock } from '../../../../src/media/outbound/stream-clock.ts';
import { timestampDistance } from '../../../../src/media/rtp/sequence.ts';
import { seeded } from '../recording-socket.ts';

const almostOne = () => 0.9999999;

describe('StreamClock', () => {
  it('numbers packets one by one and stamps them eight ticks a ms, across both wraps', () => {
    const clock = new StreamClock(almostOne);
    clock.advance(5000.125, 20);
    let { sequence, timestamp } = clock;
    for (let i = 1; i <= 70_000; i++) {
      clock.advance(5000.125 + i * 20, 20);
      expect(clock.sequence).toBe((sequence + 1) & 0xffff);
      expect(timestampDistance(timestamp, clock.timestamp)).toBe(160);
      expect(clock.continuous).toBe(true);
      ({ sequence, timestamp } = clock);
    }
  });

  it('leaves the time of skipped packets empty in the timestamps, not in the sequence numbers', () => {
    const clock = new StreamClock(seeded(5));
    clock.advance(0, 20);
    const { sequence, timestamp } = clock;
    clock.advance(100, 20);
    expect(clock.sequence).toBe((sequence + 1) & 0xffff);
    expect(timestampDistance(timestamp, clock.timestamp)).toBe(800);
    expect(clock.continuous).toBe(false);
  });

  it('does not let sound overlap when a new packet time brings the deadline forward', () => {
    const clock = new StreamClock(seeded(5));
    clock.advance(0, 60);
    const { timestamp } = clock;
    clock.advance(25, 20);
    expect(timestampDistance(timestamp, clock.timestamp)).toBe(480);
    expect(clock.continuous).toBe(true);
    clock.advance(45, 20);
    expect(timestampDistance(timestamp, clock.timestamp)).toBe(640);
  });

  it('gives a sender report the timestamp of its instant', () => {
    const clock = new StreamClock(seeded(5));
    clock.advance(1000, 20);
    expect(timestampDistance(clock.timestamp, clock.timestampAt(1250))).toBe(2000);
  });

  it('begins where chance says, differently for every stream, and not continuously', () => {
    const random = seeded(11);
    const streams = [new StreamClock(random), new StreamClock(random)];
    for (const stream of streams) stream.advance(0, 20);
    expect(streams[0]!.ssrc).not.toBe(streams[1]!.ssrc);
    expect(streams[0]!.timestamp).not.toBe(streams[1]!.timestamp);
    expect(streams[0]!.sequence).not.toBe(streams[1]!.sequence);
    expect(streams[0]!.continuous).toBe(false);
  });
});
