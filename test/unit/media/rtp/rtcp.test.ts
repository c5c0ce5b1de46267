import {
  ByePacket,
  CompoundPacket,
  ReceiverReportPacket,
  SdesPacket,
  SenderReportPacket,
} from 'rtp.js/packets';
import { describe, expect, it } from 'vitest';
import {
  newCname,
  parseRtcp,
  type Report,
  type ReportBlock,
  RtcpView,
  rtcpInterval,
  rtcpMaxBytes,
  writeReport,
} from '../../../../src/media/rtp/rtcp.ts';

// rtp.js 0.15.5 reads only 12 of the 24 bits of the cumulative loss; larger numbers have a test of their own below.
const block: ReportBlock = {
  ssrc: 0xdead_beef,
  fractionLost: 13,
  cumulativeLost: 3000,
  highestSequence: 0x0003_fffe,
  jitter: 321,
  lastSenderReport: 0x8123_4567,
  delaySinceLastSenderReport: 98_304,
};
const sender = {
  wallMs: Date.UTC(2026, 0, 2, 3, 4, 5, 250),
  timestamp: 0xf000_0001,
  packets: 1234,
  octets: 197_440,
};
const full: Report = { ssrc: 0x9012_3456, cname: 'abcdefghijklmnop', sender, block, bye: true };

function written(report: Report): Buffer {
  const bytes = Buffer.alloc(rtcpMaxBytes, 0xee);
  return bytes.subarray(0, writeReport(bytes, report));
}

const parsedElsewhere = (bytes: Buffer) =>
  new CompoundPacket(new DataView(bytes.buffer, bytes.byteOffset, bytes.length)).getPackets();

describe('writeReport', () => {
  it('writes SR, SDES and BYE that another implementation reads alike', () => {
    const [report, sdes, bye] = parsedElsewhere(written(full)) as [SenderReportPacket, SdesPacket, ByePacket];
    expect(report).toBeInstanceOf(SenderReportPacket);
    expect(report.getSsrc()).toBe(full.ssrc);
    expect(report.getNtpSeconds()).toBe(Math.floor(sender.wallMs / 1000) + 2_208_988_800);
    expect(report.getNtpFraction()).toBe(0x4000_0000);
    expect(report.getRtpTimestamp()).toBe(sender.timestamp);
    expect(report.getPacketCount()).toBe(1234);
    expect(report.getOctetCount()).toBe(197_440);
    const reception = report.getReports()[0]!;
    expect(reception.getSsrc()).toBe(block.ssrc);
    expect(reception.getFractionLost()).toBe(13);
    expect(reception.getTotalLost()).toBe(3000);
    expect(reception.getHighestSeqNumber()).toBe(0x0003_fffe);
    expect(reception.getJitter()).toBe(321);
    expect(reception.getLastSRTimestamp()).toBe(0x8123_4567);
    expect(reception.getDelaySinceLastSR()).toBe(98_304);
    expect(sdes).toBeInstanceOf(SdesPacket);
    expect(sdes.getChunks()[0]!.getItems()[0]!.text).toBe(full.cname);
    expect(bye).toBeInstanceOf(ByePacket);
    expect(bye.getSsrcs()).toEqual([full.ssrc]);
  });

  it('writes a receiver report while nothing is sent, and no block before anything was received', () => {
    const [report, sdes] = parsedElsewhere(written({ ssrc: 5, cname: 'x' })) as [
      ReceiverReportPacket,
      SdesPacket,
    ];
    expect(report).toBeInstanceOf(ReceiverReportPacket);
    expect(report.getReports()).toHaveLength(0);
    expect(sdes.getChunks()[0]!.getSsrc()).toBe(5);
  });

  it.each([1, 2, 3, 4, 5, 63])('ends a chunk with a CNAME of %i characters on a word', length => {
    const bytes = written({ ssrc: 5, cname: 'n'.repeat(length) });
    expect(bytes.length % 4).toBe(0);
    const sdes = parsedElsewhere(bytes)[1] as SdesPacket;
    expect(sdes.getChunks()[0]!.getItems()[0]!.text).toBe('n'.repeat(length));
    expect(bytes.at(-1)).toBe(0);
  });

  it('keeps within its largest size', () => {
    expect(written({ ...full, cname: 'n'.repeat(200) }).length).toBeLessThanOrEqual(rtcpMaxBytes);
  });

  it.each([
    [-3, -3],
    [0x7fffff, 0x7fffff],
    [0x900000, 0x7fffff],
    [-0x900000, -0x800000],
  ])('writes %i packets lost as the 24 bits of %i', (lost, read) => {
    const view = new RtcpView();
    expect(parseRtcp(written({ ...full, block: { ...block, cumulativeLost: lost } }), view, block.ssrc)).toBe(
      true,
    );
    expect(view.block.cumulativeLost).toBe(read);
  });
});

describe('parseRtcp', () => {
  it('reads what writeReport wrote', () => {
    const view = new RtcpView();
    expect(parseRtcp(written(full), view, block.ssrc)).toBe(true);
    expect(view.ssrc).toBe(full.ssrc);
    expect(view.senderReport).toBe(true);
    expect(view.bye).toBe(true);
    expect(view.senderTimestamp).toBe(sender.timestamp);
    expect(view.ntpMiddle).toBe(
      ((((Math.floor(sender.wallMs / 1000) + 2_208_988_800) & 0xffff) << 16) | 0x4000) >>> 0,
    );
    expect(view.hasBlock).toBe(true);
    expect(view.block).toEqual(block);
  });

  it('finds no block about a source that the report does not name', () => {
    const view = new RtcpView();
    expect(parseRtcp(written(full), view, 1)).toBe(true);
    expect(view.hasBlock).toBe(false);
  });

  it('forgets what the packet before said', () => {
    const view = new RtcpView();
    parseRtcp(written(full), view, block.ssrc);
    parseRtcp(written({ ssrc: 1, cname: 'x' }), view, block.ssrc);
    expect([view.senderReport, view.bye, view.hasBlock]).toEqual([false, false, false]);
  });

  const good = written(full);
  const changed = (at: number, value: number) => {
    const bytes = Buffer.from(good);
    bytes[at] = value;
    return bytes;
  };
  it.each([
    ['of another version', changed(0, 0x41)],
    ['whose first packet is padded', changed(0, 0xa1)],
    ['that does not begin with a report', changed(1, 202)],
    ['with more blocks than bytes', changed(0, 0x9f)],
    ['with a length past its end', changed(3, 200)],
    ['with a length that cuts the sender info', changed(3, 3)],
    ['cut in the middle', good.subarray(0, good.length - 2)],
    ['of a header only', good.subarray(0, 4)],
    ['of nothing', Buffer.alloc(0)],
  ])('refuses a packet %s', (_, bytes) => {
    expect(parseRtcp(bytes, new RtcpView())).toBe(false);
  });
});

describe('rtcpInterval', () => {
  it('spreads reports over half to one and a half of five seconds', () => {
    expect(rtcpInterval(() => 0)).toBe(2500);
    expect(rtcpInterval(() => 0.5)).toBe(5000);
    expect(rtcpInterval(() => 0.999_999)).toBeLessThan(7500);
  });
});

describe('newCname', () => {
  it('is another one each time and says nothing of the machine', () => {
    expect(newCname()).toMatch(/^[A-Za-z0-9+/]{16}$/);
    expect(newCname()).not.toBe(newCname());
  });
});
