/*
 * RFC 3550 section 5.1:
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *   |                           timestamp                           |
 *   |           synchronization source (SSRC) identifier            |
 *   |            contributing source (CSRC) identifiers, CC x 4     |
 *   |   header extension when X: profile (16), length in words (16) |
 *   |   payload ... padding when P, its last octet counts it        |
 */

/** Bytes of an RTP header without contributing sources and extension. */
export const rtpHeaderBytes = 12;

/** What `parseRtp` found; one object is reused for every packet of a stream. */
export class RtpView {
  payloadType = 0;
  marker = false;
  sequence = 0;
  timestamp = 0;
  ssrc = 0;
  /** Where the payload begins in the packet, bytes. */
  payloadStart = 0;
  /** Length of the payload without padding, bytes. */
  payloadLength = 0;
}

/** Reads a packet into `view`. False when it is not well-formed RTP; `view` is then in no defined state. */
export function parseRtp(packet: Uint8Array, view: RtpView): boolean {
  const size = packet.length;
  if (size < rtpHeaderBytes) return false;
  const first = packet[0]!;
  if (first >> 6 !== 2) return false;
  let start = rtpHeaderBytes + (first & 0x0f) * 4;
  if ((first & 0x10) !== 0) {
    if (start + 4 > size) return false;
    start += 4 + ((packet[start + 2]! << 8) | packet[start + 3]!) * 4;
  }
  if (start > size) return false;
  let end = size;
  if ((first & 0x20) !== 0) {
    const padding = packet[size - 1]!;
    // Section 5.1: the count includes itself, so zero is malformed, and it never reaches into the header.
    if (padding === 0 || padding > size - start) return false;
    end -= padding;
  }
  view.marker = packet[1]! >= 0x80;
  view.payloadType = packet[1]! & 0x7f;
  view.sequence = (packet[2]! << 8) | packet[3]!;
  view.timestamp = read32(packet, 4);
  view.ssrc = read32(packet, 8);
  view.payloadStart = start;
  view.payloadLength = end - start;
  return true;
}

/** Writes the fixed header of a packet that has neither contributing sources nor extension nor padding. */
export function writeHeader(
  packet: Uint8Array,
  payloadType: number,
  marker: boolean,
  sequence: number,
  timestamp: number,
  ssrc: number,
): void {
  packet[0] = 0x80;
  packet[1] = (marker ? 0x80 : 0) | payloadType;
  packet[2] = sequence >> 8;
  packet[3] = sequence & 0xff;
  write32(packet, 4, timestamp);
  write32(packet, 8, ssrc);
}

/** Big-endian, unsigned. */
export function read32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** Big-endian; takes the low 32 bits of any integer. */
export function write32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
