/**
 * All arithmetic on RTP's counters, which wrap: 16-bit sequence numbers and 32-bit timestamps (RFC 3550 section 5.1).
 * Nothing else in this project compares or subtracts one of them by itself.
 */

/** Sequence numbers before they wrap (RTP_SEQ_MOD of RFC 3550 appendix A.1). */
export const sequenceModulus = 0x10000;

/** The sequence number `steps` after `sequence`. */
export function sequencePlus(sequence: number, steps: number): number {
  return (sequence + steps) & 0xffff;
}

/** Steps from `from` to `to` along the shorter way round, -32768..32767; positive when `to` is the later one. */
export function sequenceDistance(from: number, to: number): number {
  return ((to - from) << 16) >> 16;
}

/** The index without wraps that ends in `sequence` and lies nearest to `index`; may be negative next to zero. */
export function extendSequence(index: number, sequence: number): number {
  return index + sequenceDistance(index & 0xffff, sequence);
}

/** The timestamp `units` after `timestamp`, 0..2^32-1. */
export function timestampPlus(timestamp: number, units: number): number {
  return (timestamp + units) >>> 0;
}

/** Clock units from `from` to `to` along the shorter way round: a signed 32-bit number. */
export function timestampDistance(from: number, to: number): number {
  return (to - from) | 0;
}
