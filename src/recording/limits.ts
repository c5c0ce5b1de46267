/** Every limit of recordings, in one place. Times in ms unless the name says otherwise. */
export const recordingLimits = {
  /** Sound that waits for the disk; what does not fit is lost to the recording, never to the call. */
  ringMs: 4_000,
  /** How long after its time either side's sound may still come. */
  settleMs: 200,
  /** Sound this little off the end of what came before it follows on it. */
  slackMs: 5,
  /** What is written at once, bytes of sound; also what is encrypted at once. */
  chunkBytes: 32_768,
  /** How often recordings are looked after, and how many of them at once: no turn holds up the sound. */
  turnMs: 10,
  filesPerTurn: 8,
  /** Silence before a code was pending, and after it is no longer. */
  gapLeadMs: 100,
  gapTailMs: 500,
  /** Gaps of one recording that are told one by one. */
  gaps: 200,
  /** How long the end of a recording may take before it is left to the next start. */
  finishMs: 5_000,
  /** How often the free space of the disk is looked at. */
  freeEveryMs: 5_000,
  /** Most bytes of sound that a WAV file can hold. */
  wavBytes: 0xffff_ff00,
} as const;

/** Each frame of a recording is a sample of the caller and one of the agent, 16 bits each. */
export const frameBytes = 4;
