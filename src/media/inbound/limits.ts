/** Every bound of the way in, with its default; times in ms unless the name says otherwise. */
export const inboundLimits = {
  /** One tick's worth of sound. */
  tickMs: 20,
  /** Packets in order from one source and SSRC before it is learned as the peer (as Asterisk does). */
  learnPackets: 4,
  /** How long after SDP another source may be learned. */
  learnMs: 5000,
  /** Sources that are under observation at a time while learning. */
  learnCandidates: 4,
  /** A source under observation that is silent for longer gives its place away. */
  candidateIdleMs: 250,
  /** How long the peer must be silent before a source at an address that nobody named may be learned in its place. */
  takeOverMs: 1000,
  /** Largest datagram taken as RTP, bytes: 200 ms of 64 kbit/s with a long header. */
  maxPacketBytes: 2048,
  /** Most sound that the jitter buffer holds. */
  bufferMs: 200,
  /** Delay that the jitter buffer begins with, and its bounds afterwards. */
  delayStartMs: 40,
  delayMinMs: 10,
  delayMaxMs: 160,
  /** How much faster than its clock a peer may send and still be followed; a burst of `bufferMs` besides. */
  followShare: 1.05,
  /** What it did not send, for as long as this before, may come all at once. */
  followLateMs: 1000,
  /** How far what a recording has of a caller may be off the clock before it is put where that says. */
  tapSlackMs: 60,
  /** Share of packets that shall come in time; once that takes more delay than is easy on a conversation, a smaller one. */
  delayQuantile: 0.98,
  delayEasyMs: 60,
  delayQuantileLong: 0.95,
  /** Time constant of forgetting how late packets were: after a change the delay has followed in some three of it. */
  delayMemoryMs: 2000,
  /** Width of the windows whose smallest transit time is the base delay, and how many of them count. */
  baseWindowMs: 1000,
  baseWindows: 5,
  /** A transit time this far off the usual one is a jump of the sender's clock, not jitter. */
  jumpMs: 1000,
  /** Late packets in order after which the sender's clock is taken to have jumped back a little. */
  lateRun: 5,
  /** How long lost sound is made up for before silence takes its place. */
  concealMs: 100,
  /** Share of the delay that packets have needed under which sound is made longer, and over which it may be made shorter. */
  delayShare: 0.85,
  /** How far the delay is over its target before a pitch period is cut out, and how often that may happen. */
  shrinkSlackMs: 10,
  growSlackMs: 2,
  stretchEveryMs: 100,
  /** Off by more than this, sound is cut or repeated even where nothing resembles it. */
  forceExcessMs: 60,
  /** Shortest and longest period that a cut or a repeat may have: pitch of 66 to 400 Hz. */
  periodMinMs: 2.5,
  periodMaxMs: 15,
  /** In secure mode: how late sound goes on, what is silenced before and after a key, and how long a pause is waited for at its end. */
  shieldDelayMs: 60,
  shieldBeforeMs: 40,
  shieldAfterMs: 60,
  shieldEndMs: 3000,
  /** RFC 4733 events that are remembered as reported. */
  eventsRemembered: 8,
} as const;
