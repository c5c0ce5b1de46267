/** How many dialogues that are over are still known by name. */
export const goneDialogs = 500;

/** The dialogues that are up, by their keys, and the keys of those that were up until lately (RFC 3891 section 3). */
export class DialogDirectory<D extends { readonly key: string }> {
  readonly #dialogs = new Map<string, D>();
  /** In the order in which they ended. */
  readonly #gone = new Set<string>();

  get size(): number {
    return this.#dialogs.size;
  }

  get(key: string): D | undefined {
    return this.#dialogs.get(key);
  }

  has(key: string): boolean {
    return this.#dialogs.has(key);
  }

  hadOne(key: string): boolean {
    return this.#gone.has(key);
  }

  values(): IterableIterator<D> {
    return this.#dialogs.values();
  }

  add(dialogue: D): void {
    this.#dialogs.set(dialogue.key, dialogue);
  }

  delete(dialogue: D): void {
    if (!this.#dialogs.delete(dialogue.key)) return;
    this.#gone.add(dialogue.key);
    if (this.#gone.size <= goneDialogs) return;
    for (const oldest of this.#gone) {
      this.#gone.delete(oldest);
      return;
    }
  }
}
