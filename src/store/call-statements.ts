import { type CompiledQuery, type Kysely, sql } from 'kysely';
import type { CallTable, Tables } from './schema.ts';

interface CallStatements {
  /** Writes the row, with the values of these columns. */
  readonly row: { readonly query: CompiledQuery; readonly columns: readonly (keyof CallTable)[] };
  /** Writes names, by how many they are. */
  readonly names: Map<number, CompiledQuery>;
}

/**
 * The statements that every call is written with, several times, for each kind of database. They are the same but for
 * their values: to build and compile them anew took longer than to write what they say.
 */
const statements = new WeakMap<object, CallStatements>();

/** Writes the call as it is now. False: it had ended before, and nothing was changed. */
export async function writeRow(tx: Kysely<Tables>, row: CallTable): Promise<boolean> {
  const { query, columns } = statementsOf(tx, row).row;
  const parameters = columns.map(column => row[column]);
  const { numAffectedRows } = await tx.executeQuery({ ...query, parameters });
  return numAffectedRows !== undefined && numAffectedRows > 0n;
}

/** Writes names that find the call whose row was written last. */
export async function writeNames(
  tx: Kysely<Tables>,
  { key }: CallTable,
  names: readonly string[],
): Promise<void> {
  if (names.length === 0) return;
  const values = names.map(name => ({ name, call: key }));
  const known = statements.get(tx.getExecutor().adapter)?.names;
  const query = known?.get(names.length) ?? namesQuery(tx, values);
  known?.set(names.length, query);
  await tx.executeQuery({ ...query, parameters: values.flatMap(({ name, call }) => [name, call]) });
}

function statementsOf(tx: Kysely<Tables>, row: CallTable): CallStatements {
  const { adapter } = tx.getExecutor();
  const known = statements.get(adapter);
  if (known !== undefined) return known;
  const columns = Object.keys(row) as (keyof CallTable)[];
  const made = { row: { query: rowQuery(tx, row, columns), columns }, names: new Map() };
  statements.set(adapter, made);
  return made;
}

function rowQuery(tx: Kysely<Tables>, row: CallTable, columns: readonly (keyof CallTable)[]): CompiledQuery {
  const changed = columns.filter(column => column !== 'key');
  return tx
    .insertInto('calls')
    .values(row)
    .onConflict(conflict =>
      conflict
        .column('key')
        .doUpdateSet(({ ref }) =>
          Object.fromEntries(changed.map(column => [column, ref(`excluded.${column}`)])),
        )
        .where(sql<boolean>`calls.state = 'running'`),
    )
    .compile();
}

function namesQuery(
  tx: Kysely<Tables>,
  values: readonly { readonly name: string; readonly call: string }[],
): CompiledQuery {
  return tx
    .insertInto('call_names')
    .values([...values])
    .onConflict(conflict => conflict.doNothing())
    .compile();
}
