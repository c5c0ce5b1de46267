import type { Ending } from './ending.ts';

/** A stretch of a recording that is silent on purpose, ms from its beginning. */
export interface RecordingGap {
  readonly fromMs: number;
  readonly toMs: number;
  /** `code`: a one-time code may have been keyed or spoken; `lost`: the disk was too slow. */
  readonly cause: 'code' | 'lost';
}

/** A recording that is over. */
export interface Recorded {
  /** `recording-complete`, or why it is not. */
  readonly end: Ending;
  /** Samples a second of each of its two channels, Hz. */
  readonly rate: number;
  readonly seconds: number;
  /** Sound in its file, which is named after the call; 0 when there is none. */
  readonly bytes: number;
  /** The first ones; after those no more are told apart. */
  readonly gaps: readonly RecordingGap[];
  /** Sound that the disk was too slow for, ms. */
  readonly lostMs: number;
  /** Id of the key that it is encrypted with; absent: it is a plain WAV file. */
  readonly keyId?: string;
}
