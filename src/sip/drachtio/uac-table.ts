import type { Table } from '../embedded/transaction/table.ts';

export type UacState =
  | 'calling'
  | 'proceeding'
  | 'stopping'
  | 'cancelling'
  | 'confirmed'
  | 'ending'
  | 'ended';
export type UacInput =
  | 'provisional'
  | 'success'
  /** A refusal that is final; one that is answered with credentials, or after which the next hop is tried. */
  | 'refused'
  | 'again'
  | 'ringTimeout'
  | 'cancelTimeout'
  | 'bye'
  | 'hangup'
  | 'byeDone'
  | 'linkLost';
export type UacAction =
  | 'sendInvite'
  | 'tellProgress'
  | 'settle'
  | 'startCancelLimit'
  | 'stopCancelLimit'
  | 'sendCancel'
  | 'sendBye'
  | 'takeBack'
  | 'end';

const over = ['ended', 'settle', 'end'] as const;
const lost = ['ended', 'stopCancelLimit', 'end'] as const;

/**
 * A call of ours through the server. Sections are of RFC 3261.
 *
 *   calling -> proceeding -> confirmed -> ending -> ended
 *      |           |
 *   stopping -> cancelling                 given up: before, after the first provisional
 */
export const uacTable = {
  calling: {
    provisional: ['proceeding', 'tellProgress'],
    success: ['confirmed', 'settle'],
    refused: over,
    again: ['calling', 'sendInvite'],
    // Section 9.1: no CANCEL before a provisional response has come.
    hangup: ['stopping', 'settle', 'startCancelLimit'],
    ringTimeout: ['stopping', 'settle', 'startCancelLimit'],
    linkLost: over,
  },
  proceeding: {
    provisional: ['proceeding', 'tellProgress'],
    success: ['confirmed', 'settle'],
    refused: over,
    again: ['calling', 'sendInvite'],
    hangup: ['cancelling', 'settle', 'startCancelLimit', 'sendCancel'],
    ringTimeout: ['cancelling', 'settle', 'startCancelLimit', 'sendCancel'],
    linkLost: over,
  },
  stopping: {
    provisional: ['cancelling', 'sendCancel'],
    success: ['ending', 'stopCancelLimit', 'sendBye'],
    refused: lost,
    cancelTimeout: ['ended', 'end'],
    hangup: ['stopping'],
    linkLost: lost,
  },
  cancelling: {
    provisional: ['cancelling'],
    // The answer crossed the CANCEL: it stands, and is taken back with BYE.
    success: ['ending', 'stopCancelLimit', 'sendBye'],
    refused: lost,
    cancelTimeout: ['ended', 'end'],
    hangup: ['cancelling'],
    linkLost: lost,
  },
  confirmed: {
    bye: ['ended', 'end'],
    hangup: ['ending', 'sendBye'],
    linkLost: ['ended', 'end'],
  },
  ending: {
    byeDone: ['ended', 'end'],
    bye: ['ended', 'end'],
    hangup: ['ending'],
    linkLost: ['ended', 'end'],
  },
  ended: { success: ['ended', 'takeBack'] },
} as const satisfies Table<UacState, UacInput, UacAction>;
