/** Numbers of one leg over its whole life. Times in ms, levels of the wire. */
export interface LegStats {
  readonly codec: string;
  /** Suite of SRTP, `none` for plain RTP. */
  readonly encryption: string;
  readonly packetsReceived: number;
  readonly packetsSent: number;
  readonly packetsLost: number;
  readonly packetsLate: number;
  readonly packetsFromStrangers: number;
  /** SRTP packets with a wrong tag, or that had come before. */
  readonly packetsUnauthentic: number;
  readonly framesConcealed: number;
  /** Interarrival jitter (RFC 3550 section 6.4.1), ms. */
  readonly jitterMs: number;
  /** Delay the jitter buffer added, mean over the call, ms. */
  readonly bufferDelayMs: number;
  /** How late packets left against their deadline: 50th and 99th percentile and largest, ms; absent where none had one, as in media streams. */
  readonly lateness?: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly digits: number;
  readonly interruptions: number;
  /** Agent sound that was never played because the call ended or it was interrupted, ms. */
  readonly unheardMs: number;
  /** Of it, what found more than five minutes waiting already, ms. */
  readonly overflowMs: number;
  /** First agent sound received to its first packet sent, ms; absent when the agent said nothing. */
  readonly firstAudioMs?: number;
}

/** The numbers of a leg that cannot be asked any more. */
export const noLegStats: LegStats = {
  codec: 'none',
  encryption: 'none',
  packetsReceived: 0,
  packetsSent: 0,
  packetsLost: 0,
  packetsLate: 0,
  packetsFromStrangers: 0,
  packetsUnauthentic: 0,
  framesConcealed: 0,
  jitterMs: 0,
  bufferDelayMs: 0,
  digits: 0,
  interruptions: 0,
  unheardMs: 0,
  overflowMs: 0,
};
