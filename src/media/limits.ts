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
  /** Grid that the deadlines of streams are spread over: streams on one slot share a wake-up. */
  slotMs: 5,
  /** Timers of libuv count whole ms and may fire this much early: what is due so soon goes at once. */
  earlyMs: 1,
  /** Packets of one stream in one wake-up: the one that is due and one that was missed. */
  burstPackets: 2,
  /** Packet times that are supported. */
  shortestPacketMs: 10,
  longestPacketMs: 60,
} as const;
