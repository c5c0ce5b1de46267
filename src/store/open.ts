import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Failure, messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { dataKeyBytes, Sealer } from '../core/seal.ts';
import { ownDataKey, ownNodeId, ownRun } from './data-keys.ts';
import { type Database, lockFile, openPostgres, openSqlite } from './database.ts';
import { storeLimits } from './limits.ts';
import { LiveStore } from './live-store.ts';
import type { StoreOptions } from './options.ts';
import { storageProblem } from './storage-problem.ts';

/** What the store seals with the data keys for. */
export const storePurpose = 'records';
/** Name of the SQLite file in the data directory. */
export const databaseFile = 'trunkbridge.db';

/**
 * Opens the store. Throws a `Failure` when it can never work as configured: a directory that cannot be written, another
 * daemon in it, another key, a newer version's tables. A PostgreSQL that does not answer is waited for while calls go on.
 */
export async function openStore(options: StoreOptions): Promise<LiveStore> {
  const { dataDir, log } = options;
  const dataKeys = options.dataKeys.length > 0 ? options.dataKeys : [madeKey(dataDir, log)];
  const node = options.nodeId ?? (dataDir === undefined ? 'memory' : ownNodeId(dataDir));
  const lock = dataDir === undefined ? undefined : lockFile(join(dataDir, 'node.lock'), dataDir);
  const boot = randomUUID();
  // Whoever has the lock of a directory knows that the run before its own is over.
  const before = dataDir === undefined ? undefined : ownRun(dataDir, boot);
  const { database, where } = await databaseOf(options);
  const store = new LiveStore({
    ...options,
    database,
    where,
    node,
    boot,
    isOver: run => database.engine === 'sqlite' || run === before,
    sealer: new Sealer(dataKeys, storePurpose),
    spillPath: dataDir === undefined ? undefined : join(dataDir, 'spill.jsonl'),
    unlock: () => lock?.close(),
  });
  try {
    await store.begin();
  } catch (error) {
    if (error instanceof Failure || database.engine === 'sqlite') {
      await store.abandon();
      throw error instanceof Failure ? error : new Failure('store-open', storageProblem(error, where));
    }
    log.error('database cannot be used yet: calls go on and are kept until it can', {
      error: storageProblem(error, where),
    });
  }
  return store;
}

function madeKey(dataDir: string | undefined, log: Logger): Buffer {
  return dataDir === undefined ? randomBytes(dataKeyBytes) : ownDataKey(dataDir, log);
}

async function databaseOf({
  dataDir,
  databaseUrl,
  log,
  checkpoints,
  reading,
}: StoreOptions): Promise<{ readonly database: Database; readonly where: string }> {
  if (databaseUrl !== undefined) {
    const lost = (error: Error) => log.warn('database connection lost', { error: messageOf(error) });
    return { database: await openPostgres(databaseUrl, lost), where: 'the database of DATABASE_URL' };
  }
  if (dataDir === undefined) return { database: openSqlite(':memory:'), where: ':memory:' };
  const path = join(dataDir, databaseFile);
  const database = openSqlite(path, checkpoints === undefined ? undefined : storeLimits.lateWalPages);
  const beside = { emptying: checkpoints?.(path, log), reading: reading?.(path, log) };
  const close = async () => {
    await Promise.all([beside.emptying?.close(), beside.reading?.close()]);
    await database.close();
  };
  return { database: { ...database, reads: beside.reading?.db ?? database.reads, close }, where: path };
}
