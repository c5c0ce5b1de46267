/** Every limit and timer of the embedded stack outside of message parsing. Times in ms, sizes in bytes. */
export const stackLimits = {
  /** From accepting a connection to its first complete message, a TLS handshake included. */
  firstMessageMs: 10_000,
  /** From the first byte of a message to its last: absolute, so a byte now and then buys nothing. */
  messageMs: 10_000,
  handshakeMs: 5_000,
  /** A connection that carries no dialogue is closed after so long without a message or a ping. */
  idleMs: 600_000,
  connections: 4_096,
  connectionsPerSource: 1_024,
  /** The same for peers that are nobody yet: each, and all of them together. */
  connectionsPerStranger: 16,
  strangerConnections: 1_024,
  handshakesPerSecond: 100,
  handshakesPerSecondPerSource: 20,
  strangerHandshakesPerSecond: 50,
  /** What may wait in a connection for a peer that does not read. */
  backlogBytes: 1_048_576,
  /** Messages taken from one connection before all others have their turn. */
  messagesPerTurn: 32,
  /** Pings (RFC 5626 section 4.4.1) answered and endured each second. */
  pongsPerSecond: 10,
  pingsPerSecond: 100,
  /** Messages that are not SIP, a minute; a connection that carries dialogues is never closed for it. */
  badMessagesPerMinute: 50,
  /** Opening a connection towards a peer whose own connection is gone. */
  connectMs: 5_000,
  /** What closing waits for, so that last responses reach the peer. */
  lingerMs: 500,

  transactions: 10_000,
  /** Share of `transactions` above which new INVITEs are turned away. */
  shedAt: 0.9,

  /** Requests inside one dialogue each second, BYE and ACK excepted. */
  dialogRequestsPerSecond: 20,
  /** How long a dialogue outlives its connection when nobody would notice the end of its sound. */
  connectionGraceMs: 32_000,
  /** Dialogues whose connections are gone look for new ones: so many a second; each again after a pause that doubles. */
  searchesPerSecond: 100,
  searchLeastMs: 1_000,
  searchMostMs: 32_000,
  /** Time from INVITE to its final response, whatever the call is doing. */
  ringMs: 180_000,
  /** Places that an INVITE of ours is tried at, and for how long another one is begun. */
  callHops: 3,
  callHopsMs: 10_000,
  /** Of these tries so many may end in timer B over a connection that stays silent: that time is not counted. */
  callSilentHops: 1,
  /** Time the session may take to answer a re-INVITE or UPDATE. */
  reofferMs: 20_000,
  /** Time a peer has to answer a re-INVITE of ours, from its first provisional response. */
  ownReofferMs: 60_000,
  /** Time from a REFER of ours to its result. */
  referMs: 60_000,
  /** Session intervals (RFC 4028), s: less is answered 422, more is cut down. */
  sessionLeastSeconds: 90,
  sessionMostSeconds: 86_400,
  /** On connections that we opened: CRLFCRLF that often, and so long for the answer (RFC 5626 section 4.4.1). */
  pingLeastMs: 95_000,
  pingMostMs: 120_000,
  pongMs: 10_000,
  /** Retry-After on 503 while draining or shedding, in seconds. */
  retryAfterSeconds: 10,
} as const;

export type StackLimits = { readonly [Name in keyof typeof stackLimits]: number };

/** RFC 3261 table 4 and RFC 6026 section 7.1 for a reliable transport: A, E and G never start; D, I, J and K are zero. */
export const sipTimers = {
  t1: 500,
  t2: 4_000,
  /** Timers B, F, H and L, and the TU's wait for an ACK: 64*T1. */
  transaction: 32_000,
} as const;
