import type { Kysely, Migration } from 'kysely';

/** Whether what a run has cost is Twilio's word, or an estimate yet. */
export const knownCosts: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .alterTable('tool_runs')
      .addColumn('cost_known', 'integer', column => column.notNull().defaultTo(0))
      .execute();
  },
};
