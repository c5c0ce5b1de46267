import type { Table } from '../transaction/table.ts';

export type UacState =
  | 'connecting'
  | 'calling'
  | 'proceeding'
  | 'stopping'
  | 'cancelling'
  | 'confirmed'
  | 'stranded'
  | 'ending'
  | 'ended';
export type UacInput =
  /** There is a connection to a hop; there is none to be had. */
  | 'connected'
  | 'unreachable'
  | 'provisional'
  | 'success'
  /** A refusal that is final; one that is answered with credentials; one after which the next hop is tried. */
  | 'refused'
  | 'challenged'
  | 'nextHop'
  | 'ringTimeout'
  | 'cancelTimeout'
  | 'ackTimeout'
  | 'bye'
  | 'hangup'
  | 'byeDone'
  | 'flowLost'
  | 'flowBack'
  | 'graceOver';
export type UacAction =
  | 'connect'
  | 'sendInvite'
  | 'tellProgress'
  | 'settle'
  | 'acknowledge'
  | 'sendCancel'
  | 'stopCancelLimit'
  | 'abandon'
  | 'okBye'
  | 'sendBye'
  | 'startGrace'
  | 'stopGrace'
  | 'search'
  | 'end';

const givenUp = ['cancelling', 'settle', 'sendCancel'] as const;
const over = ['ended', 'settle', 'end'] as const;

/**
 * A call of ours, from looking for a hop to BYE. Sections are of RFC 3261.
 *
 *   connecting -> calling -> proceeding -> confirmed <-> stranded     stranded: its connection is gone
 *        ^           |           |             |
 *        +-----------+-----------+           ending -> ended
 *                    |           |
 *                stopping -> cancelling                               given up: before, after the first provisional
 */
export const uacDialog = {
  connecting: {
    connected: ['calling', 'sendInvite'],
    unreachable: over,
    hangup: over,
    ringTimeout: over,
  },
  calling: {
    provisional: ['proceeding', 'tellProgress'],
    success: ['confirmed', 'acknowledge', 'settle'],
    refused: over,
    challenged: ['calling', 'sendInvite'],
    nextHop: ['connecting', 'connect'],
    // Section 9.1: no CANCEL before a provisional response has come.
    hangup: ['stopping', 'settle'],
    ringTimeout: ['stopping', 'settle'],
  },
  proceeding: {
    provisional: ['proceeding', 'tellProgress'],
    success: ['confirmed', 'acknowledge', 'settle'],
    refused: over,
    challenged: ['calling', 'sendInvite'],
    nextHop: ['connecting', 'connect'],
    hangup: givenUp,
    ringTimeout: givenUp,
    // The peer has the INVITE and rings: it is told over a new connection.
    flowLost: givenUp,
  },
  stopping: {
    provisional: ['cancelling', 'sendCancel'],
    success: ['ending', 'acknowledge', 'sendBye'],
    refused: ['ended', 'end'],
    hangup: ['stopping'],
    ringTimeout: ['stopping'],
  },
  cancelling: {
    provisional: ['cancelling'],
    // The answer crossed the CANCEL: it stands, and is taken back with BYE.
    success: ['ending', 'stopCancelLimit', 'acknowledge', 'sendBye'],
    refused: ['ended', 'stopCancelLimit', 'end'],
    // Section 9.1: no final response in 64*T1, so there will be none.
    cancelTimeout: ['ended', 'abandon', 'end'],
    hangup: ['cancelling'],
    ringTimeout: ['cancelling'],
    flowLost: ['cancelling'],
  },
  confirmed: {
    ackTimeout: ['ending', 'sendBye'],
    bye: ['ended', 'okBye', 'end'],
    hangup: ['ending', 'sendBye'],
    flowLost: ['stranded', 'startGrace', 'search'],
  },
  stranded: {
    ackTimeout: ['ending', 'stopGrace', 'sendBye'],
    bye: ['ended', 'stopGrace', 'okBye', 'end'],
    hangup: ['ending', 'stopGrace', 'sendBye'],
    flowBack: ['confirmed', 'stopGrace'],
    graceOver: ['ending', 'stopGrace', 'sendBye'],
  },
  ending: {
    bye: ['ended', 'okBye', 'end'],
    hangup: ['ending'],
    byeDone: ['ended', 'end'],
    flowLost: ['ending'],
    flowBack: ['ending'],
  },
  ended: {
    byeDone: ['ended'],
  },
} as const satisfies Table<UacState, UacInput, UacAction>;
