import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { Failure, fail, ok, type Result } from '../core/errors.ts';
import { frameBytes } from './limits.ts';
import {
  places,
  type RecordingKey,
  readSealedHeader,
  Seal,
  type SealedHeader,
  sealedHeaderBytes,
  tagBytes,
} from './sealing.ts';
import { wavHeader, wavHeaderBytes } from './wav.ts';

/** A finished recording, as the WAV file that it is to whoever may hear it. */
export interface StoredRecording {
  /** Length of the WAV file. */
  readonly bytes: number;
  /** The bytes from `first` to `last`, both included. A file that was changed since it was written breaks the stream. */
  read(first: number, last: number): Readable;
  close(): Promise<void>;
}

/** Bytes that are read at once from a plain file. */
const readBytes = 65_536;

/** Undefined when there is no such file. */
async function openThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Opens a plain WAV file; undefined when there is none. */
export async function openPlain(path: string): Promise<StoredRecording | undefined> {
  const file = await openThere(path);
  if (file === undefined) return undefined;
  const { size } = await file.stat();
  return {
    bytes: size,
    read: (first, last) => Readable.from(plainBytes(file, first, last), { objectMode: false }),
    close: () => file.close(),
  };
}

async function* plainBytes(file: FileHandle, first: number, last: number): AsyncGenerator<Buffer> {
  for (let at = first; at <= last; ) {
    const piece = await readAt(file, at, Math.min(readBytes, last + 1 - at));
    if (piece.length === 0) throw new Failure('recording-damaged', 'the file has become shorter');
    yield piece;
    at += piece.length;
  }
}

/** Opens an encrypted one; undefined when there is none. Fails with `recording-key-missing`, or `recording-damaged` where it is not whole. */
export async function openSealed(
  path: string,
  name: string,
  keys: readonly RecordingKey[],
): Promise<Result<StoredRecording> | undefined> {
  const file = await openThere(path);
  if (file === undefined) return undefined;
  const sealed = await SealedFile.of(file, name, keys);
  if (!sealed.ok) {
    await file.close();
    return sealed;
  }
  return ok(sealed.value);
}

/** Where an encrypted file ends: whole chunks, and the bytes of sound in the one after them. */
interface Extent {
  readonly chunks: number;
  readonly rest: number;
}

/** What a file of this size holds; `rest` is negative where its last chunk is missing. */
export function sealedExtent(size: number, { chunkBytes }: SealedHeader): Extent {
  const body = size - sealedHeaderBytes;
  const chunks = Math.floor(body / (chunkBytes + tagBytes));
  return { chunks, rest: body - chunks * (chunkBytes + tagBytes) - tagBytes };
}

class SealedFile implements StoredRecording {
  readonly bytes: number;
  readonly #file: FileHandle;
  readonly #header: SealedHeader;
  readonly #seal: Seal;
  readonly #extent: Extent;

  private constructor(file: FileHandle, header: SealedHeader, seal: Seal, extent: Extent) {
    this.#file = file;
    this.#header = header;
    this.#seal = seal;
    this.#extent = extent;
    this.bytes = wavHeaderBytes + this.#soundBytes;
  }

  static async of(
    file: FileHandle,
    name: string,
    keys: readonly RecordingKey[],
  ): Promise<Result<StoredRecording>> {
    const bytes = await readAt(file, 0, sealedHeaderBytes);
    const header = readSealedHeader(bytes);
    if (header === undefined)
      return fail(new Failure('recording-damaged', 'the file does not begin as a recording'));
    const key = keys.find(({ id }) => id === header.keyId);
    if (key === undefined)
      return fail(
        new Failure(
          'recording-key-missing',
          `it was encrypted with the key ${header.keyId}, which is not in DATA_KEY`,
        ),
      );
    const extent = sealedExtent((await file.stat()).size, header);
    const sealed = new SealedFile(file, header, new Seal(key, bytes, name), extent);
    // What was cut off is told before a byte is given out.
    const whole = extent.rest >= 0 && (await sealed.#chunk(extent.chunks)) !== undefined;
    return whole
      ? ok(sealed)
      : fail(
          new Failure('recording-damaged', 'its end is missing or was changed, or its key is another one'),
        );
  }

  read(first: number, last: number): Readable {
    return Readable.from(this.#pieces(first, last), { objectMode: false });
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  get #soundBytes(): number {
    return this.#extent.chunks * this.#header.chunkBytes + this.#extent.rest;
  }

  async *#pieces(first: number, last: number): AsyncGenerator<Buffer> {
    if (first < wavHeaderBytes) {
      yield wavHeader(this.#header.rate, this.#soundBytes).subarray(first, last + 1);
    }
    const { chunkBytes } = this.#header;
    const from = Math.max(0, first - wavHeaderBytes);
    const to = last + 1 - wavHeaderBytes;
    for (let index = Math.floor(from / chunkBytes); index * chunkBytes < to; index++) {
      const sound = await this.#chunk(index);
      if (sound === undefined) throw new Failure('recording-damaged', `chunk ${index} was changed`);
      const begin = index * chunkBytes;
      yield sound.subarray(Math.max(0, from - begin), to - begin);
    }
  }

  async #chunk(index: number): Promise<Buffer | undefined> {
    const { chunks, rest } = this.#extent;
    const { chunkBytes } = this.#header;
    const length = (index === chunks ? rest : chunkBytes) + tagBytes;
    const frame = await readAt(this.#file, sealedHeaderBytes + index * (chunkBytes + tagBytes), length);
    if (index < chunks) return this.#seal.open(index, places.inner, frame);
    return this.#seal.open(index, places.last, frame) ?? this.#seal.open(index, places.cut, frame);
  }
}

/** Up to `length` bytes; fewer at the end of the file. */
export async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let got = 0;
  while (got < length) {
    const { bytesRead } = await file.read(bytes, got, length - got, at + got);
    if (bytesRead === 0) break;
    got += bytesRead;
  }
  return bytes.subarray(0, got);
}

/** Whole frames of stereo in so many bytes. */
export const wholeFrames = (bytes: number): number => bytes - (bytes % frameBytes);
