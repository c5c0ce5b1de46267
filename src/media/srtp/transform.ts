/**
 * What a suite does to the packets of one kind, where they are. `seal…` takes a packet of `length` bytes with room after
 * it and returns the length that it then has. `open…` takes a whole protected packet of `length` bytes, and returns the
 * length of what was protected, or -1 when the tag is wrong: the packet is untouched then.
 */
export interface Transform {
  readonly tagBytes: number;
  /** `start` is where the payload begins; `roc` and `sequence` make the packet index. */
  sealRtp(
    packet: Uint8Array,
    start: number,
    length: number,
    ssrc: number,
    roc: number,
    sequence: number,
  ): number;
  openRtp(
    packet: Uint8Array,
    start: number,
    length: number,
    ssrc: number,
    roc: number,
    sequence: number,
  ): number;
  /** `index` has 31 bits. The packet is sent encrypted. */
  sealRtcp(packet: Uint8Array, length: number, ssrc: number, index: number): number;
  openRtcp(packet: Uint8Array, length: number, ssrc: number): number;
  /** Where E flag and index are in an SRTCP packet of `length` bytes. */
  rtcpIndexAt(length: number): number;
}

/** The E flag, above the index of an SRTCP packet (RFC 3711 section 3.4). */
export const encryptedFlag = 0x8000_0000;

/** Bytes of E flag and index. */
export const rtcpIndexBytes = 4;

/** Header and SSRC of RTCP, which stay readable (RFC 3711 section 3.4). */
export const rtcpClearBytes = 8;
