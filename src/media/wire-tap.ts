import type { CodecName } from '../sdp/plan.ts';

/** Listens on both wires of a leg. It borrows what it is given for the duration of the call, and must make nothing. */
export interface WireTap {
  /** What the agent is given of the caller: `count` samples at `rate`, of the tick that was due at `atMs`. */
  heard(atMs: number, samples: Int16Array, count: number, rate: number): void;
  /** Payload of `bytes` from `at` on that leaves for the caller with the packet that was due at `atMs`. */
  sent(atMs: number, packet: Uint8Array, at: number, bytes: number, codec: CodecName): void;
  /** What was sent ahead, for the time from `atMs` on, is thrown away before the caller hears it. */
  withdrawn(atMs: number): void;
}
