import { createHash, hkdfSync } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { RecordingPolicy } from './call/recording.ts';
import type { Config } from './config/config.ts';
import { Failure, fail, type Result } from './core/errors.ts';
import type { EventSink } from './core/events.ts';
import type { CallKey } from './core/ids.ts';
import type { Logger } from './core/logger.ts';
import type { RecordingKey } from './recording/sealing.ts';
import { Shelf } from './recording/shelf.ts';
import type { StoredRecording } from './recording/stored.ts';
import type { CallArchive } from './store/store.ts';

export interface RecordingsParts {
  /** As this daemon was started with; and what is configured now. */
  readonly config: Config;
  readonly now: () => Config;
  /** Those of DATA_KEY: the first one encrypts, every one decrypts. */
  readonly dataKeys: readonly Buffer[];
  readonly log: Logger;
}

/** The recordings of this node: where new ones go, and what becomes of those that there are. */
export class Recordings {
  readonly #parts: RecordingsParts;
  readonly #keys: readonly RecordingKey[];
  readonly #folder: string | undefined;
  readonly #shelf: Shelf | undefined;

  constructor(parts: RecordingsParts) {
    const { config, dataKeys, log } = parts;
    const { dataDir } = config.store;
    this.#parts = parts;
    this.#keys = dataKeys.map(recordingKey);
    const folder =
      config.recording.folder ?? (dataDir === undefined ? undefined : join(dataDir, 'recordings'));
    this.#folder = folder && resolve(folder);
    this.#shelf = this.#folder === undefined ? undefined : new Shelf(this.#folder, () => this.#keys, log);
  }

  /** What holds for calls that begin now and whose number does not say otherwise. */
  options(): RecordingPolicy {
    const { enabled: record, consentPrompt, encrypt, minFreeBytes } = this.#parts.now().recording;
    const [key] = this.#keys;
    // Never in the clear where it was asked to be sealed: without a key there is no recording.
    if (this.#folder === undefined || (encrypt && key === undefined)) return {};
    const sealed = encrypt && key !== undefined ? { key } : {};
    return { record, consentPrompt, recordTo: { folder: this.#folder, minFreeBytes, ...sealed } };
  }

  /** Finishes what a crash left, and tells of it. To be called before anything is recorded. */
  async recover(events: EventSink): Promise<void> {
    for (const { call, end, ms } of (await this.#shelf?.recover()) ?? []) {
      events.emit({ type: 'recording-found', call, end, seconds: ms / 1000 });
    }
  }

  /** Removes what is there of a call. */
  readonly remove = async ({ key }: { readonly key: CallKey }): Promise<void> => {
    await this.#shelf?.remove(key);
  };

  /** The recording of a call, by any of its names. */
  async find(archive: Pick<CallArchive, 'find'>, id: string): Promise<Result<StoredRecording>> {
    try {
      const call = await archive.find(id);
      if (call === undefined || this.#shelf === undefined) {
        return fail(new Failure('not-found', 'there is no such call'));
      }
      const found = await this.#shelf.open(call.key);
      const early = !found.ok && found.failure.code === 'not-found' && call.state === 'running';
      return early ? fail(new Failure('not-over', 'the call is still up')) : found;
    } catch (error) {
      return fail(new Failure('store-down', 'the store does not answer', { cause: error }));
    }
  }
}

/** A key for recordings alone, made from one for all data; its id says nothing about it. */
function recordingKey(dataKey: Buffer): RecordingKey {
  const id = createHash('sha256').update('trunkbridge recording key id').update(dataKey).digest('hex');
  const secret = hkdfSync('sha256', dataKey, Buffer.alloc(0), 'trunkbridge recording key', 32);
  return { id: id.slice(0, 16), secret: new Uint8Array(secret) };
}
