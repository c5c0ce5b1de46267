import type { Table } from '../embedded/transaction/table.ts';

export type LinkState = 'idle' | 'connecting' | 'registering' | 'up' | 'waiting' | 'shut';
export type LinkInput =
  | 'open'
  /** The server has taken our secret; it has not; it said nothing for too long. */
  | 'accepted'
  | 'refused'
  | 'slow'
  /** It knows which requests we take. */
  | 'registered'
  | 'closed'
  | 'due'
  | 'close';
export type LinkAction =
  | 'connect'
  | 'prepare'
  | 'drop'
  | 'tellUp'
  | 'tellRefused'
  | 'tellDown'
  | 'endLine'
  | 'wait'
  | 'stopTimer';

/** The connection to a drachtio-server that we make, and make again. */
export const linkTable = {
  idle: { open: ['connecting', 'connect'], close: ['shut'] },
  connecting: {
    accepted: ['registering', 'prepare'],
    refused: ['waiting', 'stopTimer', 'drop', 'tellRefused', 'wait'],
    slow: ['waiting', 'drop', 'wait'],
    closed: ['waiting', 'stopTimer', 'wait'],
    close: ['shut', 'stopTimer', 'drop'],
  },
  // The server knows us, but not yet which requests we take.
  registering: {
    registered: ['up', 'stopTimer', 'tellUp'],
    slow: ['waiting', 'drop', 'wait'],
    closed: ['waiting', 'stopTimer', 'wait'],
    close: ['shut', 'stopTimer', 'drop'],
  },
  up: {
    closed: ['waiting', 'tellDown', 'wait'],
    close: ['shut', 'endLine', 'tellDown'],
  },
  waiting: {
    due: ['connecting', 'connect'],
    close: ['shut', 'stopTimer'],
  },
  shut: {},
} as const satisfies Table<LinkState, LinkInput, LinkAction>;
