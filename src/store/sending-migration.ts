import type { Kysely, Migration } from 'kysely';
import { notNull, primary } from './columns.ts';

/** Takes that have an amount, what is known of each run of a tool, held sends and opt-outs. */
export const sending: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .alterTable('counter_takes')
      .addColumn('amount', 'bigint', column => column.notNull().defaultTo(1))
      .execute();
    await moreOfToolRuns(db);
    await heldSends(db);
    await db.schema
      .createTable('opt_outs')
      .addColumn('id', 'text', primary)
      .addColumn('number', 'text', notNull)
      .addColumn('sender', 'text', notNull)
      .addColumn('cause', 'text', notNull)
      .addColumn('at', 'bigint', notNull)
      .execute();
    await db.schema.createIndex('opt_outs_at').on('opt_outs').columns(['at', 'id']).execute();
  },
};

async function moreOfToolRuns(db: Kysely<unknown>): Promise<void> {
  // SQLite adds one column a statement.
  await db.schema
    .alterTable('tool_runs')
    .addColumn('agent', 'text', column => column.notNull().defaultTo(''))
    .execute();
  for (const name of ['action', 'tier', 'gates', 'request_id', 'currency']) {
    await db.schema.alterTable('tool_runs').addColumn(name, 'text').execute();
  }
  await db.schema.alterTable('tool_runs').addColumn('cost', 'bigint').execute();
  await db.schema.createIndex('tool_runs_at').on('tool_runs').columns(['at', 'call', 'place']).execute();
}

async function heldSends(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('held_sends')
    .addColumn('id', 'text', primary)
    .addColumn('node', 'text', notNull)
    .addColumn('call', 'text', notNull)
    .addColumn('agent', 'text', notNull)
    .addColumn('tool', 'text', notNull)
    .addColumn('kind', 'text', notNull)
    .addColumn('recipient', 'text', notNull)
    .addColumn('findings', 'text', notNull)
    .addColumn('state', 'text', notNull)
    .addColumn('at', 'bigint', notNull)
    .addColumn('expires_at', 'bigint', notNull)
    .addColumn('decided_at', 'bigint')
    .addColumn('decided_by', 'text')
    .addColumn('why', 'text')
    .addColumn('status', 'text')
    .addColumn('body', 'text')
    .execute();
  await db.schema.createIndex('held_sends_at').on('held_sends').columns(['at', 'id']).execute();
  await db.schema.createIndex('held_sends_state').on('held_sends').columns(['state', 'expires_at']).execute();
  await db.schema.createIndex('held_sends_call').on('held_sends').columns(['call', 'state']).execute();
}
