import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { programFile } from '../core/program-file.ts';
import { startThread } from '../core/thread.ts';

/** Memory of the thread, MB: it has hardly any objects. */
const rooms = { oldMegabytes: 16, youngMegabytes: 1 };

/** Empties the log of one database until it is closed. */
export interface Checkpoints {
  /** Resolves once the thread holds nothing of the database any more. */
  close(): Promise<void>;
}

/**
 * Empties the log of the SQLite database at `path` in a thread of its own: that waits for the disk for tens of milliseconds,
 * and in the main thread every call would wait with it. When the thread fails, writers empty the log themselves, later.
 */
export function startCheckpoints(path: string, log: Logger): Checkpoints {
  const thread = startThread(programFile(import.meta.url, './checkpoint-thread'), {
    workerData: path,
    ...rooms,
  });
  // A daemon that cannot start is over without this.
  thread.unref();
  const over = new Promise<void>(resolve => thread.once('exit', () => resolve()));
  const late = (error: string) =>
    log.warn('the log of the database cannot be emptied: it grows, and writing waits for it later', {
      error,
    });
  thread.on('message', late);
  thread.on('error', error => late(messageOf(error)));
  return {
    close: () => {
      thread.ref();
      thread.postMessage('close');
      return over;
    },
  };
}
