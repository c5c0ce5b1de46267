import { describe, expect, it } from 'vitest';
import { parseRtp, RtpView } from '../../src/media/rtp/packet.ts';
import { parseRtcp, RtcpView } from '../../src/media/rtp/rtcp.ts';
import { readTelephoneEvent, TelephoneEventView } from '../../src/media/rtp/telephone-event.ts';

/*
 * Packets put together by hand, field by field, from the figures of RFC 3550 (sections 5.1, 5.3.1, 6.4.1, 6.5, 6.6) and
 * RFC 4733 (section 2.3), so that writer and reader cannot be wrong in the same way.
 */
const hex = (text: string) => Buffer.from(text.replace(/\s+/g, ''), 'hex');

describe('RTP put together by hand', () => {
  it('with two contributing sources, an extension of one word, and three bytes of padding', () => {
    // V=2 P=1 X=1 CC=2 | M=1 PT=8 | seq 0xfffe | ts 0x89abcdef | ssrc 0xcafebabe
    const packet = hex(`b2 88 fffe 89abcdef cafebabe
      00000001 00000002
      bede 0001 10203040
      d5d5d5d5 55
      000003`);
    const view = new RtpView();
    expect(parseRtp(packet, view)).toBe(true);
    expect({ ...view }).toEqual({
      payloadType: 8,
      marker: true,
      sequence: 0xfffe,
      timestamp: 0x89abcdef,
      ssrc: 0xcafebabe,
      payloadStart: 28,
      payloadLength: 5,
    });
  });

  it('with the end of digit 1, 100 ms long, 10 dB below the reference', () => {
    const packet = hex('80 65 0102 00000a00 11223344  01 8a 0320');
    const view = new RtpView();
    const event = new TelephoneEventView();
    expect(parseRtp(packet, view)).toBe(true);
    expect(view.payloadType).toBe(101);
    expect(readTelephoneEvent(packet, view.payloadStart, view.payloadLength, event)).toBe(true);
    expect({ ...event }).toEqual({ event: 1, end: true, volume: 10, duration: 800 });
  });
});

describe('RTCP put together by hand', () => {
  it('as SR with two blocks, SDES with CNAME, and BYE', () => {
    // RC=2 PT=200 length 18 words | ssrc | NTP e1234567 89abcdef | RTP | packets | octets | two blocks of 24 bytes
    const packet = hex(`82 c8 0012 aabbccdd
      e1234567 89abcdef 00001f40 00000064 00003e80
      01010101 00 000000 00000000 00000000 00000000 00000000
      02020202 40 fffffe 0001fffe 00000028 45678000 00008000
      81 ca 0003 aabbccdd 01 03 616263 000000
      81 cb 0001 aabbccdd`);
    const view = new RtcpView();
    expect(parseRtcp(packet, view, 0x02020202)).toBe(true);
    expect(view.ssrc).toBe(0xaabbccdd);
    expect(view.ntpMiddle).toBe(0x456789ab);
    expect([view.senderTimestamp, view.senderPackets, view.senderOctets]).toEqual([8000, 100, 16_000]);
    expect(view.bye).toBe(true);
    expect(view.block).toEqual({
      ssrc: 0x02020202,
      fractionLost: 64,
      cumulativeLost: -2,
      highestSequence: 0x1fffe,
      jitter: 40,
      lastSenderReport: 0x45678000,
      delaySinceLastSenderReport: 0x8000,
    });
  });
});
