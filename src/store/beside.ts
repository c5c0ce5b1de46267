import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import { Failure } from '../core/errors.ts';
import { type Database, migrate, openPostgres, openSqlite } from './database.ts';
import { databaseFile } from './open.ts';
import type { Switches } from './store.ts';
import { DurableSwitches } from './switches.ts';

export interface BesideOptions {
  readonly databaseUrl?: string;
  readonly dataDir: string | undefined;
  readonly clock: Clock;
}

/**
 * The switches of the store of a daemon, whether it runs or not: it reads them at each write. Throws a `Failure` where there
 * is nothing to be turned.
 */
export async function switchesBeside(
  options: BesideOptions,
): Promise<{ readonly switches: Switches; close(): Promise<void> }> {
  const database = await databaseOf(options);
  try {
    await migrate(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  const switches = new DurableSwitches({ db: async () => database.db, clock: options.clock });
  return { switches, close: () => database.close() };
}

function databaseOf({ databaseUrl, dataDir }: BesideOptions): Promise<Database> | Database {
  if (databaseUrl !== undefined) return openPostgres(databaseUrl, () => undefined);
  const why = 'Name the one that the daemon has (DATA_DIR, or --config), or use POST /v1/twilio/allow-sends.';
  if (dataDir === undefined) {
    throw new Failure('data-dir', `DATA_DIR is :memory:, so what is turned here reaches no daemon. ${why}`);
  }
  if (!existsSync(dataDir)) throw new Failure('data-dir', `There is no directory ${dataDir}. ${why}`);
  return openSqlite(join(dataDir, databaseFile));
}
