import type { SrtpKeys } from './srtp-key.ts';

/** A codec this bridge carries, by its RTP encoding name. Order is this bridge's own preference when it offers. */
export const codecNames = ['PCMU', 'PCMA', 'G722'] as const;
export type CodecName = (typeof codecNames)[number];

/** Direction of one media line as seen from this bridge (RFC 3264 section 6.1). */
export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** Where RTP and RTCP of the peer are wanted (RFC 3264 section 6.1; RFC 3605 for a separate RTCP port). */
export interface MediaTarget {
  /** IP literal from the c= line; 0.0.0.0 or :: means that nothing may be sent, RTCP included (RFC 3264 section 8.4). */
  readonly address: string;
  readonly rtpPort: number;
  readonly rtcpPort: number;
}

/**
 * What a leg does once offer and answer are settled: everything the worker needs from SDP, and nothing else of it.
 * Payload numbers are the ones the peer expects (RFC 3264 section 6.1). The RTP clock of all three codecs is 8000 Hz,
 * G.722 included (RFC 3551 section 4.5.2).
 */
export interface MediaPlan {
  readonly codec: CodecName;
  /** Payload number of `codec` in the packets that we send, 0..127. */
  readonly sendPayloadType: number;
  /** Payload numbers we accept from the peer for each codec. */
  readonly receivePayloadTypes: Readonly<Record<number, CodecName>>;
  /** Payload number of telephone-event/8000 in each direction; absent when the peer has none. */
  readonly sendEventPayloadType?: number;
  readonly receiveEventPayloadType?: number;
  /** Length of the packets that we send, in ms: 10..60. */
  readonly packetTime: number;
  readonly direction: Direction;
  readonly target: MediaTarget;
  /** IP literal of where the peer's signalling comes from, which SDP does not say: its sound may come from there too. */
  readonly signallingAddress?: string;
  /** Keys of SRTP; absent for plain RTP. They go from the main thread, which makes ours, to the leg's worker. */
  readonly srtp?: SrtpKeys;
}
