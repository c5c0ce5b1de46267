import { frameBytes, recordingLimits as limits } from './limits.ts';
import {
  newSealedHeader,
  type Place,
  type RecordingKey,
  Seal,
  sealedHeaderBytes,
  tagBytes,
} from './sealing.ts';
import { wavHeader, wavHeaderBytes } from './wav.ts';

/** Ending of the name of a file that is not finished. */
export const unfinished = '.part';
/** Endings of the names of those that are. */
export const extensions = { plain: '.wav', sealed: '.tbrec' } as const;

/** How the sound of a recording is laid out in its file: chunk after chunk, each `chunkBytes` long but the last. */
export interface Container {
  readonly extension: string;
  readonly header: Buffer;
  /** Bytes of the file for a chunk of sound, and where they belong. */
  chunk(index: number, place: Place, sound: Uint8Array): { readonly bytes: Uint8Array; readonly at: number };
  /** The header of the finished file where that differs from the first one. */
  finalHeader(soundBytes: number): Buffer | undefined;
  /** Whether a file without a last chunk, be it empty, is not whole. */
  readonly needsLast: boolean;
  /** Where the file ends after so many whole chunks. */
  end(chunks: number): number;
}

/** A WAV file. Until it is finished its header promises more than there is: players then read to the end. */
export function plainContainer(rate: number): Container {
  return {
    extension: extensions.plain,
    header: wavHeader(rate, limits.wavBytes),
    chunk: (index, _place, sound) => ({ bytes: sound, at: wavHeaderBytes + index * limits.chunkBytes }),
    finalHeader: soundBytes => wavHeader(rate, soundBytes),
    needsLast: false,
    end: chunks => wavHeaderBytes + chunks * limits.chunkBytes,
  };
}

/** An encrypted file; `name` is bound into it. */
export function sealedContainer(rate: number, key: RecordingKey, name: string): Container {
  const header = newSealedHeader(rate, key.id);
  const seal = new Seal(key, header, name);
  const end = (chunks: number) => sealedHeaderBytes + chunks * (limits.chunkBytes + tagBytes);
  return {
    extension: extensions.sealed,
    header,
    chunk: (index, place, sound) => ({ bytes: seal.close(index, place, sound), at: end(index) }),
    finalHeader: () => undefined,
    needsLast: true,
    end,
  };
}

/** Frames of one chunk. */
export const chunkFrames = limits.chunkBytes / frameBytes;
