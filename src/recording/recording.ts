import { join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import { type Ending, ending } from '../core/ending.ts';
import { messageOf } from '../core/errors.ts';
import type { Recorded } from '../core/recorded.ts';
import type { RecordingOptions } from '../worker/legs.ts';
import { type Container, chunkFrames, plainContainer, sealedContainer, unfinished } from './container.ts';
import { type Disk, type DiskFile, isFull } from './disk.ts';
import { frameBytes, recordingLimits as limits } from './limits.ts';
import { places } from './sealing.ts';
import { Timeline } from './timeline.ts';
import { WireTap } from './wire-tap.ts';

export interface RecordingParts {
  /** What it is of: the name of its file. */
  readonly name: string;
  /** Samples a second, Hz. */
  readonly rate: number;
  readonly options: RecordingOptions;
  readonly clock: Clock;
  readonly disk: Disk;
}

/**
 * The recording of one call: from the wires through the timeline into a file. The file has another name until it is
 * finished; one that a crash left is finished at the next start. Whatever the disk does is never felt by the call.
 */
export class Recording {
  readonly tap: WireTap;
  /** Settles, never with an error, once the file is what it is going to be. */
  readonly over: Promise<Recorded>;
  readonly #parts: RecordingParts;
  readonly #timeline: Timeline;
  readonly #container: Container;
  readonly #sound = Buffer.alloc(limits.chunkBytes);
  readonly #samples = new Int16Array(this.#sound.buffer, this.#sound.byteOffset, limits.chunkBytes / 2);
  #settle: (recorded: Recorded) => void = () => undefined;
  /** Every step on the file comes after the one before it. */
  #steps: Promise<void>;
  #stepping = true;
  #file: DiskFile | undefined;
  /** Whole chunks that were written. */
  #chunks = 0;
  #end: Ending | undefined;
  readonly #withheld = new Set<string>();
  /** A chunk could not be written: the file ends before it. */
  #broken = false;

  constructor(parts: RecordingParts) {
    const { name, rate, options, clock } = parts;
    this.#parts = parts;
    this.#timeline = new Timeline(rate, clock.now());
    this.tap = new WireTap(this.#timeline);
    this.#container =
      options.key === undefined ? plainContainer(rate) : sealedContainer(rate, options.key, name);
    this.over = new Promise(resolve => {
      this.#settle = resolve;
    });
    this.#steps = this.#step(() => this.#begin());
  }

  /** A chunk waits to be written, and no other is being written. */
  get due(): boolean {
    return (
      !this.#stepping &&
      this.#end === undefined &&
      this.#timeline.ready(this.#parts.clock.now()) >= chunkFrames
    );
  }

  /** Writes what is due, off the stack of whoever asks. */
  write(): void {
    if (this.due) this.#steps = this.#step(() => this.#append(false));
  }

  /** Both sides are silent in it while any of its causes is on: a code may be keyed, or spoken. */
  withhold(cause: 'keyed' | 'spoken', on: boolean): void {
    const now = this.#parts.clock.now();
    if (on) this.#withheld.add(cause);
    else this.#withheld.delete(cause);
    if (this.#withheld.size > 0) this.#timeline.pause(now);
    else this.#timeline.resume(now);
  }

  /** Nothing more is recorded: what there is becomes the file. Only the first end counts. */
  finish(end: Ending): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    const tooLong = this.#parts.clock.timer(limits.finishMs, () =>
      this.#tell(ending('recording-failed', 'the disk did not answer in time')),
    );
    // A step that fails at once ends it before its own promise is there.
    void Promise.resolve()
      .then(() => this.#steps)
      .then(() => this.#close(end))
      .finally(() => tooLong.cancel());
  }

  async #step(work: () => Promise<void>): Promise<void> {
    this.#stepping = true;
    try {
      await work();
    } catch (error) {
      this.#broken = true;
      this.finish(failureOf(error));
    }
    this.#stepping = false;
  }

  async #begin(): Promise<void> {
    const { disk, options } = this.#parts;
    if ((await disk.freeBytes(options.folder)) < options.minFreeBytes) {
      this.finish(ending('recording-disk-low'));
      return;
    }
    const file = await disk.create(this.#path(unfinished));
    try {
      await file.write(this.#container.header, 0);
      this.#file = file;
    } catch (error) {
      await file.close();
      await disk.remove(this.#path(unfinished));
      throw error;
    }
  }

  /** One chunk; the last one may be shorter, or empty. */
  async #append(last: boolean): Promise<void> {
    const frames = this.#timeline.take(
      this.#samples,
      chunkFrames,
      last ? undefined : this.#parts.clock.now(),
    );
    const sound = this.#sound.subarray(0, frames * frameBytes);
    const place = frames < chunkFrames ? places.last : places.inner;
    const { bytes, at } = this.#container.chunk(this.#chunks, place, sound);
    await this.#file?.write(bytes, at);
    if (frames === chunkFrames) this.#chunks += 1;
    if (this.#chunks * limits.chunkBytes > limits.wavBytes - 2 * limits.chunkBytes)
      this.finish(ending('recording-failed', 'a WAV file holds no more'));
  }

  async #close(end: Ending): Promise<void> {
    const file = this.#file;
    if (file === undefined) return this.#tell(end);
    let told = end;
    try {
      const soundBytes = this.#broken
        ? await this.#cut(file)
        : await this.#rest().catch((error: unknown) => {
            // What was written before is kept: the disk may be as full at the end as anywhere else.
            told = orFailure(end, error);
            return this.#cut(file);
          });
      const header = this.#container.finalHeader(soundBytes);
      if (header !== undefined) await file.write(header, 0);
      await file.sync();
      await file.close();
      await this.#parts.disk.rename(this.#path(unfinished), this.#path(''));
      this.#tell(told, soundBytes);
    } catch (error) {
      await file.close().catch(() => undefined);
      this.#tell(orFailure(told, error));
    }
  }

  /** Writes all that is left; returns how much sound the file has, bytes. */
  async #rest(): Promise<number> {
    for (;;) {
      const before = this.#chunks;
      const left = this.#timeline.ready();
      await this.#append(true);
      if (this.#chunks === before) return before * limits.chunkBytes + left * frameBytes;
    }
  }

  /** Ends the file where the disk failed. Where that takes a last chunk, one is given up to make room for it. */
  async #cut(file: DiskFile): Promise<number> {
    if (this.#container.needsLast) this.#chunks = Math.max(0, this.#chunks - 1);
    await file.truncate(this.#container.end(this.#chunks));
    const { bytes, at } = this.#container.chunk(this.#chunks, places.cut, new Uint8Array(0));
    await file.write(bytes, at);
    return this.#chunks * limits.chunkBytes;
  }

  #tell(end: Ending, bytes = 0): void {
    const { rate, options } = this.#parts;
    const { gaps, lostMs } = this.#timeline;
    this.#settle({
      end,
      rate,
      seconds: bytes / frameBytes / rate,
      bytes,
      gaps,
      lostMs,
      ...(options.key === undefined ? {} : { keyId: options.key.id }),
    });
  }

  #path(suffix: string): string {
    const { options, name } = this.#parts;
    return join(options.folder, `${name}${this.#container.extension}${suffix}`);
  }
}

/** Why it ended: a failure at the end is told unless there was another cause before. */
const orFailure = (end: Ending, error: unknown): Ending =>
  end.reason === 'recording-complete' ? failureOf(error) : end;

/** What became of it, in the system's own word, which holds no path. */
function failureOf(error: unknown): Ending {
  if (isFull(error)) return ending('recording-disk-full');
  return ending('recording-failed', (error as NodeJS.ErrnoException).code ?? messageOf(error));
}
