import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/core/logger.ts';
import type { startCheckpoints } from '../../src/store/checkpoints.ts';
import { storeLimits } from '../../src/store/limits.ts';
import { until } from '../support/until.ts';

// Vitest cannot start a TypeScript worker on Node 20.
const built = new URL('../../dist/src/store/checkpoints.js', import.meta.url).href;
const { startCheckpoints: start } = (await import(/* @vite-ignore */ built)) as {
  readonly startCheckpoints: typeof startCheckpoints;
};

let folder: string;
let warned: string[];
const log = { ...silentLogger, warn: (message: string) => void warned.push(message) };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trunkbridge-checkpoints-'));
  warned = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the thread that empties the log of the database', () => {
  it('does so while somebody else writes, and lets go of the database when it is closed', async () => {
    const path = join(folder, 'a.db');
    const writer = new Libsql(path);
    writer.pragma('journal_mode = WAL');
    writer.pragma('wal_autocheckpoint = 0');
    writer.exec('CREATE TABLE a (text TEXT)');
    const insert = writer.prepare('INSERT INTO a VALUES (?)');
    for (let i = 0; i < 100; i++) insert.run('x'.repeat(4_000));
    expect(statSync(path).size).toBeLessThan(20_000);

    const checkpoints = start(path, log);
    await until(
      () => statSync(path).size > 400_000,
      () => `${statSync(path).size} bytes in the database`,
    );
    await checkpoints.close();
    insert.run('last');
    // Whoever is alone with a database may have it for itself.
    writer.pragma('locking_mode = EXCLUSIVE');
    writer.exec('BEGIN EXCLUSIVE; COMMIT');
    writer.close();
    expect(warned).toEqual([]);
  });

  it('does not keep others from writing while somebody reads for long, however full the log', async () => {
    const path = join(folder, 'a.db');
    const writer = new Libsql(path, { timeout: 0 });
    writer.pragma('journal_mode = WAL');
    writer.pragma('wal_autocheckpoint = 0');
    writer.exec('CREATE TABLE a (text TEXT)');
    const insert = writer.prepare('INSERT INTO a VALUES (?)');
    writer.exec('BEGIN');
    for (let i = 0; i < storeLimits.walPages; i++) insert.run('x'.repeat(4_000));
    writer.exec('COMMIT');
    // As a backup does.
    const reader = new Libsql(path);
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM a').get();

    const checkpoints = start(path, log);
    let [written, refused] = [0, 0];
    for (const end = performance.now() + 3 * storeLimits.emptyEveryMs; performance.now() < end; ) {
      try {
        insert.run('one more');
        written++;
      } catch (error) {
        expect((error as NodeJS.ErrnoException).code).toBe('SQLITE_BUSY');
        refused++;
      }
      await new Promise(resolve => setTimeout(resolve, 5));
    }
    reader.close();
    await checkpoints.close();
    writer.close();
    expect(refused).toBeLessThan(written / 4);
  });

  it('that cannot open the database says so, and closing it does not wait for it', async () => {
    const checkpoints = start(join(folder, 'nowhere', 'a.db'), log);
    await until(
      () => warned.length > 0,
      () => 'a warning',
    );
    await checkpoints.close();
    expect(warned).toEqual([expect.stringContaining('cannot be emptied')]);
  });
});
