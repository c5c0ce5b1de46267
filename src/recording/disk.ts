import { mkdir, open, rename, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A file that is being written. Everything here may fail with what the system says. */
export interface DiskFile {
  write(bytes: Uint8Array, position: number): Promise<void>;
  truncate(length: number): Promise<void>;
  /** Settles when what was written would survive the machine. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** What recordings need of a disk. */
export interface Disk {
  /** A new file, for this user alone, and the folder it lies in. */
  create(path: string): Promise<DiskFile>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Space that is left for this user, bytes. */
  freeBytes(folder: string): Promise<number>;
}

/** Makes a folder that nobody else may read, unless it is there. */
export async function privateFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
}

/** The machine's own. */
export const systemDisk: Disk = {
  async create(path) {
    await privateFolder(dirname(path));
    const file = await open(path, 'wx', 0o600);
    return {
      async write(bytes, position) {
        for (let done = 0; done < bytes.length; ) {
          const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
          done += bytesWritten;
        }
      },
      truncate: length => file.truncate(length),
      sync: () => file.datasync(),
      close: () => file.close(),
    };
  },
  rename,
  remove: path => rm(path, { force: true }),
  async freeBytes(folder) {
    await privateFolder(folder);
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  },
};

/** Codes of the system that mean: there is no room. */
const fullCodes: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

export const isFull = (error: unknown): boolean => fullCodes.has((error as NodeJS.ErrnoException).code);
