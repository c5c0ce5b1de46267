import { messageOf } from '../core/errors.ts';

/** What a database that cannot be used, or a file beside it, says, with the setting that changes it. */
export function storageProblem(error: unknown, where: string): string {
  if (isDiskFull(error)) return `the disk is full: make room in DATA_DIR (${where})`;
  if (isDenied(error))
    return `this user may not write there: make DATA_DIR a directory of its own (${where})`;
  return `${messageOf(error)} (${where})`;
}

/** SQLite's own word for it, and the system's. */
const fullCodes: ReadonlySet<unknown> = new Set(['SQLITE_FULL', 'ENOSPC', 'EDQUOT']);

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && fullCodes.has((error as NodeJS.ErrnoException).code);
}

const deniedCodes: ReadonlySet<unknown> = new Set([
  'SQLITE_READONLY',
  'SQLITE_CANTOPEN',
  'SQLITE_PERM',
  'EACCES',
  'EPERM',
  'EROFS',
]);

/** SQLITE_CANTOPEN as `libsql` says it while it opens a file: in words, without a code. */
const notOpened = /^ConnectionFailed\(".*: 14"\)$/;

/** Of files: a database that is connected to may be refused with the same words. */
function isDenied(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  return (deniedCodes.has(code) && syscall !== 'connect') || notOpened.test(message);
}

/**
 * Whether PostgreSQL has said of what it was to write that it can never take it (its manual, appendix A): data (class 22), a
 * constraint (23) or a limit of the program (54), as the size of an entry of an index.
 */
export function isRefusal(error: unknown): boolean {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return code !== undefined && /^(22|23|54)[0-9A-Z]{3}$/.test(code);
}
