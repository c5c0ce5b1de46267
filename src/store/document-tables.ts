import type { Kysely, Migration } from 'kysely';
import { notNull } from './columns.ts';

/** What operators hand over while the daemon runs, and who changed it. */
export const documentTables: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('documents')
      .addColumn('kind', 'text', notNull)
      .addColumn('id', 'text', notNull)
      .addColumn('name', 'text', notNull)
      .addColumn('sealed', 'text', notNull)
      .addPrimaryKeyConstraint('documents_key', ['kind', 'id'])
      .addUniqueConstraint('documents_name', ['kind', 'name'])
      .execute();
    await db.schema
      .createTable('document_changes')
      .addColumn('kind', 'text', notNull)
      .addColumn('revision', 'integer', notNull)
      .addColumn('document', 'text', notNull)
      .addColumn('what', 'text', notNull)
      .addColumn('who', 'text', notNull)
      .addColumn('why', 'text', notNull)
      .addColumn('at', 'bigint', notNull)
      .addPrimaryKeyConstraint('document_changes_key', ['kind', 'revision'])
      .execute();
  },
};
