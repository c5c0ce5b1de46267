/** The seven audio formats of ElevenLabs' conversation WebSocket, in its own words: mono, pcm is 16-bit little-endian. */
export const audioFormats = [
  'pcm_8000',
  'pcm_16000',
  'pcm_22050',
  'pcm_24000',
  'pcm_44100',
  'pcm_48000',
  'ulaw_8000',
] as const;
export type AudioFormat = (typeof audioFormats)[number];

/** Samples a second (Hz) of a format. */
export function sampleRate(format: AudioFormat): number {
  return Number(format.slice(format.indexOf('_') + 1));
}

/** Bytes one sample takes in a format. */
export function bytesPerSample(format: AudioFormat): 1 | 2 {
  return format === 'ulaw_8000' ? 1 : 2;
}

/**
 * Takes sound in order. `write` borrows `bytes` for the duration of the call: a sink that wants to keep them copies
 * them. The sound is any number of whole samples in `format`, from `from` up to, not including, `to`: all of them unless given.
 */
export interface AudioSink {
  readonly format: AudioFormat;
  write(bytes: Uint8Array, from?: number, to?: number): void;
  /** The pipeline from here on, for one log line: `jitter -> pcmu(decode) -> agent(pcm_16000)`. */
  toString(): string;
}
