import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../core/clock.ts';
import { Sealer } from '../core/seal.ts';
import { keyFile } from './data-keys.ts';
import { openPostgres, openSqlite } from './database.ts';
import type { DocumentKind, StoredDocument } from './document.ts';
import { DurableDocuments } from './durable-documents.ts';
import { databaseFile, storePurpose } from './open.ts';
import type { StoreOptions } from './options.ts';

/**
 * Documents as a daemon keeps them, read beside it. Nothing is made or changed; undefined where there is no store yet, or
 * none of its keys is here. Rejects when the store cannot be read.
 */
export async function peekDocuments(
  { dataDir, databaseUrl, dataKeys }: Pick<StoreOptions, 'dataDir' | 'databaseUrl' | 'dataKeys'>,
  kind: DocumentKind,
): Promise<readonly StoredDocument[] | undefined> {
  if (dataDir === undefined) return undefined;
  const keys = dataKeys.length > 0 ? dataKeys : madeKey(join(dataDir, keyFile));
  const path = join(dataDir, databaseFile);
  if (keys.length === 0 || (databaseUrl === undefined && !existsSync(path))) return undefined;
  const { db, engine, close } =
    databaseUrl === undefined ? openSqlite(path) : await openPostgres(databaseUrl, () => undefined);
  try {
    const tables = await db.introspection.getTables();
    if (!tables.some(({ name }) => name === 'documents')) return undefined;
    const sealer = new Sealer(keys, storePurpose);
    return await new DurableDocuments({ db: async () => db, engine, clock: systemClock, sealer }).list(kind);
  } finally {
    await close();
  }
}

function madeKey(path: string): readonly Buffer[] {
  return existsSync(path) ? [Buffer.from(readFileSync(path, 'utf8').trim(), 'base64')] : [];
}
