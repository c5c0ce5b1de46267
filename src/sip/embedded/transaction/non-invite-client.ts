import type { Table } from './table.ts';

export type NonInviteClientState = 'trying' | 'proceeding' | 'completed' | 'terminated';
export type NonInviteClientInput = 'provisional' | 'final' | 'timerF' | 'timerK' | 'transportError';
export type NonInviteClientAction = 'pass' | 'stopF' | 'startK' | 'timedOut' | 'lost' | 'end';

/** Non-INVITE client transaction: RFC 3261 figure 6 over a reliable transport: no timer E, and timer K is zero. */
export const nonInviteClient = {
  trying: {
    provisional: ['proceeding', 'pass'],
    final: ['completed', 'stopF', 'pass', 'startK'],
    timerF: ['terminated', 'timedOut', 'end'],
    transportError: ['terminated', 'stopF', 'lost', 'end'],
  },
  proceeding: {
    provisional: ['proceeding', 'pass'],
    final: ['completed', 'stopF', 'pass', 'startK'],
    timerF: ['terminated', 'timedOut', 'end'],
    transportError: ['terminated', 'stopF', 'lost', 'end'],
  },
  completed: {
    // RFC 3261 section 17.1.2.2: what comes after the first final response is absorbed.
    provisional: ['completed'],
    final: ['completed'],
    timerK: ['terminated', 'end'],
    transportError: ['terminated', 'end'],
  },
  terminated: {},
} as const satisfies Table<NonInviteClientState, NonInviteClientInput, NonInviteClientAction>;
