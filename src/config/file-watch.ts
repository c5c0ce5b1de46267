import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock, Timer } from '../core/clock.ts';

/** Times of watching files, ms. */
export const watchLimits = {
  /** Between looks at every file, for file systems that tell nothing. */
  pollMs: 30_000,
  /** After a change: certificate and key are two files, written one after the other. */
  settleMs: 500,
} as const;

export interface FileWatchOptions {
  readonly clock: Clock;
  readonly onChange: () => void;
  readonly limits?: Partial<{ readonly [Name in keyof typeof watchLimits]: number }>;
}

/**
 * Calls `onChange` when one of the files is another than before: written, replaced, or behind a link that was moved.
 * Folders are watched, because a watched file is lost when it is replaced.
 */
export class FileWatch {
  readonly #paths: readonly string[];
  readonly #options: FileWatchOptions;
  readonly #limits: { readonly [Name in keyof typeof watchLimits]: number };
  readonly #watchers: FSWatcher[] = [];
  #seen: string;
  #poll: Timer | undefined;
  #settle: Timer | undefined;

  constructor(paths: readonly string[], options: FileWatchOptions) {
    this.#paths = paths;
    this.#options = options;
    this.#limits = { ...watchLimits, ...options.limits };
    this.#seen = this.#state();
    if (paths.length === 0) return;
    for (const folder of new Set(paths.map(path => dirname(path)))) this.#watch(folder);
    this.#again();
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.close();
    this.#poll?.cancel();
    this.#settle?.cancel();
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#soon());
      // A folder that goes away, or a system out of watches: the poll is left.
      watcher.on('error', () => watcher.close());
      this.#watchers.push(watcher);
    } catch {
      this.#soon();
    }
  }

  #again(): void {
    this.#poll = this.#options.clock.timer(this.#limits.pollMs, () => {
      this.#look();
      this.#again();
    });
  }

  #soon(): void {
    this.#settle?.cancel();
    this.#settle = this.#options.clock.timer(this.#limits.settleMs, () => this.#look());
  }

  #look(): void {
    const state = this.#state();
    if (state === this.#seen) return;
    this.#seen = state;
    this.#options.onChange();
  }

  /** What tells one content of the files from another without reading them. */
  #state(): string {
    return this.#paths
      .map(path => {
        const stat = statSync(path, { throwIfNoEntry: false });
        return stat === undefined ? 'none' : `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeMs}`;
      })
      .join(' ');
  }
}
