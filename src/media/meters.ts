import { Histogram } from './histogram.ts';

/** Totals of all media sessions of one worker since it started. */
export class MediaMeters {
  packetsReceived = 0;
  packetsSent = 0;
  /** Packets that were not heard: too late to be played, or from somebody who is not the peer. */
  packetsLate = 0;
  packetsFromStrangers = 0;
  /** SRTP packets with a wrong tag, and those that had come before. */
  packetsUnauthentic = 0;
  packetsReplayed = 0;
  /** Agent sound refused because the playout queue was full, ms. */
  overflowMs = 0;
  /** From the interruption to silence on the wire, ms. */
  readonly bargeIn: Histogram = new Histogram();
}
