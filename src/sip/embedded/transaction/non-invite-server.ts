import type { Table } from './table.ts';

export type NonInviteServerState = 'trying' | 'proceeding' | 'completed' | 'terminated';
export type NonInviteServerInput =
  | 'retransmit'
  | 'provisional'
  | 'final'
  | 'timerJ'
  | 'transportError'
  | 'abandon';
export type NonInviteServerAction = 'send' | 'resend' | 'startJ' | 'lost' | 'end';

/** Non-INVITE server transaction: RFC 3261 figure 8 over a reliable transport, where timer J is zero. */
export const nonInviteServer = {
  trying: {
    // RFC 3261 section 17.2.2: a retransmission before any response is discarded.
    retransmit: ['trying'],
    provisional: ['proceeding', 'send'],
    final: ['completed', 'send', 'startJ'],
    transportError: ['trying', 'lost'],
    abandon: ['terminated', 'end'],
  },
  proceeding: {
    retransmit: ['proceeding', 'resend'],
    provisional: ['proceeding', 'send'],
    final: ['completed', 'send', 'startJ'],
    transportError: ['proceeding', 'lost'],
    abandon: ['terminated', 'end'],
  },
  completed: {
    retransmit: ['completed', 'resend'],
    final: ['completed'],
    timerJ: ['terminated', 'end'],
    transportError: ['completed', 'lost'],
    abandon: ['terminated', 'end'],
  },
  terminated: {},
} as const satisfies Table<NonInviteServerState, NonInviteServerInput, NonInviteServerAction>;
