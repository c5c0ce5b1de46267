import type { Kysely, Migration } from 'kysely';
import type { Clock } from '../core/clock.ts';
import { maskNumber } from '../core/mask.ts';
import type { Sealer } from '../core/seal.ts';
import { storeLimits } from './limits.ts';
import { paged, placeAt } from './pages.ts';
import type { Db } from './schema.ts';
import type { OptOut, OptOutCause, OptOutPair, OptOuts, SendsPage } from './sends.ts';

/** Which key the HMAC of an opt-out was made with: it is found by that one alone. */
export const optOutKeys: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema.alterTable('opt_outs').addColumn('key', 'text').execute();
    await db.schema.createIndex('opt_outs_key').on('opt_outs').column('key').execute();
  },
};

export interface OptOutParts {
  readonly db: () => Promise<Db>;
  readonly clock: Clock;
  readonly sealer: Sealer;
}

/** Opt-outs by the HMAC of number and sender: nothing in the table says whose they are but two masked numbers. */
export class DurableOptOuts implements OptOuts {
  readonly #parts: OptOutParts;

  constructor(parts: OptOutParts) {
    this.#parts = parts;
  }

  async has(pair: OptOutPair): Promise<boolean> {
    const db = await this.#parts.db();
    const row = await db
      .selectFrom('opt_outs')
      .select('id')
      .where('id', 'in', this.#ids(pair))
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }

  async add(pair: OptOutPair, cause: OptOutCause): Promise<void> {
    const db = await this.#parts.db();
    const { number, sender } = pair;
    await db
      .insertInto('opt_outs')
      .values({
        id: this.#ids(pair)[0] ?? '',
        number: maskNumber(number),
        sender: /^\+\d+$/.test(sender) ? maskNumber(sender) : sender,
        cause,
        at: Math.round(this.#parts.clock.wall()),
        key: this.#parts.sealer.keyId,
      })
      .onConflict(conflict => conflict.doNothing())
      .execute();
  }

  remove(pair: OptOutPair): Promise<boolean> {
    return this.#remove(this.#ids(pair));
  }

  removeById(id: string): Promise<boolean> {
    return this.#remove([id]);
  }

  async #remove(ids: readonly string[]): Promise<boolean> {
    const db = await this.#parts.db();
    const gone = await db.deleteFrom('opt_outs').where('id', 'in', ids).returning('id').execute();
    return gone.length > 0;
  }

  async list({ size, cursor }: SendsPage) {
    const db = await this.#parts.db();
    const most = Math.max(1, Math.min(size, storeLimits.pageRows - 1));
    const place = placeAt(cursor, 1);
    let query = db.selectFrom('opt_outs').select(['id', 'number', 'sender', 'cause', 'at']);
    if (place !== undefined) {
      const [id = ''] = place.names;
      query = query.where(eb =>
        eb.or([eb('at', '<', place.at), eb.and([eb('at', '=', place.at), eb('id', '<', id)])]),
      );
    }
    const rows = await query
      .orderBy('at', 'desc')
      .orderBy('id', 'desc')
      .limit(most + 1)
      .execute();
    const page = paged(rows, most, ({ at, id }) => ({ at, names: [id] }));
    const optOuts = page.rows.map((row): OptOut => ({ ...row, cause: row.cause as OptOutCause }));
    return { optOuts, ...(page.next === undefined ? {} : { next: page.next }) };
  }

  /**
   * How many are not found, because their key is not here any more. Of those that were added by a version which did not note
   * the key, the oldest one that is here is taken to be it: before it is dropped there is nothing to be lost.
   */
  async lost(db: Db): Promise<number> {
    const { keyIds } = this.#parts.sealer;
    await db
      .updateTable('opt_outs')
      .set({ key: keyIds.at(-1) ?? '' })
      .where('key', 'is', null)
      .execute();
    let lost = 0;
    // From one key to the next by their index: there are few of them, whatever the number of opt-outs.
    for (let key = await keyAfter(db, ''); key !== undefined; key = await keyAfter(db, key)) {
      if (keyIds.includes(key)) continue;
      const { rows } = await db
        .selectFrom('opt_outs')
        .select(({ fn }) => fn.countAll().as('rows'))
        .where('key', '=', key)
        .executeTakeFirstOrThrow();
      lost += Number(rows);
    }
    return lost;
  }

  /** Also as it was named under older keys of `DATA_KEY`: what somebody asked for outlives a key. */
  #ids({ number, sender }: OptOutPair): readonly string[] {
    return this.#parts.sealer.names(`opt-out ${number} ${sender}`);
  }
}

async function keyAfter(db: Db, after: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('opt_outs')
    .select('key')
    .where('key', '>', after)
    .orderBy('key')
    .limit(1)
    .executeTakeFirst();
  return row?.key ?? undefined;
}
