import { rtpHeaderBytes } from '../rtp/packet.ts';

/**
 * Where the payload of an RTP packet of `length` bytes begins, behind contributing sources and extension (RFC 3550
 * section 5.1), which SRTP leaves readable; -1 when the packet is no RTP or ends before that.
 */
export function payloadStart(packet: Uint8Array, length: number): number {
  if (length < rtpHeaderBytes || packet[0]! >> 6 !== 2) return -1;
  let start = rtpHeaderBytes + (packet[0]! & 0x0f) * 4;
  if ((packet[0]! & 0x10) !== 0) {
    if (start + 4 > length) return -1;
    start += 4 + ((packet[start + 2]! << 8) | packet[start + 3]!) * 4;
  }
  return start > length ? -1 : start;
}
