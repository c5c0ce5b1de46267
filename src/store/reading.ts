import type { Worker } from 'node:worker_threads';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { type Clock, systemClock } from '../core/clock.ts';
import { Failure, messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { programFile } from '../core/program-file.ts';
import { startThread } from '../core/thread.ts';
import { within } from '../core/within.ts';
import { storeLimits } from './limits.ts';
import type { Db, Tables } from './schema.ts';

/** A query, as the thread gets it, and its answer. */
export interface Question {
  readonly id: number;
  readonly sql: string;
  readonly parameters: readonly unknown[];
}
export type Answer =
  | { readonly id: number; readonly rows: unknown[] }
  | { readonly id: number; readonly error: string };
/** What the thread begins with; `closing` is not 0 once nobody waits for an answer any more. */
export interface Start {
  readonly path: string;
  readonly closing: Int32Array<SharedArrayBuffer>;
}
/** What the thread says: `problem` is what keeps it from standing back. */
export type Told = Answer | { readonly problem: string };

/** A database that is only read from. */
export interface Reading {
  readonly db: Db;
  /**
   * Fails what was asked, and resolves once nothing of the database is held any more, or when a query that nothing can stop
   * takes longer than `storeLimits.closeMs`.
   */
  close(): Promise<void>;
}

/** Memory of the thread, MB: a page of rows, several times over. */
const rooms = { oldMegabytes: 64, youngMegabytes: 6 };

/**
 * Reads of the SQLite database at `path` in a thread of its own: a search that no index helps goes through every record,
 * and in the main thread every call would wait with it. The thread begins with the first read, sees what was committed
 * before, keeps nobody from writing, and stands back behind calls. When it fails, what was asked of it fails, and the next
 * read begins another.
 */
export function startReading(path: string, log: Logger, clock: Clock = systemClock): Reading {
  const thread = new ReadingThread(path, log, clock);
  const dialect: Dialect = {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new ReadingDriver(thread),
    createIntrospector: db => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
  const db = new Kysely<Tables>({ dialect });
  return { db, close: () => db.destroy() };
}

interface Asked {
  readonly resolve: (rows: unknown[]) => void;
  readonly reject: (error: Error) => void;
}

class ReadingThread {
  readonly #path: string;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #closing = new Int32Array(new SharedArrayBuffer(4));
  readonly #asked = new Map<number, Asked>();
  #worker: Worker | undefined;
  #next = 0;

  constructor(path: string, log: Logger, clock: Clock) {
    this.#path = path;
    this.#log = log;
    this.#clock = clock;
  }

  ask({ sql, parameters }: CompiledQuery): Promise<unknown[]> {
    if (this.#asked.size >= storeLimits.reads) {
      const why = `${this.#asked.size} reads of records wait already, and the limit storeLimits.reads is ${storeLimits.reads}`;
      return Promise.reject(new Failure('store-busy', `${why}: ask again later.`));
    }
    if (this.#closing[0] !== 0) return Promise.reject(notRead(closed));
    this.#worker ??= this.#start();
    const worker = this.#worker;
    const question: Question = { id: this.#next++, sql, parameters };
    return new Promise((resolve, reject) => {
      this.#asked.set(question.id, { resolve, reject });
      worker.postMessage(question);
    });
  }

  async close(): Promise<void> {
    Atomics.store(this.#closing, 0, 1);
    const worker = this.#worker;
    if (worker === undefined) return;
    this.#failAll(closed);
    const over = new Promise<void>(resolve => worker.once('exit', () => resolve()));
    worker.ref();
    worker.postMessage('close');
    const inTime = await within(this.#clock, storeLimits.closeMs, over);
    worker.unref();
    if (!inTime) this.#log.warn('a search of records still runs: it is not waited for');
  }

  #failAll(cause: string): void {
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const { reject } of asked) reject(notRead(cause));
  }

  #start(): Worker {
    const worker = startThread(programFile(import.meta.url, './reading-thread'), {
      workerData: { path: this.#path, closing: this.#closing } satisfies Start,
      ...rooms,
    });
    // It keeps no process alive that is over otherwise.
    worker.unref();
    let cause = 'the thread that reads ended';
    worker.on('error', error => {
      cause = messageOf(error);
      this.#log.warn('the thread that reads records failed: the next read begins another', { error: cause });
    });
    worker.on('message', (told: Told) => this.#take(told));
    worker.on('exit', () => {
      this.#worker = undefined;
      this.#failAll(cause);
    });
    return worker;
  }

  #take(told: Told): void {
    if ('problem' in told) {
      this.#log.warn('the thread that reads records takes turns with calls', { error: told.problem });
      return;
    }
    const asked = this.#asked.get(told.id);
    this.#asked.delete(told.id);
    if ('rows' in told) asked?.resolve(told.rows);
    else asked?.reject(notRead(told.error));
  }
}

const closed = 'the store is closed';
const notRead = (cause: string) => new Failure('store-read', `records cannot be read: ${cause}`);

/** Kysely's way to the thread. */
class ReadingDriver implements Driver {
  readonly #thread: ReadingThread;
  readonly #connection: DatabaseConnection;

  constructor(thread: ReadingThread) {
    this.#thread = thread;
    this.#connection = {
      executeQuery: async <Row>(query: CompiledQuery): Promise<QueryResult<Row>> => ({
        rows: (await thread.ask(query)) as Row[],
      }),
      streamQuery: () => {
        throw onlyReads();
      },
    };
  }

  async init(): Promise<void> {
    // The thread begins with the first query.
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }

  async beginTransaction(): Promise<void> {
    throw onlyReads();
  }

  async commitTransaction(): Promise<void> {
    throw onlyReads();
  }

  async rollbackTransaction(): Promise<void> {
    throw onlyReads();
  }

  async releaseConnection(): Promise<void> {
    // Queries need not wait for each other here: the thread takes them one by one.
  }

  destroy(): Promise<void> {
    return this.#thread.close();
  }
}

const onlyReads = () => new Error('this database is only for single queries that read');
