interface Watcher {
  readonly look: () => boolean;
  readonly giveUp: () => void;
}

/** People who wait for something to become true. They look again whenever something has happened. */
export class Watchers {
  readonly #watchers = new Set<Watcher>();

  /** Something has happened. Costs nothing while nobody waits. */
  notify(): void {
    for (const watcher of this.#watchers) if (watcher.look()) this.#watchers.delete(watcher);
  }

  /** Settles with the first truthy thing `check` returns; rejects after `timeoutMs`, naming `what`. */
  until<T>(check: () => T | undefined | false, timeoutMs: number, what: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = (): boolean => {
        const found = attempt(check);
        if (found === undefined || found === false) return false;
        clearTimeout(timer);
        resolve(found);
        return true;
      };
      const giveUp = () => {
        clearTimeout(timer);
        reject(new Error(`it was over before ${what}`));
      };
      const watcher: Watcher = { look, giveUp };
      const timer = setTimeout(() => {
        this.#watchers.delete(watcher);
        reject(new Error(`nothing came of ${what} within ${timeoutMs} ms`));
      }, timeoutMs);
      if (!look()) this.#watchers.add(watcher);
    });
  }

  /** Rejects everyone who still waits. */
  close(): void {
    for (const watcher of this.#watchers) watcher.giveUp();
    this.#watchers.clear();
  }
}

/** A check that looks at what is not there yet may throw: then it is not true yet. */
function attempt<T>(check: () => T | undefined | false): T | undefined | false {
  try {
    return check();
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
