import { messageOf } from '../core/errors.ts';

/** What a database that cannot be used, or a file beside it, says, with the setting that changes it. */
export function storageProblem(error: unknown, where: string): string {
  if (isDiskFull(error)) return `the disk is full: make room in DATA_DIR (${where})`;
  return `${messageOf(error)} (${where})`;
}

/** SQLite's own word for it, and the system's. */
const fullCodes: ReadonlySet<unknown> = new Set(['SQLITE_FULL', 'ENOSPC', 'EDQUOT']);

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && fullCodes.has((error as NodeJS.ErrnoException).code);
}
