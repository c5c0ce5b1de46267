import { randomBytes } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import type { Sealer } from '../core/seal.ts';
import { storeLimits } from './limits.ts';
import { paged, placeAt } from './pages.ts';
import type { Db, HeldSendTable } from './schema.ts';
import type {
  HeldAuthor,
  HeldRefusal,
  HeldSend,
  HeldSends,
  HeldState,
  NewHeldSend,
  SendsPage,
} from './sends.ts';

export interface HeldSendParts {
  readonly db: () => Promise<Db>;
  readonly clock: Clock;
  readonly sealer: Sealer;
  readonly node: string;
}

/** Held sends as rows. Whoever decides does it in one statement, so that of any number of people and nodes one alone does. */
export class DurableHeldSends implements HeldSends {
  readonly #parts: HeldSendParts;

  constructor(parts: HeldSendParts) {
    this.#parts = parts;
  }

  async hold({ findings, body, lifeMs, ...send }: NewHeldSend): Promise<string | undefined> {
    const { clock, sealer, node } = this.#parts;
    const db = await this.#parts.db();
    const at = Math.round(clock.wall());
    if (await this.#full(db, send.call, at)) return undefined;
    const id = `held_${randomBytes(12).toString('hex')}`;
    const { agentId: agent, ...rest } = send;
    await db
      .insertInto('held_sends')
      .values({
        ...rest,
        id,
        node,
        agent,
        findings: JSON.stringify(findings),
        state: 'waiting',
        at,
        expires_at: at + Math.round(lifeMs),
        decided_at: null,
        decided_by: null,
        why: null,
        status: null,
        body: sealer.seal(body, `held ${id}`),
      })
      .execute();
    return id;
  }

  async #full(db: Db, call: string, now: number): Promise<boolean> {
    const row = await db
      .selectFrom('held_sends')
      .select(({ fn, eb }) => [
        fn.countAll().as('all'),
        fn.sum(eb.case().when('call', '=', call).then(1).else(0).end()).as('own'),
      ])
      .where('state', '=', 'waiting')
      .where('expires_at', '>', now)
      .executeTakeFirst();
    return (
      Number(row?.all ?? 0) >= storeLimits.heldWaiting || Number(row?.own ?? 0) >= storeLimits.heldPerCall
    );
  }

  async find(id: string): Promise<HeldSend | undefined> {
    const row = await this.#row(id);
    return row === undefined ? undefined : heldOf(row, this.#parts.clock.wall());
  }

  async body(id: string): Promise<string | undefined> {
    const row = await this.#row(id);
    return row === undefined ? undefined : this.#open(row);
  }

  async claim(id: string, author: HeldAuthor): Promise<{ readonly body: string | undefined } | HeldRefusal> {
    const row = await this.#decide(id, 'sending', author);
    return typeof row === 'string' ? row : { body: this.#open(row) };
  }

  async refuse(id: string, author: HeldAuthor): Promise<'refused' | HeldRefusal> {
    const row = await this.#decide(id, 'refused', author);
    return typeof row === 'string' ? row : 'refused';
  }

  /** One statement: of two that decide at once the second finds none that waits. */
  async #decide(
    id: string,
    state: 'sending' | 'refused',
    { who, why }: HeldAuthor,
  ): Promise<Row | HeldRefusal> {
    const db = await this.#parts.db();
    const now = Math.round(this.#parts.clock.wall());
    const row = await db
      .updateTable('held_sends')
      .set({
        state,
        decided_at: now,
        decided_by: who,
        why,
        ...(state === 'refused' ? { body: null } : {}),
      })
      .where('id', '=', id)
      .where('state', '=', 'waiting')
      .where('expires_at', '>', now)
      .returningAll()
      .executeTakeFirst();
    if (row !== undefined) return row;
    return (await this.#row(id)) === undefined ? 'not-found' : 'over';
  }

  async finish(id: string, state: 'sent' | 'failed' | 'unknown', status: string): Promise<void> {
    const db = await this.#parts.db();
    await db
      .updateTable('held_sends')
      .set({ state, status, body: null })
      .where('id', '=', id)
      .where('state', '=', 'sending')
      .execute();
  }

  async list(
    { states, call }: { readonly states?: readonly HeldState[]; readonly call?: string },
    { size, cursor }: SendsPage,
  ) {
    const db = await this.#parts.db();
    const now = Math.round(this.#parts.clock.wall());
    await this.sweep();
    const most = Math.max(1, Math.min(size, storeLimits.pageRows - 1));
    const place = placeAt(cursor, 1);
    let query = db.selectFrom('held_sends').selectAll();
    if (states !== undefined) query = query.where('state', 'in', [...states]);
    if (call !== undefined) query = query.where('call', '=', call);
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
    const held = page.rows.map(row => heldOf(row, now));
    return { held, ...(page.next === undefined ? {} : { next: page.next }) };
  }

  /** Those whose time is over have expired; of those at which a node died nobody knows. Old ones are removed. */
  async sweep(): Promise<void> {
    const db = await this.#parts.db();
    const now = Math.round(this.#parts.clock.wall());
    await db
      .updateTable('held_sends')
      .set({ state: 'expired', body: null })
      .where('state', '=', 'waiting')
      .where('expires_at', '<=', now)
      .execute();
    await db
      .updateTable('held_sends')
      .set({ state: 'unknown', body: null })
      .where('state', '=', 'sending')
      .where('decided_at', '<', now - storeLimits.sendingMs)
      .execute();
    await db
      .deleteFrom('held_sends')
      .where('at', '<', now - storeLimits.heldKeptMs)
      .execute();
  }

  async #row(id: string): Promise<Row | undefined> {
    const db = await this.#parts.db();
    return db.selectFrom('held_sends').selectAll().where('id', '=', id).executeTakeFirst();
  }

  #open({ id, body }: Row): string | undefined {
    return body === null ? undefined : this.#parts.sealer.open(body, `held ${id}`);
  }
}

type Row = HeldSendTable;

function heldOf(row: Row, now: number): HeldSend {
  const { decided_at: decidedAt, decided_by: decidedBy, why, status } = row;
  const late = row.state === 'waiting' && row.expires_at <= now;
  return {
    id: row.id,
    call: row.call,
    agentId: row.agent,
    tool: row.tool,
    kind: row.kind,
    recipient: row.recipient,
    findings: JSON.parse(row.findings) as string[],
    state: late ? 'expired' : row.state,
    at: row.at,
    expiresAt: row.expires_at,
    ...(decidedAt === null ? {} : { decidedAt }),
    ...(decidedBy === null ? {} : { decidedBy }),
    ...(why === null ? {} : { why }),
    ...(status === null ? {} : { status }),
  };
}
