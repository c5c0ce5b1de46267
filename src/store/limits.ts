/** Every limit of the store. Times in ms. */
export const storeLimits = {
  /** Rows of one query. */
  pageRows: 200,
  /** How long SQLite waits for another process, and its log after a checkpoint, bytes. */
  busyMs: 2_000,
  walBytes: 40 * 1024 * 1024,
  /** How often a thread of its own empties SQLite's log into the database, and pages of 4 kB after which writers wait for it. */
  emptyEveryMs: 1_000,
  walPages: 8_000,
  /** How long that thread may hold writers up while it waits for somebody who reads, a backup say, to be through. */
  emptyWaitMs: 20,
  /** Pages after which whoever writes empties the log: where there is no such thread, or it does not get along. */
  ownWalPages: 4_000,
  lateWalPages: 40_000,
  /** Reads that wait for the thread that reads SQLite at a time. */
  reads: 100,
  /** Documents of one kind: the Twilio connection, phone numbers. */
  documents: 2_000,
  /** PostgreSQL: connections of this node, those for lists besides, and how long it may take to connect and to answer. */
  connections: 6,
  readConnections: 2,
  connectMs: 3_000,
  statementMs: 10_000,
  /** Conversations of one page over HTTP, as at ElevenLabs. */
  httpPageRows: 100,
  /** Calls that are written in one transaction. */
  batchCalls: 20,
  /** Least time from one transaction to the next: what comes sooner goes along with others. A call that begins waits for none. */
  betweenMs: 20,
  /** How long what becomes known in a call may wait to be written together with others, and how long its end. */
  updateMs: 100,
  finishMs: 10,
  /** Calls that are over and not written yet; the rest goes to the spill file. */
  unwritten: 5_000,
  /** Spill file, bytes. */
  spillBytes: 256 * 1024 * 1024,
  /** First and longest wait after a write that failed. */
  retryMs: 250,
  longestRetryMs: 10_000,
  /** Longest id that a call is found by, bytes: as long as a header may be that names one. An index of PostgreSQL takes 2,704. */
  nameBytes: 1_024,
  /** Attempts after which a delivery is dead. */
  attempts: 20,
  /** How often a node says that it lives, and after how many of these without a word it counts as gone. */
  heartbeatMs: 5_000,
  missedHeartbeats: 6,
  /** How often, and how many times, a start looks whether another daemon of its name beats: for longer than one beat takes. */
  nameLookMs: 1_000,
  nameLooks: 8,
  /** Turns of a transcript, and bytes of one message. */
  turns: 2_000,
  /** What is kept of why a delivery failed, characters. */
  errorLength: 500,
  messageBytes: 16 * 1024,
  toolRuns: 500,
  warnings: 20,
  conversations: 20,
  /** Calls that one sweep removes, how long until the next when there are more, and when there are none. */
  sweepCalls: 20,
  sweepPauseMs: 1_000,
  sweepEveryMs: 600_000,
  /** Calls that could not be removed after which a round of sweeps is given up. */
  stuckCalls: 100,
  /** How long closing waits for what is not written yet. */
  closeMs: 3_000,
  /** Held sends that wait for a person at a time: of one call, and of all. */
  heldPerCall: 10,
  heldWaiting: 1_000,
  /** How long one may be at its sending before nobody can tell any more what became of it. */
  sendingMs: 120_000,
  /** How long one that is over is kept, and a run of a tool that no call asked for. */
  heldKeptMs: 30 * 86_400_000,
  /** How far the time of a run may be from when its cost was told of, either way. */
  pricedWithinMs: 600_000,
  /** Keys of actions that are kept at a time, and how long each. */
  actionKeys: 100_000,
  actionKeyMs: 86_400_000,
  /** Things of one kind that something begun needs later on, and how long each is kept. */
  pending: 20_000,
  pendingMs: 86_400_000,
  /** How long a delivery that is done or dead is kept. */
  doneKeptMs: 86_400_000,
  deadKeptMs: 14 * 86_400_000,
} as const;
