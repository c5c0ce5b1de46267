import type { Kysely, Migration, MigrationProvider } from 'kysely';
import { actionKeyTable } from './action-keys.ts';
import { notNull, primary } from './columns.ts';
import { documentTables } from './document-tables.ts';
import { inboundMessageTable } from './inbound-messages.ts';
import { knownCosts } from './known-costs.ts';
import { recordingsToRemove } from './left-recordings.ts';
import { optOutKeys } from './opt-outs.ts';
import { pendingTable } from './pending.ts';
import { sending } from './sending-migration.ts';

export type Engine = 'sqlite' | 'postgres';

/** Every migration, in order. What has been released is never changed: a new one is added. */
export function migrationsFor(engine: Engine): MigrationProvider {
  return {
    getMigrations: async () => ({
      '0001-records': records(engine),
      '0002-documents': documentTables,
      '0003-sending': sending,
      '0004-inbound-messages': inboundMessageTable,
      '0005-action-keys': actionKeyTable,
      '0006-known-costs': knownCosts,
      '0007-pending': pendingTable,
      '0008-recordings-to-remove': recordingsToRemove,
      '0009-opt-out-keys': optOutKeys,
    }),
  };
}

function records(engine: Engine): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await calls(db);
      await toolRuns(db);
      await outbox(db, engine);
      await smallTables(db, engine);
    },
  };
}

async function calls(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('calls')
    .addColumn('key', 'text', primary)
    .addColumn('node', 'text', notNull)
    .addColumn('boot', 'text', notNull)
    .addColumn('state', 'text', notNull)
    .addColumn('conversation', 'text', notNull)
    .addColumn('agent', 'text', notNull)
    .addColumn('direction', 'text', notNull)
    .addColumn('trunk', 'text', notNull)
    .addColumn('begun_at', 'bigint', notNull)
    .addColumn('updated_at', 'bigint', notNull)
    .addColumn('ended_at', 'bigint')
    .addColumn('seconds', 'double precision', notNull)
    .addColumn('result', 'text')
    .addColumn('reason', 'text')
    .addColumn('verified', 'integer', notNull)
    .addColumn('record', 'text', notNull)
    .addColumn('sealed', 'text', notNull)
    .execute();
  await db.schema.createIndex('calls_begun').on('calls').columns(['begun_at', 'key']).execute();
  await db.schema.createIndex('calls_agent').on('calls').columns(['agent', 'begun_at', 'key']).execute();
  await db.schema.createIndex('calls_running').on('calls').columns(['state', 'node']).execute();
  await db.schema
    .createTable('call_names')
    .addColumn('name', 'text', notNull)
    .addColumn('call', 'text', notNull)
    .addPrimaryKeyConstraint('call_names_key', ['name', 'call'])
    .execute();
  await db.schema.createIndex('call_names_call').on('call_names').column('call').execute();
}

async function toolRuns(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('tool_runs')
    .addColumn('call', 'text', notNull)
    .addColumn('place', 'integer', notNull)
    .addColumn('tool', 'text', notNull)
    .addColumn('at', 'bigint', notNull)
    .addColumn('ms', 'double precision', notNull)
    .addColumn('status', 'text', notNull)
    .addColumn('is_error', 'integer', notNull)
    .addColumn('gate', 'text')
    .addColumn('arguments', 'text', notNull)
    .addPrimaryKeyConstraint('tool_runs_key', ['call', 'place'])
    .execute();
}

async function outbox(db: Kysely<unknown>, engine: Engine): Promise<void> {
  const table = db.schema.createTable('outbox');
  const numbered =
    engine === 'postgres'
      ? table.addColumn('id', 'bigserial', primary)
      : table.addColumn('id', 'integer', column => column.primaryKey().autoIncrement());
  await numbered
    .addColumn('call', 'text', notNull)
    .addColumn('kind', 'text', notNull)
    .addColumn('target', 'text', notNull)
    .addColumn('body', 'text')
    .addColumn('state', 'text', notNull)
    .addColumn('at', 'bigint', notNull)
    .addColumn('due_at', 'bigint', notNull)
    .addColumn('attempt', 'integer', notNull)
    .addColumn('lease', 'text', notNull)
    .addColumn('error', 'text')
    .execute();
  await db.schema.createIndex('outbox_due').on('outbox').columns(['state', 'due_at']).execute();
  await db.schema.createIndex('outbox_call').on('outbox').columns(['call', 'target', 'id']).execute();
}

async function smallTables(db: Kysely<unknown>, engine: Engine): Promise<void> {
  await db.schema
    .createTable('counter_takes')
    .addColumn('receipt', 'text', notNull)
    .addColumn('counter', 'text', notNull)
    .addColumn('at', 'bigint', notNull)
    .addColumn('until', 'bigint', notNull)
    .execute();
  await db.schema
    .createIndex('counter_takes_counter')
    .on('counter_takes')
    .columns(['counter', 'at'])
    .execute();
  await db.schema.createIndex('counter_takes_receipt').on('counter_takes').column('receipt').execute();
  await db.schema.createIndex('counter_takes_until').on('counter_takes').column('until').execute();
  await db.schema
    .createTable('switches')
    .addColumn('name', 'text', primary)
    .addColumn('value', 'integer', notNull)
    .execute();
  const changes = db.schema.createTable('switch_changes');
  const numbered =
    engine === 'postgres'
      ? changes.addColumn('id', 'bigserial', primary)
      : changes.addColumn('id', 'integer', column => column.primaryKey().autoIncrement());
  await numbered
    .addColumn('name', 'text', notNull)
    .addColumn('value', 'integer')
    .addColumn('who', 'text', notNull)
    .addColumn('why', 'text', notNull)
    .addColumn('at', 'bigint', notNull)
    .execute();
  await db.schema
    .createTable('nodes')
    .addColumn('node', 'text', primary)
    .addColumn('boot', 'text', notNull)
    .addColumn('beats', 'bigint', notNull)
    .addColumn('at', 'bigint', notNull)
    .execute();
  await db.schema
    .createTable('facts')
    .addColumn('name', 'text', primary)
    .addColumn('value', 'text', notNull)
    .execute();
}
