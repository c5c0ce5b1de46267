import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { emptyLog } from '../../../src/store/checkpoint.ts';

let folder: string;
let path: string;
let writer: Libsql.Database;
let beside: Libsql.Database;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trunkbridge-checkpoint-'));
  path = join(folder, 'a.db');
  writer = new Libsql(path, { timeout: 0 });
  writer.pragma('journal_mode = WAL');
  writer.pragma('wal_autocheckpoint = 0');
  writer.exec('CREATE TABLE a (text TEXT)');
  beside = new Libsql(path, { timeout: 0 });
});

afterEach(() => {
  beside.close();
  writer.close();
  rmSync(folder, { recursive: true, force: true });
});

function write(rows: number): void {
  const insert = writer.prepare('INSERT INTO a VALUES (?)');
  for (let i = 0; i < rows; i++) insert.run('x'.repeat(4_000));
}

const rows = (file: Libsql.Database) =>
  (file.prepare('SELECT count(*) AS n FROM a').get() as { readonly n: number }).n;

const size = (of: string) => statSync(of).size;

describe('the log of a database', () => {
  it('is emptied from beside, and writing begins it anew', () => {
    write(300);
    const full = size(`${path}-wal`);
    expect(size(path)).toBeLessThan(20_000);
    expect(emptyLog(beside)).toBeGreaterThan(300);
    expect(size(path)).toBeGreaterThan(300 * 4_000);
    write(200);
    expect(size(`${path}-wal`)).toBe(full);
    expect(rows(writer)).toBe(500);
  });

  it('is emptied while a transaction is being written, which goes on', () => {
    write(100);
    writer.exec('BEGIN IMMEDIATE');
    write(1);
    expect(emptyLog(beside)).toBeGreaterThan(100);
    write(1);
    writer.exec('COMMIT');
    expect(rows(writer)).toBe(102);
  });

  it('that never comes to rest is stopped for a moment once it is long, and does not grow for ever', () => {
    // What is written while it is being emptied stays behind each time, as under load.
    const reader = new Libsql(path, { timeout: 0 });
    const busy = {
      pragma(text: string) {
        reader.exec('BEGIN');
        rows(reader);
        write(1);
        if (text.includes('RESTART')) reader.exec('COMMIT');
        const progress = beside.pragma(text);
        if (reader.inTransaction) reader.exec('COMMIT');
        return progress;
      },
    };
    const longest = (walPages: number) => {
      let most = 0;
      for (let round = 0; round < 8; round++) {
        write(50);
        most = Math.max(most, emptyLog(busy, walPages));
      }
      return most;
    };
    expect(longest(1_000_000)).toBeGreaterThan(1_000);
    emptyLog(busy, 1);
    expect(longest(1)).toBeLessThan(300);
    reader.close();
  });
});
