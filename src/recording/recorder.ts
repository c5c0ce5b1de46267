import type { Clock, Timer } from '../core/clock.ts';
import { ending } from '../core/ending.ts';
import type { CallKey } from '../core/ids.ts';
import type { RecordingOptions } from '../worker/legs.ts';
import { type Disk, systemDisk } from './disk.ts';
import { recordingLimits as limits } from './limits.ts';
import { Recording } from './recording.ts';

/**
 * Looks after the recordings of one worker: a few of them in each turn, so that a thousand calls that began at once do
 * not hold up the sound of any.
 */
export class Recorder {
  readonly #clock: Clock;
  readonly #disk: Disk;
  readonly #recordings = new Map<Recording, RecordingOptions>();
  #order: Recording[] = [];
  #at = 0;
  #turn: Timer | undefined;
  #freeAt = 0;
  #emptied: () => void = () => undefined;

  constructor(clock: Clock, disk: Disk = systemDisk) {
    this.#clock = clock;
    this.#disk = disk;
  }

  /** Recordings that are not over. */
  get active(): number {
    return this.#recordings.size;
  }

  start(call: CallKey, rate: number, options: RecordingOptions): Recording {
    const recording = new Recording({
      name: call,
      rate,
      options,
      clock: this.#clock,
      disk: this.#disk,
    });
    if (this.#recordings.size === 0) this.#freeAt = this.#clock.now() + limits.freeEveryMs;
    this.#recordings.set(recording, options);
    this.#order = [...this.#recordings.keys()];
    void recording.over.then(() => this.#gone(recording));
    this.#arm();
    return recording;
  }

  /** Settles when every recording is over. */
  async idle(): Promise<void> {
    if (this.#recordings.size === 0) return;
    await new Promise<void>(resolve => {
      this.#emptied = resolve;
    });
  }

  #gone(recording: Recording): void {
    this.#recordings.delete(recording);
    this.#order = [...this.#recordings.keys()];
    if (this.#recordings.size > 0) return;
    this.#turn?.cancel();
    this.#turn = undefined;
    this.#emptied();
  }

  #arm(): void {
    this.#turn ??= this.#clock.timer(limits.turnMs, () => {
      this.#turn = undefined;
      this.#look();
      if (this.#recordings.size > 0) this.#arm();
    });
  }

  #look(): void {
    let begun = 0;
    for (let seen = 0; seen < this.#order.length && begun < limits.filesPerTurn; seen++) {
      const recording = this.#order[this.#at % this.#order.length];
      this.#at = (this.#at + 1) % this.#order.length;
      if (recording?.due !== true) continue;
      recording.write();
      begun++;
    }
    const now = this.#clock.now();
    if (now < this.#freeAt) return;
    this.#freeAt = now + limits.freeEveryMs;
    void this.#watchSpace();
  }

  /** The disk may be filled by others: the daemon's own data must not be what meets its end. */
  async #watchSpace(): Promise<void> {
    const folders = new Map<string, number>();
    for (const { folder } of this.#recordings.values()) folders.set(folder, Number.POSITIVE_INFINITY);
    for (const folder of folders.keys()) {
      const free = await this.#disk.freeBytes(folder).catch(() => Number.POSITIVE_INFINITY);
      folders.set(folder, free);
    }
    for (const [recording, { folder, minFreeBytes }] of this.#recordings) {
      if ((folders.get(folder) ?? 0) < minFreeBytes) recording.finish(ending('recording-disk-low'));
    }
  }
}
