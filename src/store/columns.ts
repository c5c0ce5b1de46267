import type { ColumnDefinitionBuilder } from 'kysely';

/** What migrations say of a column. */
export const notNull = (column: ColumnDefinitionBuilder): ColumnDefinitionBuilder => column.notNull();
export const primary = (column: ColumnDefinitionBuilder): ColumnDefinitionBuilder => column.primaryKey();
