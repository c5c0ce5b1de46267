/** Every bound of SRTP, in one place. */
export const srtpLimits = {
  /** Packets back from the newest one that may still come, once each (RFC 3711 section 3.3.2 wants 64 at least). */
  replayWindow: 128,
  /** Sources of one peer that are known at a time. */
  sources: 4,
  /** Former sources whose last index is remembered, so that nothing of theirs can be played again. */
  formerSources: 60,
  /** Largest packet with everything that SRTP adds, bytes. */
  packetBytes: 2048,
} as const;

/** Most bytes that protection adds to a packet: a GCM tag and an SRTCP index. */
export const srtpMostExtraBytes = 20;
