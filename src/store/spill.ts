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
import { storageProblem } from './storage-problem.ts';

export interface SpillParts {
  /** Undefined: there is no file, nothing can be spilt. */
  readonly path: string | undefined;
  readonly sealer: Sealer;
  readonly boot: string;
  readonly log: Logger;
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

  /** Hands out what is in the file, some calls at a time, and removes it when all is through. Rejects as `write` does. */
  replay(write: (images: readonly CallImage[]) => Promise<void>): Promise<number> {
    return this.#inTurn(() => this.#replay(write));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work, work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #add(images: readonly CallImage[]): Promise<boolean> {
    const { path, log } = this.#parts;
    if (path === undefined) return false;
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

  async #replay(write: (images: readonly CallImage[]) => Promise<void>): Promise<number> {
    const { path } = this.#parts;
    if (path === undefined || (await sizeOf(path)) === 0) return 0;
    let batch: CallImage[] = [];
    let calls = 0;
    for await (const text of createInterface({ input: createReadStream(path, 'utf8') })) {
      if (text === '') continue;
      const image = this.#read(text);
      if (image === undefined) continue;
      batch.push(image);
      calls += 1;
      if (batch.length < storeLimits.batchCalls) continue;
      await write(batch);
      batch = [];
    }
    if (batch.length > 0) await write(batch);
    await rm(path, { force: true });
    return calls;
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

const lineOf = ({ record, row }: CallImage): Line => ({ record, sealed: row.sealed, at: row.updated_at });

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}
