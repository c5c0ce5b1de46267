/** Every limit of the store. Times in ms. */
export const storeLimits = {
  /** Rows of one query. */
  pageRows: 200,
  /** Conversations of one page over HTTP, as at ElevenLabs. */
  httpPageRows: 100,
  /** Calls that are written in one transaction. */
  batchCalls: 100,
  /** Calls that are over and not written yet; the rest goes to the spill file. */
  unwritten: 5_000,
  /** Spill file, bytes. */
  spillBytes: 256 * 1024 * 1024,
  /** First and longest wait after a write that failed. */
  retryMs: 250,
  longestRetryMs: 10_000,
  /** Attempts after which a delivery is dead. */
  attempts: 20,
  /** How often a node says that it lives, and after how many of these without a word it counts as gone. */
  heartbeatMs: 5_000,
  missedHeartbeats: 6,
  /** Turns of a transcript, and bytes of one message. */
  turns: 2_000,
  messageBytes: 16 * 1024,
  toolRuns: 500,
  warnings: 20,
  conversations: 20,
  /** How long a delivery that is done or dead is kept. */
  doneKeptMs: 86_400_000,
  deadKeptMs: 14 * 86_400_000,
} as const;
