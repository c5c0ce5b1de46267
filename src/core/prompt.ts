/** Sounds that this bridge makes by itself, by their names in the configuration. */
export const builtInSounds = [
  /** What a caller hears while the far end rings. */
  'ringback',
  /** One short tone: something begins, a recording for example. */
  'beep',
  /** A soft pair of tones every two seconds: the agent was lost and is being fetched back. */
  'reconnecting',
  /** Three falling tones: the call is about to end. */
  'goodbye',
  /** A soft tone every three seconds: a tool is at work. */
  'working',
  /** Soft noise: the line is not dead. */
  'comfort_noise',
] as const;
export type BuiltInSound = (typeof builtInSounds)[number];

/** A sound of the operator's, read once when the configuration was: 16-bit mono in both rates that codecs have. */
export interface RecordedSound {
  /** Name of its file, for logs. */
  readonly name: string;
  /** At 8 kHz and at 16 kHz. In shared memory, so that a worker that plays it gets no copy. */
  readonly narrow: Int16Array;
  readonly wide: Int16Array;
}

/** What may be played to a caller. */
export type Prompt = BuiltInSound | RecordedSound;

/** How long it takes at most when it is played once, ms. */
export function promptMs(prompt: Prompt): number {
  return typeof prompt === 'string' ? 2000 : prompt.narrow.length / 8;
}
