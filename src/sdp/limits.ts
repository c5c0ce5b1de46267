/** Bounds of one session description; each is checked before what it bounds is split further. */
export const sdpLimits = {
  /** UTF-8 octets of the whole text. */
  bytes: 32_768,
  lines: 500,
  /** UTF-8 octets of one line. */
  lineBytes: 1_024,
  /** m= lines. */
  mediaLines: 16,
  /** Formats of one m= line. */
  payloadTypes: 64,
} as const;

export type SdpLimits = { readonly [name in keyof typeof sdpLimits]: number };

/** Packet times in ms (RFC 8866 section 6.4): what is sent when nothing is asked for, and what may be asked for. */
export const packetTimes = { usual: 20, least: 10, most: 60, step: 10 } as const;
