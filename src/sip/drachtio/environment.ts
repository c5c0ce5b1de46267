import type { Socket } from 'node:net';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { Source } from '../signalling.ts';
import type { DrachtioLimits } from './limits.ts';

/** What every dialogue of this backend stands on. */
export interface Environment {
  readonly clock: Clock;
  readonly limits: DrachtioLimits;
  readonly log: Logger;
  /** Sees the messages that the package shows, as the server wrote them down. */
  readonly tap: (direction: 'in' | 'out', source: Source, raw: string) => void;
  /** Nothing more is said over this connection of the server's, where each call has its own. */
  readonly release: (socket: Socket) => void;
  readonly onEnd: (dialogue: object) => void;
}
