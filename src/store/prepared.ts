import type { SqliteDatabase, SqliteStatement } from 'kysely';

/** Statements that are kept; beyond that the one that was used longest ago goes. */
const mostStatements = 64;

/**
 * A SQLite database that keeps its statements. Kysely prepares each query anew, which takes four times as long as it takes
 * to write a row.
 */
export class PreparedDatabase implements SqliteDatabase {
  readonly #database: SqliteDatabase;
  readonly #statements = new Map<string, SqliteStatement>();

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  prepare(sql: string): SqliteStatement {
    const statement = this.#statements.get(sql) ?? this.#kept(sql);
    // The newest is the last.
    this.#statements.delete(sql);
    this.#statements.set(sql, statement);
    if (this.#statements.size > mostStatements) {
      const [oldest = ''] = this.#statements.keys();
      this.#statements.delete(oldest);
    }
    return statement;
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #kept(sql: string): SqliteStatement {
    const statement = this.#database.prepare(sql);
    return {
      reader: statement.reader,
      all: parameters => statement.all(parameters),
      run: parameters => statement.run(parameters),
      // Rows that are read one by one may be read beside each other: each reader needs a statement of its own.
      iterate: parameters => this.#database.prepare(sql).iterate(parameters),
    };
  }
}
