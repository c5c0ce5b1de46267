import type { Table } from '../transaction/table.ts';

export type ReferState = 'idle' | 'sent' | 'accepted' | 'succeeded';
export type ReferInput =
  | 'start'
  /** 2xx: the peer tells how it goes; it says that it will not (RFC 4488); a refusal, or no answer at all. */
  | 'accepted'
  | 'unsubscribed'
  | 'refused'
  /** What a NOTIFY says of the INVITE that the peer sends: under way, answered, failed; nothing, and no more will come. */
  | 'progress'
  | 'success'
  | 'failure'
  | 'silence'
  | 'deadline'
  /** The peer hangs up; the dialogue ends in any other way. */
  | 'bye'
  | 'stop';
export type ReferAction = 'send' | 'startDeadline' | 'stopDeadline' | 'tell' | 'succeed' | 'fail';

const succeed = ['succeeded', 'stopDeadline', 'succeed'] as const;
const fail = ['idle', 'stopDeadline', 'fail'] as const;

/**
 * A transfer that we ask for (RFC 3515), one at a time. NOTIFY may come before the response to REFER (section 2.4.4), and
 * BYE in the place of the last NOTIFY: a peer that has taken the REFER and goes has taken the caller along.
 */
export const referring = {
  idle: { start: ['sent', 'startDeadline', 'send'], bye: ['idle'], stop: ['idle'] },
  sent: {
    accepted: ['accepted'],
    unsubscribed: succeed,
    refused: fail,
    progress: ['sent', 'tell'],
    success: succeed,
    failure: fail,
    silence: ['sent'],
    deadline: fail,
    bye: fail,
    stop: fail,
  },
  accepted: {
    progress: ['accepted', 'tell'],
    success: succeed,
    failure: fail,
    silence: fail,
    deadline: fail,
    bye: succeed,
    stop: fail,
  },
  succeeded: { bye: ['succeeded'], stop: ['succeeded'] },
} as const satisfies Table<ReferState, ReferInput, ReferAction>;
