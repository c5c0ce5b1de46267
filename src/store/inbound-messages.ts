import type { Kysely, Migration } from 'kysely';
import type { Clock } from '../core/clock.ts';
import { maskNumber } from '../core/mask.ts';
import type { Sealer } from '../core/seal.ts';
import { notNull, primary } from './columns.ts';
import { storeLimits } from './limits.ts';
import { paged, placeAt } from './pages.ts';
import type { Db, InboundMessageTable } from './schema.ts';
import type {
  InboundMessage,
  InboundMessageFilter,
  InboundMessages,
  NewInboundMessage,
  SendsPage,
} from './sends.ts';

/** Messages that came in: what they say is sealed, and whose they are is masked. */
export const inboundMessageTable: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('inbound_messages')
      .addColumn('sid', 'text', primary)
      .addColumn('sender', 'text', notNull)
      .addColumn('recipient', 'text', notNull)
      .addColumn('channel', 'text', notNull)
      .addColumn('at', 'bigint', notNull)
      .addColumn('call', 'text')
      .addColumn('body', 'text', notNull)
      .execute();
    await db.schema
      .createIndex('inbound_messages_at')
      .on('inbound_messages')
      .columns(['at', 'sid'])
      .execute();
  },
};

export interface InboundMessageParts {
  readonly db: () => Promise<Db>;
  /** For lists. */
  readonly reads: () => Promise<Db>;
  readonly clock: Clock;
  readonly sealer: Sealer;
}

/** Messages as rows, by Twilio's own id: what is told twice, to whatever node, is there once. */
export class DurableInboundMessages implements InboundMessages {
  readonly #parts: InboundMessageParts;

  constructor(parts: InboundMessageParts) {
    this.#parts = parts;
  }

  async add({ sid, from, to, channel, call, text, media }: NewInboundMessage): Promise<boolean> {
    const { clock, sealer } = this.#parts;
    const db = await this.#parts.db();
    const added = await db
      .insertInto('inbound_messages')
      .values({
        sid,
        sender: maskNumber(from),
        recipient: maskNumber(to),
        channel,
        at: Math.round(clock.wall()),
        call: call ?? null,
        body: sealer.seal(JSON.stringify({ from, to, text, media }), `message ${sid}`),
      })
      .onConflict(conflict => conflict.doNothing())
      .returning('sid')
      .executeTakeFirst();
    return added !== undefined;
  }

  async list({ channel: by, call: of, from, to }: InboundMessageFilter, { size, cursor }: SendsPage) {
    const db = await this.#parts.reads();
    const most = Math.max(1, Math.min(size, storeLimits.pageRows - 1));
    let query = db.selectFrom('inbound_messages').selectAll();
    if (by !== undefined) query = query.where('channel', '=', by);
    if (of !== undefined) query = query.where('call', '=', of);
    if (from !== undefined) query = query.where('at', '>=', from);
    if (to !== undefined) query = query.where('at', '<=', to);
    const place = placeAt(cursor, 1);
    if (place !== undefined) {
      const [last = ''] = place.names;
      query = query.where(eb =>
        eb.or([eb('at', '<', place.at), eb.and([eb('at', '=', place.at), eb('sid', '<', last)])]),
      );
    }
    const rows = await query
      .orderBy('at', 'desc')
      .orderBy('sid', 'desc')
      .limit(most + 1)
      .execute();
    const page = paged(rows, most, ({ at, sid }) => ({ at: Number(at), names: [sid] }));
    const messages = page.rows.map(row => this.#messageOf(row));
    return { messages, ...(page.next === undefined ? {} : { next: page.next }) };
  }

  #messageOf({ body, call, sid, sender, recipient, channel, at }: InboundMessageTable): InboundMessage {
    const content = this.#open(sid, body);
    return {
      ...{ sid, sender, recipient, channel, at: Number(at) },
      ...(call === null ? {} : { call }),
      ...(content === undefined ? {} : { content }),
    };
  }

  /** Removes what is older than other things that were sent are kept. */
  async sweep(): Promise<void> {
    const db = await this.#parts.db();
    const before = Math.round(this.#parts.clock.wall()) - storeLimits.heldKeptMs;
    await db.deleteFrom('inbound_messages').where('at', '<', before).execute();
  }

  #open(sid: string, body: string): InboundMessage['content'] {
    const text = this.#parts.sealer.open(body, `message ${sid}`);
    return text === undefined ? undefined : (JSON.parse(text) as NonNullable<InboundMessage['content']>);
  }
}
