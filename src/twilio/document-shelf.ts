import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { DocumentAuthor, DocumentKind, Documents, NewDocument } from '../store/document.ts';

export interface ShelfParts<T> {
  readonly kind: DocumentKind;
  readonly documents: Documents;
  readonly log: Logger;
  /** Undefined text: no key opens the document. */
  readonly read: (text: string | undefined) => T;
}

type Change = DocumentAuthor & { readonly what: string };

/** The documents of one kind, as the store has them: the same on every node as soon as it has looked. */
export class DocumentShelf<T> {
  readonly #parts: ShelfParts<T>;
  #all: ReadonlyMap<string, T> = new Map();
  #revision: number | undefined;
  #down = false;

  constructor(parts: ShelfParts<T>) {
    this.#parts = parts;
  }

  /** By their ids; what was known when the store was last looked at. */
  get all(): ReadonlyMap<string, T> {
    return this.#all;
  }

  /** Looks whether somebody changed something, and says whether it had. While the store is down what was known holds. */
  async refresh(): Promise<boolean> {
    const { documents, kind, log } = this.#parts;
    try {
      const revision = await documents.revision(kind);
      const changed = revision !== this.#revision;
      if (changed) await this.#load(revision);
      this.#down = false;
      return changed;
    } catch (error) {
      if (!this.#down)
        log.warn('what was said over the api cannot be looked up', { kind, error: messageOf(error) });
      this.#down = true;
      return false;
    }
  }

  /** Rejects when the store is down, as does `remove`. */
  async put(document: NewDocument, change: Change): Promise<'kept' | 'taken' | 'full' | 'stale'> {
    const { documents, kind } = this.#parts;
    const put = await documents.put(kind, document, change);
    await this.#load(await documents.revision(kind));
    return put;
  }

  async remove(id: string, change: Change): Promise<boolean> {
    const { documents, kind } = this.#parts;
    const removed = await documents.remove(kind, id, change);
    await this.#load(await documents.revision(kind));
    return removed;
  }

  async #load(revision: number): Promise<void> {
    const { documents, kind, read } = this.#parts;
    const list = await documents.list(kind);
    this.#all = new Map(list.map(({ id, text }) => [id, read(text)]));
    this.#revision = revision;
  }
}
