import { createReadStream } from 'node:fs';
import { appendFile, mkdir, rm, stat, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Sealer } from '../core/seal.ts';
import { storeLimits } from './limits.ts';
import type { CallRecord, RecordPrivate } from './record.ts';
import { type CallImage, imageOf } from './rows.ts';
import { isRefusal, storageProblem } from './storage-problem.ts';

export interface SpillParts {
  /** Undefined: there is no file, nothing can be spilt. */
  readonly path: string | undefined;
  readonly sealer: Sealer;
  readonly boot: string;
  readonly log: Logger;
}

type Write = (images: readonly CallImage[]) => Promise<void>;

/** A call that the database can never take. */
interface Refused {
  readonly image: CallImage;
  readonly error: unknown;
}

/** One line of the file. */
interface Line {
  readonly record: CallRecord;
  readonly sealed: string;
  readonly at: number;
}

/**
 * Calls that were over while the database could not be written: one line each, sealed as in the database. They are
 * written when it is back; a line that was written before does nothing.
 */
export class SpillFile {
  readonly #parts: SpillParts;
  /** Adding and handing out go one after the other: what is added meanwhile must not go with the file. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: SpillParts) {
    this.#parts = parts;
  }

  /** False when it could not be kept here either. */
  add(images: readonly CallImage[]): Promise<boolean> {
    return this.#inTurn(() => this.#add(images));
  }

  /**
   * Hands out what is in the file, some calls at a time, and removes it when all is through; gives how many were written.
   * Rejects as `write` does, but for what the database refuses.
   */
  replay(write: Write): Promise<number> {
    return this.#inTurn(() => this.#replay(write));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work, work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #add(images: readonly CallImage[], path = this.#parts.path): Promise<boolean> {
    if (path === undefined) return false;
    const { log } = this.#parts;
    const size = await sizeOf(path);
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      // A line of its own also behind one that a kill cut off.
      const text = images.map(image => `\n${JSON.stringify(lineOf(image))}`).join('');
      if (size + text.length > storeLimits.spillBytes) return false;
      await appendFile(path, text, { mode: 0o600, flush: true });
      return true;
    } catch (error) {
      log.error('spill file cannot be written', { error: storageProblem(error, path) });
      // A full disk takes what still fits: half a line would be no call.
      await truncate(path, size).catch(() => undefined);
      return false;
    }
  }

  async #replay(write: Write): Promise<number> {
    const { path } = this.#parts;
    if (path === undefined || (await sizeOf(path)) === 0) return 0;
    const refused: Refused[] = [];
    let batch: CallImage[] = [];
    let calls = 0;
    for await (const text of createInterface({ input: createReadStream(path, 'utf8') })) {
      if (text === '') continue;
      const image = this.#read(text);
      if (image === undefined) continue;
      batch.push(image);
      calls += 1;
      if (batch.length < storeLimits.batchCalls) continue;
      refused.push(...(await handedOut(batch, write)));
      batch = [];
    }
    if (batch.length > 0) refused.push(...(await handedOut(batch, write)));
    await this.#setAside(refused, path);
    await rm(path, { force: true });
    return calls - refused.length;
  }

  /** What can never be written must not keep the rest from it: it goes to a file of its own, for people. */
  async #setAside(refused: readonly Refused[], path: string): Promise<void> {
    const [first] = refused;
    if (first === undefined) return;
    const aside = path.replace(/(\.jsonl)?$/, '.bad.jsonl');
    const images = refused.map(({ image }) => image);
    if (!(await this.#add(images, aside))) throw first.error;
    for (const { image, error } of refused) {
      this.#parts.log.error('the database refuses a call: it was set aside', {
        call: image.record.key,
        error: storageProblem(error, aside),
      });
    }
  }

  /** The last line may have been cut off by a kill, or be sealed with a key that is gone. */
  #read(text: string): CallImage | undefined {
    const { sealer, boot, log } = this.#parts;
    try {
      const { record, sealed, at } = JSON.parse(text) as Line;
      const secret = sealer.open(sealed, record.key);
      if (secret === undefined) throw new Error('it is sealed with another DATA_KEY');
      return imageOf(record, JSON.parse(secret) as RecordPrivate, { sealer, boot, now: at, toolsFrom: 0 });
    } catch (error) {
      log.error('a line of the spill file cannot be read', { error: messageOf(error) });
      return undefined;
    }
  }
}

/** Writes these calls; one by one when something about one of them is refused. Gives those that are. */
async function handedOut(images: readonly CallImage[], write: Write): Promise<readonly Refused[]> {
  try {
    await write(images);
    return [];
  } catch (error) {
    const [only] = images;
    if (!isRefusal(error) || only === undefined) throw error;
    if (images.length === 1) return [{ image: only, error }];
  }
  const refused: Refused[] = [];
  for (const image of images) refused.push(...(await handedOut([image], write)));
  return refused;
}

const lineOf = ({ record, row }: CallImage): Line => ({ record, sealed: row.sealed, at: row.updated_at });

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}
