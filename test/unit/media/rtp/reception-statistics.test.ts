import { describe, expect, it } from 'vitest';
import {
  maxDropout,
  maxMisorder,
  ReceptionStatistics,
} from '../../../../src/media/rtp/reception-statistics.ts';

function started(sequence: number): ReceptionStatistics {
  const statistics = new ReceptionStatistics();
  statistics.start(7, sequence);
  statistics.receive(sequence);
  return statistics;
}

describe('ReceptionStatistics', () => {
  it('has no report before the first packet', () => {
    const statistics = new ReceptionStatistics();
    expect(statistics.report(0)).toBeUndefined();
    expect(statistics.ssrc).toBeUndefined();
  });

  it('counts losses over a wrap of the sequence numbers', () => {
    const statistics = started(65_530);
    for (const sequence of [65_531, 65_533, 65_535, 0, 3]) statistics.receive(sequence);
    expect(statistics.received).toBe(6);
    expect(statistics.lost).toBe(4);
    expect(statistics.report(0)!.highestSequence).toBe(0x1_0003);
  });

  it('tells the share lost since the report before, in 1/256', () => {
    const statistics = started(0);
    for (let sequence = 1; sequence < 100; sequence++) if (sequence % 4 !== 0) statistics.receive(sequence);
    const first = { ...statistics.report(0)! };
    expect(first.fractionLost).toBe(Math.floor((24 * 256) / 100));
    expect(first.cumulativeLost).toBe(24);
    for (let sequence = 100; sequence < 200; sequence++) statistics.receive(sequence);
    const second = { ...statistics.report(0)! };
    expect(second.fractionLost).toBe(0);
    expect(second.cumulativeLost).toBe(24);
  });

  it('counts a packet that comes after its successors neither as lost nor as a wrap', () => {
    const statistics = started(10);
    for (const sequence of [12, 13, 11, 14]) statistics.receive(sequence);
    expect(statistics.lost).toBe(0);
    expect(statistics.report(0)!.highestSequence).toBe(14);
  });

  it('knows duplicates, and lets them make the loss of a report negative as the RFC has it', () => {
    const statistics = started(1);
    statistics.receive(2);
    expect(statistics.duplicate).toBe(false);
    statistics.receive(2);
    expect(statistics.duplicate).toBe(true);
    statistics.receive(1);
    expect(statistics.duplicate).toBe(true);
    statistics.receive(3);
    expect(statistics.duplicate).toBe(false);
    expect(statistics.duplicates).toBe(2);
    expect(statistics.report(0)!.cumulativeLost).toBe(-2);
    expect(statistics.lost).toBe(0);
  });

  it('takes a number again after 65,536 packets for a new packet', () => {
    const statistics = started(0);
    let duplicates = 0;
    for (let i = 1; i < 140_000; i++) {
      statistics.receive(i & 0xffff);
      if (statistics.duplicate) duplicates++;
    }
    expect(duplicates).toBe(0);
    expect(statistics.lost).toBe(0);
  });

  it('refuses one packet far off, and starts over with the second in order', () => {
    const statistics = started(100);
    expect(statistics.receive(100 + maxDropout)).toBe(false);
    expect(statistics.receive(101)).toBe(true);
    expect(statistics.receive(20_000)).toBe(false);
    expect(statistics.receive(20_001)).toBe(true);
    expect(statistics.receive(20_002)).toBe(true);
    expect(statistics.received).toBe(4);
    expect(statistics.lost).toBe(0);
    expect(statistics.report(0)!.highestSequence).toBe(20_002);
  });

  it('still takes a packet just inside the bounds', () => {
    expect(started(200).receive(200 + maxDropout - 1)).toBe(true);
    expect(started(200).receive(200 - maxMisorder + 1)).toBe(true);
    expect(started(200).receive(200 - maxMisorder - 1)).toBe(false);
  });

  it('keeps totals over a change of source, and reports the new source alone', () => {
    const statistics = started(0);
    statistics.receive(2);
    statistics.start(8, 5000);
    statistics.receive(5000);
    statistics.receive(5003);
    expect(statistics.received).toBe(4);
    expect(statistics.lost).toBe(3);
    const block = statistics.report(0)!;
    expect(block.ssrc).toBe(8);
    expect(block.cumulativeLost).toBe(2);
  });

  it('has no jitter when packets come as they were sent, at any phase', () => {
    const statistics = started(0);
    for (let i = 0; i < 1000; i++) statistics.arrival((0xffff_0000 + i * 160) >>> 0, 123.25 + i * 20);
    expect(statistics.jitterMs).toBeLessThan(0.15);
  });

  it('approaches the mean difference of transit: packets alternately 0 and 16 ms late have a jitter of 16 ms', () => {
    const statistics = started(0);
    for (let i = 0; i < 1000; i++) statistics.arrival(i * 160, i * 20 + (i % 2) * 16);
    expect(statistics.jitterMs).toBeGreaterThan(15);
    expect(statistics.jitterMs).toBeLessThan(17);
    expect(statistics.report(0)!.jitter).toBe(Math.floor(statistics.jitterMs * 8));
  });

  it('does not take a jump of the timestamp for jitter', () => {
    const statistics = started(0);
    for (let i = 0; i < 100; i++) statistics.arrival(i * 160, i * 20);
    for (let i = 100; i < 200; i++) statistics.arrival(i * 160 + 1_000_000, i * 20);
    expect(statistics.jitterMs).toBeLessThan(0.2);
  });

  it('tells when the last sender report came, of this source only', () => {
    const statistics = started(0);
    statistics.senderReport(99, 0x1111_2222, 500);
    expect(statistics.report(1000)!.lastSenderReport).toBe(0);
    expect(statistics.report(1000)!.delaySinceLastSenderReport).toBe(0);
    statistics.senderReport(7, 0xaaaa_bbbb, 1000);
    const block = statistics.report(2500)!;
    expect(block.lastSenderReport).toBe(0xaaaa_bbbb);
    expect(block.delaySinceLastSenderReport).toBe(1.5 * 65_536);
  });
});
