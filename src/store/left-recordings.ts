import type { Kysely, Migration } from 'kysely';
import { messageOf } from '../core/errors.ts';
import type { CallKey } from '../core/ids.ts';
import type { Logger } from '../core/logger.ts';
import { storeLimits } from './limits.ts';
import type { CallRecord } from './record.ts';
import type { Db, Tables } from './schema.ts';

/** Removes the recording of a call from this node; settles also when there is none. */
export type RemoveRecording = (call: Pick<CallRecord, 'key'>) => Promise<void>;

/** Recordings that lie with a node, of calls that another one has removed. */
export const recordingsToRemove: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('recordings_to_remove')
      .addColumn('node', 'text', column => column.notNull())
      .addColumn('call', 'text', column => column.notNull())
      .addPrimaryKeyConstraint('recordings_to_remove_key', ['node', 'call'])
      .execute();
  },
};

/** Leaves the recording of a call that is being removed to the node that made it. */
export async function leave(tx: Kysely<Tables>, { key, node }: CallRecord): Promise<void> {
  await tx
    .insertInto('recordings_to_remove')
    .values({ node, call: key })
    .onConflict(conflict => conflict.doNothing())
    .execute();
}

export interface LeftRecordingsParts {
  readonly db: () => Promise<Db>;
  readonly node: string;
  readonly removeRecording: RemoveRecording;
  readonly log: Logger;
}

/** What other nodes left to this one. A recording that cannot be removed is tried again in the next round. */
export class LeftRecordings {
  readonly #parts: LeftRecordingsParts;
  /** The last one that was tried in this round. */
  #after = '';

  constructor(parts: LeftRecordingsParts) {
    this.#parts = parts;
  }

  /** Removes a page of them. True: there may be more. */
  async sweep(): Promise<boolean> {
    const { node, removeRecording, log } = this.#parts;
    const db = await this.#parts.db();
    const rows = await db
      .selectFrom('recordings_to_remove')
      .select('call')
      .where('node', '=', node)
      .where('call', '>', this.#after)
      .orderBy('call')
      .limit(storeLimits.sweepCalls)
      .execute();
    for (const { call } of rows) {
      try {
        await removeRecording({ key: call as CallKey });
        await db
          .deleteFrom('recordings_to_remove')
          .where('node', '=', node)
          .where('call', '=', call)
          .execute();
      } catch (error) {
        log.error('the recording of a call that is gone cannot be removed', {
          ...{ call, error: messageOf(error) },
        });
      }
    }
    const more = rows.length === storeLimits.sweepCalls;
    this.#after = more ? (rows.at(-1)?.call ?? '') : '';
    return more;
  }
}
