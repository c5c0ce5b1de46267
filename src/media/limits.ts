/** Every limit of a media leg, in one place. Times in ms unless the name says otherwise. */
export const mediaLimits = {
  /** Agent sound that waits to be played. Past it the newest is refused to the end of its event. */
  playoutMs: 300_000,
  /** Pieces of agent sound that wait to be played: 20 ms pieces reach `playoutMs` first. */
  playoutPieces: 16_384,
  /** Fade put on agent sound that is cut off, so that it does not click. */
  fadeMs: 5,
  /** Sound that comes this long after the peer held the call still belongs to the sentence that was held. */
  holdGraceMs: 2_000,
  /** From the last packet of an agent that has gone to `drained`: the peer's jitter buffer still plays the end. */
  drainTailMs: 100,
  /** Silence after a digit that ends an entry. */
  entryGapMs: 2_000,
  /** Digits of one entry; one that is full ends at once. */
  entryDigits: 50,
  /** The same key told in another way within this time of the first is the same press. */
  keyEchoMs: 500,
  /** A key that we press: how long it is down and up, how often its event is told, how often its end. */
  keyMs: 100,
  keyGapMs: 100,
  keyUpdateMs: 50,
  keyEnds: 3,
  /** Keys and pauses that may wait. */
  keysQueued: 64,
  /** Volume of our telephone-events, dBm0 without its sign. */
  keyVolume: 10,
  /** Sounds that may wait to be played once. */
  promptsQueued: 4,
  /** Silence of the agent after which what it had to say counts as said. */
  quietMs: 300,
  /** Sound between two legs that waits at most, and what waits beyond one packet before any of it is played. */
  lineMs: 160,
  lineSlackMs: 20,
  /** Grid that the deadlines of streams are spread over: streams on one slot share a wake-up. */
  slotMs: 5,
  /** Timers of libuv count whole ms and may fire this much early: what is due so soon goes at once. */
  earlyMs: 1,
  /** A pacer that wakes later than this sends, and lets the sockets be read before it does the rest. */
  readFirstMs: 20,
  /** Packets of one stream in one wake-up: the one that is due and those that were missed. A jitter buffer bears as many. */
  burstPackets: 5,
  /** Ticks of the way in, in one wake-up: what the agent is given never falls behind for good. */
  burstTicks: 50,
  /** How often a session looks at its own times, which are those of people, at least; its sound goes on without that. */
  lookEveryMs: 40,
  /** Packet times that are supported. */
  shortestPacketMs: 10,
  longestPacketMs: 60,
} as const;
