import { open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Ending, ending } from '../core/ending.ts';
import { Failure, fail, messageOf, ok, type Result } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { extensions, unfinished } from './container.ts';
import { frameBytes } from './limits.ts';
import { places, type RecordingKey, readSealedHeader, Seal, sealedHeaderBytes, tagBytes } from './sealing.ts';
import { openPlain, openSealed, readAt, type StoredRecording, sealedExtent, wholeFrames } from './stored.ts';
import { wavHeader, wavHeaderBytes, wavRate } from './wav.ts';

/** A recording that a crash cut off. */
export interface Recovered {
  readonly call: string;
  /** `recording-interrupted`, or `recording-key-missing` where nothing could be done about it. */
  readonly end: Ending;
  /** Sound that was saved, ms. */
  readonly ms: number;
}

/** The finished recordings of a folder, on the main thread. */
export class Shelf {
  readonly #folder: string;
  readonly #keys: () => readonly RecordingKey[];
  readonly #log: Logger;

  /** `keys` are all that recordings may have been encrypted with, asked for each time. */
  constructor(folder: string, keys: () => readonly RecordingKey[], log: Logger) {
    this.#folder = folder;
    this.#keys = keys;
    this.#log = log;
  }

  /** Opens the recording of a call. Fails with `not-found`, `recording-key-missing` or `recording-damaged`. */
  async open(call: string): Promise<Result<StoredRecording>> {
    try {
      const sealed = await openSealed(this.#path(call, extensions.sealed), call, this.#keys());
      if (sealed !== undefined) return sealed;
      const plain = await openPlain(this.#path(call, extensions.plain));
      return plain === undefined ? fail(new Failure('not-found', 'this call has no recording')) : ok(plain);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return fail(new Failure('recording-damaged', code ?? messageOf(error)));
    }
  }

  /** Removes the recording of a call, whatever is there of it. */
  async remove(call: string): Promise<void> {
    for (const extension of Object.values(extensions)) {
      for (const suffix of ['', unfinished]) await rm(this.#path(call, extension + suffix), { force: true });
    }
  }

  /** Makes whole files of those that a crash left behind. To be called before anything is recorded. */
  async recover(): Promise<Recovered[]> {
    const names = await readdir(this.#folder).catch(() => []);
    const found: Recovered[] = [];
    for (const name of names.filter(each => each.endsWith(unfinished))) {
      try {
        const recovered = await this.#finish(name);
        if (recovered !== undefined) found.push(recovered);
      } catch (error) {
        this.#log.warn('a recording that was cut off could not be finished', { error: messageOf(error) });
      }
    }
    return found;
  }

  /** Only what lies in the folder itself, whatever a call is called. */
  #path(call: string, ending: string): string {
    if (!/^[\w-]{1,128}$/.test(call)) throw new Failure('not-found', 'this is no name of a call');
    return join(this.#folder, call + ending);
  }

  async #finish(name: string): Promise<Recovered | undefined> {
    const path = join(this.#folder, name);
    const call = name.slice(0, name.indexOf('.'));
    const file = await open(path, 'r+');
    try {
      const { size } = await file.stat();
      const finished = name.slice(0, -unfinished.length);
      const done = finished.endsWith(extensions.plain)
        ? await finishPlain(file, size)
        : await finishSealed(file, size, call, this.#keys());
      if (done === 'key-missing') return { call, end: ending('recording-key-missing'), ms: 0 };
      if (done === undefined) {
        await rm(path, { force: true });
        return undefined;
      }
      await file.datasync();
      await rename(path, join(this.#folder, finished));
      const ms = (done.soundBytes / frameBytes / done.rate) * 1000;
      return { call, end: ending('recording-interrupted'), ms };
    } finally {
      await file.close();
    }
  }
}

interface Finished {
  readonly rate: number;
  readonly soundBytes: number;
}

type File = Awaited<ReturnType<typeof open>>;

async function finishPlain(file: File, size: number): Promise<Finished | undefined> {
  const rate = wavRate(await readAt(file, 0, wavHeaderBytes));
  if (rate === undefined) return undefined;
  const soundBytes = wholeFrames(size - wavHeaderBytes);
  await file.truncate(wavHeaderBytes + soundBytes);
  await file.write(wavHeader(rate, soundBytes), 0, wavHeaderBytes, 0);
  return { rate, soundBytes };
}

/** Keeps the whole chunks, as far as they are what was written, and puts an empty last one behind them. */
async function finishSealed(
  file: File,
  size: number,
  name: string,
  keys: readonly RecordingKey[],
): Promise<Finished | 'key-missing' | undefined> {
  const bytes = await readAt(file, 0, sealedHeaderBytes);
  const header = readSealedHeader(bytes);
  if (header === undefined) return undefined;
  const { rate, chunkBytes, keyId } = header;
  const key = keys.find(({ id }) => id === keyId);
  if (key === undefined) return 'key-missing';
  const seal = new Seal(key, bytes, name);
  const extent = sealedExtent(size, header);
  const at = (index: number) => sealedHeaderBytes + index * (chunkBytes + tagBytes);
  let chunks = 0;
  while (chunks < extent.chunks) {
    if (seal.open(chunks, places.inner, await readAt(file, at(chunks), chunkBytes + tagBytes)) === undefined)
      break;
    chunks++;
  }
  await file.truncate(at(chunks));
  const last = seal.close(chunks, places.cut, new Uint8Array(0));
  await file.write(last, 0, last.length, at(chunks));
  return { rate, soundBytes: chunks * chunkBytes };
}
