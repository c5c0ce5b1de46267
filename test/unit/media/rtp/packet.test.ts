import { RtpPacket } from 'rtp.js/packets';
import { describe, expect, it } from 'vitest';
import { parseRtp, RtpView, rtpHeaderBytes, writeHeader } from '../../../../src/media/rtp/packet.ts';

const view = new RtpView();

function packet(first: number, rest: readonly number[], payload = 0): Buffer {
  const head = Buffer.alloc(rtpHeaderBytes);
  writeHeader(head, 0, false, 1, 2, 3);
  head[0] = first;
  return Buffer.concat([head, Buffer.from(rest), Buffer.alloc(payload, 0x55)]);
}

describe('parseRtp', () => {
  it('reads back what writeHeader wrote, extremes included', () => {
    const bytes = Buffer.alloc(172);
    for (const [type, marker, sequence, timestamp, ssrc] of [
      [0, false, 0, 0, 0],
      [127, true, 0xffff, 0xffff_ffff, 0xffff_ffff],
      [101, true, 0x1234, 0x8000_0001, 0xdead_beef],
    ] as const) {
      writeHeader(bytes, type, marker, sequence, timestamp, ssrc);
      expect(parseRtp(bytes, view)).toBe(true);
      expect({ ...view }).toEqual({
        payloadType: type,
        marker,
        sequence,
        timestamp,
        ssrc,
        payloadStart: 12,
        payloadLength: 160,
      });
    }
  });

  it('writes a header that another implementation reads alike', () => {
    const bytes = Buffer.alloc(20, 0x11);
    writeHeader(bytes, 9, true, 54_321, 0xfedc_ba98, 0x0102_0304);
    const other = new RtpPacket(new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
    expect(other.getPayloadType()).toBe(9);
    expect(other.getMarker()).toBe(true);
    expect(other.getSequenceNumber()).toBe(54_321);
    expect(other.getTimestamp()).toBe(0xfedc_ba98);
    expect(other.getSsrc()).toBe(0x0102_0304);
  });

  it('finds the payload behind sources, extension and padding that another implementation made', () => {
    const other = new RtpPacket();
    other.setPayloadType(8);
    other.setSequenceNumber(7);
    other.setTimestamp(9);
    other.setSsrc(11);
    other.setCsrcs([1, 2, 3]);
    other.setPayload(new DataView(Uint8Array.from([9, 8, 7, 6, 5]).buffer));
    other.padTo4Bytes();
    const made = Buffer.alloc(other.getByteLength());
    other.serialize(made.buffer, made.byteOffset);
    expect(parseRtp(made, view)).toBe(true);
    expect([...made.subarray(view.payloadStart, view.payloadStart + view.payloadLength)]).toEqual([
      9, 8, 7, 6, 5,
    ]);
  });

  it('skips a header extension by its length in words', () => {
    expect(parseRtp(packet(0x90, [0xbe, 0xde, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8], 40), view)).toBe(true);
    expect(view.payloadStart).toBe(24);
    expect(view.payloadLength).toBe(40);
  });

  it.each([
    ['shorter than a header', Buffer.alloc(11, 0x80)],
    ['of version 1', packet(0x40, [], 20)],
    ['of version 3', packet(0xc0, [], 20)],
    ['with more contributing sources than bytes', packet(0x8f, [], 59)],
    ['with a cut extension header', packet(0x90, [0, 0, 0])],
    ['with an extension longer than itself', packet(0x90, [0, 0, 0, 3], 8)],
    ['with padding of no length', packet(0xa0, [1, 2, 3, 0])],
    ['with padding that reaches into the header', packet(0xa0, [1, 2, 3, 5])],
    ['with padding and nothing to pad', packet(0xa0, [])],
  ])('refuses a packet %s', (_, bytes) => {
    expect(parseRtp(bytes, view)).toBe(false);
  });

  it('takes a packet that is padding only as one without payload', () => {
    expect(parseRtp(packet(0xa0, [0, 0, 0, 4]), view)).toBe(true);
    expect(view.payloadLength).toBe(0);
  });
});
