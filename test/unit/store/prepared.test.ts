import type { SqliteStatement } from 'kysely';
import Libsql from 'libsql';
import { describe, expect, it } from 'vitest';
import { PreparedDatabase } from '../../../src/store/prepared.ts';

/** A database of numbers, and which statements it has prepared. */
function numbers() {
  const file = new Libsql(':memory:');
  file.exec('CREATE TABLE numbers (n INTEGER PRIMARY KEY); INSERT INTO numbers VALUES (1), (2), (3)');
  const prepared: string[] = [];
  const database = new PreparedDatabase({
    prepare: (sql): SqliteStatement => {
      prepared.push(sql);
      return file.prepare(sql);
    },
    close: () => void file.close(),
  });
  return { database, prepared };
}

const all = 'SELECT n FROM numbers ORDER BY n';
const insert = 'INSERT INTO numbers VALUES (?)';

describe('a SQLite database that keeps its statements', () => {
  it('prepares each of them once, also after one has failed', () => {
    const { database, prepared } = numbers();
    expect(() => database.prepare(insert).run([1])).toThrow();
    expect(database.prepare(insert).run([4]).changes).toBe(1);
    expect(database.prepare(all).all([])).toHaveLength(4);
    expect(database.prepare(all).all([])).toHaveLength(4);
    expect(prepared).toEqual([insert, all]);
  });

  it('lets two readers go through the rows of one query beside each other', () => {
    const { database } = numbers();
    const [first, second] = [database.prepare(all).iterate([]), database.prepare(all).iterate([])];
    expect(first.next().value).toEqual({ n: 1 });
    expect(second.next().value).toEqual({ n: 1 });
    expect([...first]).toEqual([{ n: 2 }, { n: 3 }]);
    expect([...second]).toEqual([{ n: 2 }, { n: 3 }]);
  });

  it('keeps only so many of them, the ones in use', () => {
    const { database, prepared } = numbers();
    for (let i = 0; i < 500; i++) {
      database.prepare(`SELECT ${i}`).all([]);
      database.prepare(all).all([]);
    }
    expect(prepared.filter(sql => sql === all)).toHaveLength(1);
    database.prepare('SELECT 0').all([]);
    expect(prepared.filter(sql => sql === 'SELECT 0')).toHaveLength(2);
  });
});
