/** Every limit of the requests to the operator's own URLs. */
export const webhookLimits = {
  /** From a name to a connection with TLS, ms. */
  connectMs: 3_000,
  /** From a connection to the first byte of the answer to an event, ms. */
  firstByteMs: 10_000,
  /** Largest answer to the initiation webhook, bytes: ElevenLabs takes as much. */
  initiationBytes: 256 * 1024,
  /** Largest answer to an event that is read, bytes. Nothing in it counts; a longer one is cut off. */
  eventAnswerBytes: 64 * 1024,
  /** Header fields of one answer together, bytes. */
  headerBytes: 16 * 1024,
  /** Connections to one host. */
  sockets: 64,
  /** Requests that are under way or wait for a connection. */
  inFlight: 512,
  /** How long a connection that nobody uses is kept, ms. */
  idleMs: 15_000,
  /** How long the addresses of a name hold, ms. */
  lookupMs: 5_000,
  /** Names whose addresses are remembered. */
  names: 64,
  /** Events that are being delivered at once. */
  deliveries: 16,
  /** How often the queue is looked at where nothing wakes us, ms. */
  pollMs: 2_000,
  /** How long a delivery is ours beyond the time that it may take, ms: then another may try. */
  leaseMs: 30_000,
  /** First and longest wait after an attempt that failed, ms. 20 attempts take about ten hours. */
  firstRetryMs: 2_000,
  longestRetryMs: 3_600_000,
  /** How long a shutdown goes on delivering, ms. */
  drainMs: 5_000,
} as const;
