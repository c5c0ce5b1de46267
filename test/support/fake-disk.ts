import type { Disk, DiskFile } from '../../src/recording/disk.ts';

/** An error as the system gives it. */
export const systemError = (code: string): Error => Object.assign(new Error(code), { code });

/** A disk in memory that is as full, as slow or as broken as a test says. */
export class FakeDisk implements Disk {
  readonly files = new Map<string, Buffer>();
  /** Bytes that fit on it. */
  room = Number.POSITIVE_INFINITY;
  free = Number.POSITIVE_INFINITY;
  /** What a write fails with; undefined: it does not. */
  fault: string | undefined;
  /** Writes that wait until the test lets them go; undefined: they do not. */
  held: (() => void)[] | undefined;
  writes = 0;

  async create(path: string): Promise<DiskFile> {
    if (this.fault !== undefined) throw systemError(this.fault);
    if (this.files.has(path)) throw systemError('EEXIST');
    this.files.set(path, Buffer.alloc(0));
    return {
      write: (bytes, position) => this.#write(path, bytes, position),
      truncate: async length => void this.files.set(path, this.#of(path).subarray(0, length)),
      sync: async () => undefined,
      close: async () => undefined,
    };
  }

  async rename(from: string, to: string): Promise<void> {
    this.files.set(to, this.#of(from));
    this.files.delete(from);
  }

  async remove(path: string): Promise<void> {
    this.files.delete(path);
  }

  async freeBytes(): Promise<number> {
    return this.free;
  }

  /** Lets the oldest write that waits go on. */
  release(): void {
    this.held?.shift()?.();
  }

  get #used(): number {
    return [...this.files.values()].reduce((sum, file) => sum + file.length, 0);
  }

  #of(path: string): Buffer {
    const file = this.files.get(path);
    if (file === undefined) throw systemError('ENOENT');
    return file;
  }

  async #write(path: string, given: Uint8Array, position: number): Promise<void> {
    this.writes += 1;
    const bytes = Buffer.from(given);
    const { held } = this;
    if (held !== undefined) await new Promise<void>(resolve => held.push(resolve));
    if (this.fault !== undefined) throw systemError(this.fault);
    const file = this.#of(path);
    const length = Math.max(file.length, position + bytes.length);
    const grown = this.#used - file.length + length;
    const fits = grown <= this.room ? bytes.length : Math.max(0, bytes.length - (grown - this.room));
    const next = Buffer.alloc(Math.max(file.length, position + fits));
    file.copy(next);
    bytes.copy(next, position, 0, fits);
    this.files.set(path, next);
    // A full disk takes what still fits.
    if (fits < bytes.length) throw systemError('ENOSPC');
  }
}
