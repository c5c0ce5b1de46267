import type { Table } from './table.ts';

export type InviteServerState = 'proceeding' | 'accepted' | 'completed' | 'confirmed' | 'terminated';
export type InviteServerInput =
  | 'retransmit'
  | 'provisional'
  | 'final2xx'
  | 'final3to6xx'
  | 'ack'
  | 'timerH'
  | 'timerI'
  | 'timerL'
  | 'transportError'
  | 'abandon';
export type InviteServerAction =
  | 'send'
  | 'resend'
  | 'startH'
  | 'stopH'
  | 'startI'
  | 'startL'
  | 'stopL'
  | 'passAck'
  | 'timedOut'
  | 'lost'
  | 'end';

/**
 * INVITE server transaction: RFC 3261 figure 7 as RFC 6026 figure 5 amends it, over a reliable transport. Timer G
 * never starts there, and timer I is zero. `abandon` is ours: the TU gives the transaction up because nothing can be
 * sent or acknowledged any more.
 */
export const inviteServer = {
  proceeding: {
    retransmit: ['proceeding', 'resend'],
    provisional: ['proceeding', 'send'],
    final2xx: ['accepted', 'send', 'startL'],
    final3to6xx: ['completed', 'send', 'startH'],
    // RFC 6026 section 8.8: the TU is told, the state stays.
    transportError: ['proceeding', 'lost'],
    abandon: ['terminated', 'end'],
  },
  accepted: {
    // RFC 6026 section 7.1: retransmissions are absorbed; the TU itself repeats its 2xx.
    retransmit: ['accepted'],
    final2xx: ['accepted', 'send'],
    ack: ['accepted', 'passAck'],
    timerL: ['terminated', 'end'],
    transportError: ['accepted', 'lost'],
    abandon: ['terminated', 'stopL', 'end'],
  },
  completed: {
    retransmit: ['completed', 'resend'],
    // RFC 3261 section 17.2.1: other finals of the TU are discarded.
    final2xx: ['completed'],
    final3to6xx: ['completed'],
    ack: ['confirmed', 'stopH', 'startI'],
    timerH: ['terminated', 'timedOut', 'end'],
    transportError: ['completed', 'lost'],
    abandon: ['terminated', 'stopH', 'end'],
  },
  confirmed: {
    ack: ['confirmed'],
    timerI: ['terminated', 'end'],
  },
  terminated: {},
} as const satisfies Table<InviteServerState, InviteServerInput, InviteServerAction>;
