import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../core/clock.ts';
import { Sealer } from '../core/seal.ts';
import { keyFile } from './data-keys.ts';
import { type Database, openPostgres, openSqlite } from './database.ts';
import type { DocumentKind, StoredDocument } from './document.ts';
import { DurableDocuments } from './durable-documents.ts';
import { databaseFile, storePurpose } from './open.ts';
import type { StoreOptions } from './options.ts';
import type { Switches } from './store.ts';
import { DurableSwitches } from './switches.ts';

interface Where {
  readonly dataDir: string | undefined;
  readonly databaseUrl?: string | undefined;
}

/**
 * Documents as a daemon keeps them, read beside it. Nothing is made or changed; undefined where there is no store yet, or
 * none of its keys is here. Rejects when the store cannot be read.
 */
export async function peekDocuments(
  { dataDir, databaseUrl, dataKeys }: Where & Pick<StoreOptions, 'dataKeys'>,
  kind: DocumentKind,
): Promise<readonly StoredDocument[] | undefined> {
  if (dataDir === undefined) return undefined;
  const keys = dataKeys.length > 0 ? dataKeys : madeKey(join(dataDir, keyFile));
  if (keys.length === 0) return undefined;
  return peek({ dataDir, databaseUrl }, 'documents', ({ db, engine }) => {
    const sealer = new Sealer(keys, storePurpose);
    return new DurableDocuments({ db: async () => db, engine, clock: systemClock, sealer }).list(kind);
  });
}

/** The switches that operators have turned, read beside a daemon in the same way; undefined where there is no store yet. */
export const peekSwitches = (where: Where): Promise<Awaited<ReturnType<Switches['read']>> | undefined> =>
  peek(where, 'switches', ({ db }) => new DurableSwitches({ db: async () => db, clock: systemClock }).read());

/** What `read` finds where the store has that table. */
async function peek<T>(
  { dataDir, databaseUrl }: Where,
  table: string,
  read: (database: Database) => Promise<T>,
): Promise<T | undefined> {
  if (dataDir === undefined) return undefined;
  const path = join(dataDir, databaseFile);
  if (databaseUrl === undefined && !existsSync(path)) return undefined;
  const database =
    databaseUrl === undefined ? openSqlite(path) : await openPostgres(databaseUrl, () => undefined);
  try {
    const tables = await database.db.introspection.getTables();
    return tables.some(({ name }) => name === table) ? await read(database) : undefined;
  } finally {
    await database.close();
  }
}

function madeKey(path: string): readonly Buffer[] {
  return existsSync(path) ? [Buffer.from(readFileSync(path, 'utf8').trim(), 'base64')] : [];
}
