import type { Table } from './table.ts';

export type InviteClientState = 'calling' | 'proceeding' | 'accepted' | 'completed' | 'terminated';
export type InviteClientInput =
  | 'provisional'
  | 'final2xx'
  | 'final3to6xx'
  | 'timerB'
  | 'timerD'
  | 'timerM'
  | 'transportError'
  | 'abandon';
export type InviteClientAction =
  | 'pass'
  | 'acknowledge'
  | 'stopB'
  | 'startD'
  | 'startM'
  | 'stopM'
  | 'timedOut'
  | 'lost'
  | 'end';

/**
 * INVITE client transaction: RFC 3261 figure 5 as RFC 6026 figure 4 amends it, over a reliable transport. Timer A never
 * starts there, and timer D is zero. `abandon` is ours: the TU gives up waiting for a final response.
 */
export const inviteClient = {
  calling: {
    provisional: ['proceeding', 'stopB', 'pass'],
    final2xx: ['accepted', 'stopB', 'startM', 'pass'],
    final3to6xx: ['completed', 'stopB', 'acknowledge', 'pass', 'startD'],
    // RFC 3261 section 17.1.1.2: the TU takes this for a 408.
    timerB: ['terminated', 'timedOut', 'end'],
    transportError: ['terminated', 'stopB', 'lost', 'end'],
    abandon: ['terminated', 'stopB', 'end'],
  },
  proceeding: {
    provisional: ['proceeding', 'pass'],
    final2xx: ['accepted', 'startM', 'pass'],
    final3to6xx: ['completed', 'acknowledge', 'pass', 'startD'],
    // The peer has the request: its final response may come over another connection.
    transportError: ['proceeding', 'lost'],
    abandon: ['terminated', 'end'],
  },
  accepted: {
    provisional: ['accepted'],
    // RFC 6026 section 7.2: each 2xx goes to the TU, copies and those of other branches alike.
    final2xx: ['accepted', 'pass'],
    final3to6xx: ['accepted'],
    timerM: ['terminated', 'end'],
    transportError: ['accepted'],
    abandon: ['terminated', 'stopM', 'end'],
  },
  completed: {
    provisional: ['completed'],
    final2xx: ['completed'],
    // RFC 3261 section 17.1.1.2: a copy of the response means that the ACK was lost.
    final3to6xx: ['completed', 'acknowledge'],
    timerD: ['terminated', 'end'],
    transportError: ['terminated', 'end'],
    abandon: ['terminated', 'end'],
  },
  terminated: {},
} as const satisfies Table<InviteClientState, InviteClientInput, InviteClientAction>;
