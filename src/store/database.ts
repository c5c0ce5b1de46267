import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  type DatabaseConnection,
  Kysely,
  Migrator,
  PostgresDialect,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
} from 'kysely';
import Libsql from 'libsql';
import type { PoolClient } from 'pg';
import { Failure } from '../core/errors.ts';
import { storeLimits } from './limits.ts';
import { type Engine, migrationsFor } from './migrations.ts';
import { PreparedDatabase } from './prepared.ts';
import type { Db, Tables } from './schema.ts';
import { storageProblem } from './storage-problem.ts';

export interface Database {
  readonly engine: Engine;
  readonly db: Db;
  /**
   * For queries that may go through many rows, beside those that calls wait for: with PostgreSQL over connections of its own,
   * with SQLite where there is a thread for it.
   */
  readonly reads: Db;
  close(): Promise<void>;
}

/**
 * SQLite in a file, made when it is not there; `:memory:` for one that goes with the process. `walPages`: after how many pages
 * of its log a writer empties it.
 */
export function openSqlite(path: string, walPages: number = storeLimits.ownWalPages): Database {
  try {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const file = new Libsql(path, { timeout: storeLimits.busyMs });
    // What is committed survives the end of the process at once, and a power cut but for the last moments.
    file.pragma('journal_mode = WAL');
    file.pragma('synchronous = NORMAL');
    file.pragma(`journal_size_limit = ${storeLimits.walBytes}`);
    // Emptying the log waits for the disk, and all calls with it: seldom, and then what was written often goes once.
    file.pragma(`wal_autocheckpoint = ${walPages}`);
    // What a DELETE removes is overwritten: it held numbers, if only sealed ones.
    file.pragma('secure_delete = ON');
    const dialect = new FileDialect({ database: new PreparedDatabase(file) }, () => file.inTransaction);
    const db = new Kysely<Tables>({ dialect });
    return { engine: 'sqlite', db, reads: db, close: () => db.destroy() };
  } catch (error) {
    throw new Failure('store-open', `this cannot be used as a database: ${storageProblem(error, path)}`, {
      cause: error,
    });
  }
}

/** SQLite, whose transaction may be over when it fails: a full disk rolls it back, and what it says must not be lost to that. */
class FileDialect extends SqliteDialect {
  readonly #config: SqliteDialectConfig;
  readonly #inTransaction: () => boolean;

  constructor(config: SqliteDialectConfig, inTransaction: () => boolean) {
    super(config);
    this.#config = config;
    this.#inTransaction = inTransaction;
  }

  override createDriver(): SqliteDriver {
    return new FileDriver(this.#config, this.#inTransaction);
  }
}

class FileDriver extends SqliteDriver {
  readonly #inTransaction: () => boolean;

  constructor(config: SqliteDialectConfig, inTransaction: () => boolean) {
    super(config);
    this.#inTransaction = inTransaction;
  }

  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#inTransaction()) await super.rollbackTransaction(connection);
  }
}

/** Keeps a second daemon out of a directory for as long as this process lives, however it ends. */
export function lockFile(path: string, directory: string): { close(): void } {
  let file: Libsql.Database | undefined;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    file = new Libsql(path, { timeout: 0 });
    file.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    file?.close();
    const taken = (error as NodeJS.ErrnoException).code === 'SQLITE_BUSY';
    throw new Failure(
      'data-dir',
      taken
        ? `Another trunkbridge uses ${directory}: stop it, or give this one another DATA_DIR.`
        : `${directory} cannot be used: ${storageProblem(error, path)}.`,
      { cause: error },
    );
  }
  return { close: () => void file.close() };
}

/** PostgreSQL at a `postgres://` URL, and how long it may take to answer, ms. Nothing is connected to before the first query. */
export async function openPostgres(
  url: string,
  lost: (error: Error) => void,
  statementMs: number = storeLimits.statementMs,
): Promise<Database> {
  // Who does not use it need not load it.
  const { Pool, types } = (await import('pg')).default;
  const int8 = 20;
  const settings = {
    connectionString: url,
    application_name: 'trunkbridge',
    connectionTimeoutMillis: storeLimits.connectMs,
    statement_timeout: statementMs,
    query_timeout: statementMs,
    idle_in_transaction_session_timeout: statementMs,
    keepAlive: true,
    // Times and row numbers stay far below 2^53.
    types: {
      getTypeParser: ((oid: number, format: never) =>
        oid === int8 ? Number : types.getTypeParser(oid, format)) as typeof types.getTypeParser,
    },
  };
  const pooled = (max: number) => {
    const pool = new Pool({ ...settings, max });
    // A connection that breaks while it rests; the next query makes another.
    pool.on('error', lost);
    // One that breaks while it is in use, between two queries: the next of them fails, and nothing else may come of it.
    pool.on('connect', client => {
      client.on('error', () => undefined);
      closeWhenSilent(client);
    });
    return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  };
  const db = pooled(storeLimits.connections);
  const reads = pooled(storeLimits.readConnections);
  const close = async () => void (await Promise.all([db.destroy(), reads.destroy()]));
  return { engine: 'postgres', db, reads, close };
}

/**
 * Closes a connection over which a query was not answered in time, as when the machine of the database went without a word:
 * what is asked over it next would wait behind that query. The pool makes another.
 */
function closeWhenSilent(client: PoolClient): void {
  const query = client.query.bind(client) as (...asked: unknown[]) => Promise<unknown>;
  let silent: Error | undefined;
  const answer = async (...asked: unknown[]) => {
    // The rollback of its transaction, which would only say that the connection is closed.
    if (silent !== undefined) throw silent;
    try {
      return await query(...asked);
    } catch (error) {
      // pg gives it no code.
      if (error instanceof Error && error.message === 'Query read timeout') {
        silent = error;
        void client.end();
      }
      throw error;
    }
  };
  client.query = answer as typeof client.query;
}

/**
 * Brings the tables to what this version needs. Nodes that start at once do it one after the other. Throws a `Failure` where
 * a newer version has been.
 */
export async function migrate({ db, engine }: Database): Promise<void> {
  const { error } = await new Migrator({ db, provider: migrationsFor(engine) }).migrateToLatest();
  if (error === undefined) return;
  // Kysely gives it no code.
  if (error instanceof Error && /previously executed migration .* is missing/.test(error.message)) {
    throw new Failure(
      'store-newer',
      'the database was made by a newer version: install that version, or restore the backup made before the upgrade',
      { cause: error },
    );
  }
  throw error;
}
