import type { Kysely, Migration } from 'kysely';
import type { Clock } from '../core/clock.ts';
import type { Sealer } from '../core/seal.ts';
import { notNull, primary } from './columns.ts';
import { storeLimits } from './limits.ts';
import type { ActionKeyTable, Db } from './schema.ts';
import type { ActionKeys, KeyedAction } from './sends.ts';

/** What programs have asked for under a key of theirs. */
export const actionKeyTable: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('action_keys')
      .addColumn('id', 'text', primary)
      .addColumn('request', 'text', notNull)
      .addColumn('state', 'text', notNull)
      .addColumn('at', 'bigint', notNull)
      .addColumn('answer', 'text')
      .execute();
    await db.schema.createIndex('action_keys_at').on('action_keys').column('at').execute();
  },
};

export interface ActionKeyParts {
  readonly db: () => Promise<Db>;
  readonly clock: Clock;
  readonly sealer: Sealer;
}

/** Keys as rows, by their HMAC: whoever's row is taken is the first, of however many and on whatever nodes. */
export class DurableActionKeys implements ActionKeys {
  readonly #parts: ActionKeyParts;

  constructor(parts: ActionKeyParts) {
    this.#parts = parts;
  }

  async begin(key: string, request: string): Promise<KeyedAction> {
    const { clock, sealer } = this.#parts;
    const db = await this.#parts.db();
    const now = Math.round(clock.wall());
    const known = await this.#known(db, key, request, now);
    if (known !== undefined) return known;
    const { rows } = await db
      .selectFrom('action_keys')
      .select(({ fn }) => fn.countAll().as('rows'))
      .where('at', '>', now - storeLimits.actionKeyMs)
      .executeTakeFirstOrThrow();
    if (Number(rows) >= storeLimits.actionKeys) return { state: 'full' };
    const [id = ''] = this.#ids(key);
    // One whose day is over makes room for the same key.
    await db
      .deleteFrom('action_keys')
      .where('id', '=', id)
      .where('at', '<=', now - storeLimits.actionKeyMs)
      .execute();
    const taken = await db
      .insertInto('action_keys')
      .values({ id, request: sealer.name(requestName(request)), state: 'running', at: now, answer: null })
      .onConflict(conflict => conflict.doNothing())
      .returning('id')
      .executeTakeFirst();
    if (taken !== undefined) return { state: 'first' };
    return (await this.#known(db, key, request, now)) ?? { state: 'running' };
  }

  async answered(key: string, answer: string): Promise<void> {
    const db = await this.#parts.db();
    const [id = ''] = this.#ids(key);
    await db
      .updateTable('action_keys')
      .set({ state: 'answered', answer: this.#parts.sealer.seal(answer, `action ${id}`) })
      .where('id', '=', id)
      .where('state', '=', 'running')
      .execute();
  }

  async free(key: string): Promise<void> {
    const db = await this.#parts.db();
    await db
      .deleteFrom('action_keys')
      .where('id', 'in', this.#ids(key))
      .where('state', '=', 'running')
      .execute();
  }

  /** Removes those whose day is over. */
  async sweep(): Promise<void> {
    const db = await this.#parts.db();
    const before = Math.round(this.#parts.clock.wall()) - storeLimits.actionKeyMs;
    await db.deleteFrom('action_keys').where('at', '<=', before).execute();
  }

  async #known(db: Db, key: string, request: string, now: number): Promise<KeyedAction | undefined> {
    const row = await db
      .selectFrom('action_keys')
      .selectAll()
      .where('id', 'in', this.#ids(key))
      .where('at', '>', now - storeLimits.actionKeyMs)
      .orderBy('at', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    if (!this.#parts.sealer.names(requestName(request)).includes(row.request)) return { state: 'other' };
    if (row.state === 'answered') return { state: 'answered', answer: this.#open(row) };
    return { state: Number(row.at) < now - storeLimits.sendingMs ? 'lost' : 'running' };
  }

  #open({ id, answer }: ActionKeyTable): string | undefined {
    return answer === null ? undefined : this.#parts.sealer.open(answer, `action ${id}`);
  }

  /** Also as it was named under older keys of `DATA_KEY`: what was done outlives a key. */
  #ids(key: string): readonly string[] {
    return this.#parts.sealer.names(`action key ${key}`);
  }
}

const requestName = (request: string) => `action request ${request}`;
