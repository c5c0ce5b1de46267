import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { RemoveRecording } from './left-recordings.ts';
import type { StoreMeters } from './meters.ts';
import type { Reading } from './reading.ts';
import type { Announce } from './store.ts';

export interface StoreOptions {
  /** `postgres://…`; without it SQLite below `dataDir`. */
  readonly databaseUrl?: string;
  /** Undefined: everything is forgotten with the process. */
  readonly dataDir: string | undefined;
  /** Empties the log of a SQLite database beside who writes; without it they do it themselves. */
  readonly checkpoints?: (path: string, log: Logger) => Checkpoints;
  /** Reads a SQLite database beside who writes; without it whoever writes reads too, and calls wait for it. */
  readonly reading?: (path: string, log: Logger) => Reading;
  /** Keys that seal and open, the newest first; none: the one below `dataDir`. */
  readonly dataKeys: readonly Buffer[];
  /** Name of this node; without it the one below `dataDir`. */
  readonly nodeId?: string;
  /** Days that calls are kept; 0 keeps them. */
  readonly keepDays: () => number;
  readonly announce: Announce;
  readonly removeRecording: RemoveRecording;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meters: StoreMeters;
}
