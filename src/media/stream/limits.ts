/** Limits of a leg whose sound is a media stream of Twilio. Times in ms. */
export const streamMediaLimits = {
  /** How often a leg looks at its times, and how long nothing came from Twilio when it then sends without waiting for that. */
  tickMs: 60,
  silentMs: 40,
  /** Sound of the agent that Twilio has ahead: it is topped up when it is below the low mark, up to the high one. */
  aheadLowMs: 200,
  aheadHighMs: 300,
  /** Our own sounds, which may be cut off by others, go less far ahead; sound of another leg as it comes. */
  ownAheadMs: 100,
  /** How often a mark is sent while somebody speaks. */
  markEveryMs: 500,
  /** Marks that may be out at once. */
  marks: 64,
  /** How long a mark may be late before Twilio counts as stalled: nothing more is sent meanwhile. */
  stallMs: 2_000,
  /** How long it may stay so. */
  lostMs: 15_000,
  /** Bytes that wait in the WebSocket, above which nothing more is sent. */
  bufferedBytes: 16 * 1024,
  /** A mark that has not come back so long after its sound must have been played never will. */
  markLostMs: 3_000,
} as const;
