import { storeLimits } from './limits.ts';

/** What emptying needs of a connection. */
export interface Pragmas {
  pragma(text: string): unknown;
}

/** Pages in the log, and those of them that are in the database. */
interface Progress {
  readonly log: number;
  readonly checkpointed: number;
}

/**
 * Empties the log of a database in WAL mode from a connection that writes nothing, while others go on (SQLite, "Write-Ahead
 * Logging", section 3.2). They wait only where the log has come to `walPages` pages because they never stop: then for what was
 * written since the step before, so that it can begin anew; and no longer than `file` waits for a lock, which somebody who reads
 * may keep it from. Gives the pages that the log had. Throws what SQLite says.
 */
export function emptyLog(file: Pragmas, walPages: number = storeLimits.walPages): number {
  const { log, checkpointed } = progressOf(file.pragma('wal_checkpoint(PASSIVE)'));
  if (log >= walPages && checkpointed > 0) file.pragma('wal_checkpoint(RESTART)');
  return log;
}

function progressOf(rows: unknown): Progress {
  const [row] = rows as readonly Progress[];
  return row ?? { log: 0, checkpointed: 0 };
}
