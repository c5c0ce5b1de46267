import { type Kysely, sql } from 'kysely';
import type { Clock } from '../core/clock.ts';
import type { Sealer } from '../core/seal.ts';
import type {
  DocumentAuthor,
  DocumentChange,
  DocumentKind,
  Documents,
  NewDocument,
  StoredDocument,
} from './document.ts';
import { storeLimits } from './limits.ts';
import type { Engine } from './migrations.ts';
import type { Db, Tables } from './schema.ts';

export interface DocumentParts {
  readonly db: () => Promise<Db>;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly sealer: Sealer;
}

type Change = DocumentAuthor & { readonly what: string };

/** Documents as rows, each sealed for its own place, and a revision of each kind that other nodes look at. */
export class DurableDocuments implements Documents {
  readonly #parts: DocumentParts;

  constructor(parts: DocumentParts) {
    this.#parts = parts;
  }

  async revision(kind: DocumentKind): Promise<number> {
    return revisionOf(await this.#parts.db(), kind);
  }

  async list(kind: DocumentKind): Promise<readonly StoredDocument[]> {
    const db = await this.#parts.db();
    const rows = await db
      .selectFrom('documents')
      .select(['id', 'sealed'])
      .where('kind', '=', kind)
      .orderBy('id')
      .limit(storeLimits.documents)
      .execute();
    return rows.map(({ id, sealed }) => ({ id, text: this.#parts.sealer.open(sealed, context(kind, id)) }));
  }

  async put(
    kind: DocumentKind,
    { id, name, text }: NewDocument,
    change: Change,
    revision?: number,
  ): Promise<'kept' | 'taken' | 'full' | 'stale'> {
    const { sealer } = this.#parts;
    const row = {
      name: sealer.name(`${kind} ${name}`),
      sealed: sealer.seal(text, context(kind, id)),
    };
    const db = await this.#parts.db();
    return db.transaction().execute(async tx => {
      await this.#lock(tx, kind);
      if (revision !== undefined && (await revisionOf(tx, kind)) !== revision) return 'stale';
      const others = tx.selectFrom('documents').where('kind', '=', kind).where('id', '!=', id);
      // One that was put under an older key has the name that it made.
      const names = sealer.names(`${kind} ${name}`);
      const taken = await others.select('id').where('name', 'in', names).executeTakeFirst();
      if (taken !== undefined) return 'taken';
      const count = await others.select(({ fn }) => fn.countAll().as('rows')).executeTakeFirst();
      if (Number(count?.rows ?? 0) >= storeLimits.documents) return 'full';
      await tx
        .insertInto('documents')
        .values({ kind, id, ...row })
        .onConflict(conflict => conflict.columns(['kind', 'id']).doUpdateSet(row))
        .execute();
      await this.#changed(tx, kind, id, change);
      return 'kept';
    });
  }

  async remove(kind: DocumentKind, id: string, change: Change): Promise<boolean> {
    const db = await this.#parts.db();
    return db.transaction().execute(async tx => {
      await this.#lock(tx, kind);
      const gone = await tx
        .deleteFrom('documents')
        .where('kind', '=', kind)
        .where('id', '=', id)
        .executeTakeFirst();
      if (Number(gone.numDeletedRows) === 0) return false;
      await this.#changed(tx, kind, id, change);
      return true;
    });
  }

  /**
   * Seals with the newest key what an older one has sealed, so that the older one can be dropped. How many there were; those
   * that no key here opens stay as they are.
   */
  async reseal(db: Db): Promise<number> {
    const { sealer } = this.#parts;
    let resealed = 0;
    for (let page = await sealedAfter(db, { kind: '', id: '' }); page.length > 0; ) {
      for (const { kind, id, sealed } of page) {
        if (sealer.isNewest(sealed)) continue;
        const text = sealer.open(sealed, context(kind, id));
        if (text === undefined) continue;
        const { numUpdatedRows } = await db
          .updateTable('documents')
          .set({ sealed: sealer.seal(text, context(kind, id)) })
          .where('kind', '=', kind)
          .where('id', '=', id)
          // Another node may have put another one meanwhile.
          .where('sealed', '=', sealed)
          .executeTakeFirst();
        resealed += Number(numUpdatedRows);
      }
      page = await sealedAfter(db, page.at(-1) as DocumentRow);
    }
    return resealed;
  }

  async history(kind: DocumentKind, size: number): Promise<readonly DocumentChange[]> {
    const db = await this.#parts.db();
    const rows = await db
      .selectFrom('document_changes')
      .selectAll()
      .where('kind', '=', kind)
      .orderBy('revision', 'desc')
      .limit(Math.min(size, storeLimits.pageRows))
      .execute();
    return rows.map(({ document, what, who, why, at }) => ({ id: document, what, who, why, at }));
  }

  /** The changes of a kind are counted, and who made them is kept beside. */
  async #changed(
    tx: Kysely<Tables>,
    kind: DocumentKind,
    document: string,
    { what, who, why }: Change,
  ): Promise<void> {
    const revision = (await revisionOf(tx, kind)) + 1;
    const at = Math.round(this.#parts.clock.wall());
    await tx
      .insertInto('document_changes')
      .values({ kind, revision, document, what, who, why, at })
      .execute();
  }

  /** SQLite has one writer at a time; PostgreSQL's wait for each other, one kind at a time. */
  async #lock(tx: Kysely<Tables>, kind: DocumentKind): Promise<void> {
    if (this.#parts.engine !== 'postgres') return;
    await sql`select pg_advisory_xact_lock(hashtextextended(${`documents ${kind}`}, 0))`.execute(tx);
  }
}

type DocumentRow = Pick<Tables['documents'], 'kind' | 'id' | 'sealed'>;

const sealedAfter = (db: Db, { kind, id }: Pick<DocumentRow, 'kind' | 'id'>): Promise<DocumentRow[]> =>
  db
    .selectFrom('documents')
    .select(['kind', 'id', 'sealed'])
    .where(eb => eb.or([eb('kind', '>', kind), eb.and([eb('kind', '=', kind), eb('id', '>', id)])]))
    .orderBy('kind')
    .orderBy('id')
    .limit(storeLimits.pageRows)
    .execute();

const context = (kind: string, id: string) => `document ${kind} ${id}`;

async function revisionOf(db: Kysely<Tables>, kind: DocumentKind): Promise<number> {
  const row = await db
    .selectFrom('document_changes')
    .select(({ fn }) => fn.max('revision').as('newest'))
    .where('kind', '=', kind)
    .executeTakeFirst();
  return Number(row?.newest ?? 0);
}
