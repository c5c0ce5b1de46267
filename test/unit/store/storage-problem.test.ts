import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSqlite } from '../../../src/store/database.ts';
import { storageProblem } from '../../../src/store/storage-problem.ts';

const error = (code: string, more = {}) =>
  Object.assign(new Error(`what the system says: ${code}`), { code, ...more });

describe('what is said of a database that cannot be used', () => {
  it.each(['EACCES', 'EROFS', 'SQLITE_READONLY', 'SQLITE_CANTOPEN'])('names DATA_DIR for %s', code => {
    expect(storageProblem(error(code), '/data/x.db')).toMatch(
      /may not write there: .*DATA_DIR.*\(\/data\/x\.db\)$/,
    );
  });

  it('names DATA_DIR for a file that SQLite cannot open', () => {
    // A directory where the file should be: what a missing right looks like, which root never misses.
    const directory = mkdtempSync(join(tmpdir(), 'storage-'));
    try {
      expect(() => openSqlite(directory)).toThrow(/may not write there: .*DATA_DIR/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('names DATA_DIR when the disk is full', () => {
    expect(storageProblem(error('ENOSPC'), '/data/x.db')).toMatch(/disk is full: .*DATA_DIR/);
  });

  it('is the word of the system for all else, and for a server that may not be connected to', () => {
    for (const other of [error('SQLITE_CORRUPT'), error('EACCES', { syscall: 'connect' })])
      expect(storageProblem(other, 'there')).toBe(`${other.message} (there)`);
  });
});
