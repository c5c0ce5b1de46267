import type { Table } from '../embedded/transaction/table.ts';

export type UasState = 'early' | 'answering' | 'answered' | 'leaving' | 'confirmed' | 'ending' | 'ended';
export type UasInput =
  | 'provisional'
  | 'answer'
  | 'reject'
  | 'cancel'
  | 'ringTimeout'
  /** The server has sent our 200; it has not, or never said so. */
  | 'sent'
  | 'unsent'
  | 'ack'
  | 'ackTimeout'
  | 'bye'
  | 'hangup'
  | 'byeDone'
  | 'linkLost';
export type UasAction =
  | 'sendProvisional'
  | 'sendAnswer'
  | 'startAckLimit'
  | 'stopAckLimit'
  | 'sendFinal'
  | 'settle'
  | 'sendBye'
  | 'takeBack'
  | 'end';

/**
 * An INVITE that the server has given to us, and the dialogue it makes. Sections are of RFC 3261.
 *
 *     early -> answering -> answered -> confirmed -> ending -> ended
 *                  |            |
 *                  +- leaving --+             leaving: to be hung up, but a BYE has to wait for the ACK
 */
export const uasTable = {
  early: {
    provisional: ['early', 'sendProvisional'],
    answer: ['answering', 'sendAnswer'],
    reject: ['ended', 'sendFinal', 'end'],
    hangup: ['ended', 'sendFinal', 'end'],
    ringTimeout: ['ended', 'sendFinal', 'end'],
    // The server has answered both: 200 and 487.
    cancel: ['ended', 'end'],
    linkLost: ['ended', 'end'],
  },
  answering: {
    sent: ['answered', 'startAckLimit'],
    unsent: ['ended', 'end', 'settle'],
    cancel: ['ended', 'end', 'settle'],
    hangup: ['leaving', 'settle'],
    linkLost: ['ended', 'end', 'settle'],
  },
  answered: {
    ack: ['confirmed', 'stopAckLimit', 'settle'],
    ackTimeout: ['ending', 'settle', 'sendBye'],
    bye: ['ended', 'stopAckLimit', 'end', 'settle'],
    hangup: ['leaving', 'settle'],
    // A CANCEL that the server has let through against its own 200.
    cancel: ['answered'],
    linkLost: ['ended', 'stopAckLimit', 'end', 'settle'],
  },
  leaving: {
    sent: ['leaving', 'startAckLimit'],
    unsent: ['ended', 'end'],
    cancel: ['ended', 'stopAckLimit', 'end'],
    // Section 15: a UAS must not send BYE before the ACK came or the wait for it is over.
    ack: ['ending', 'stopAckLimit', 'sendBye'],
    ackTimeout: ['ending', 'sendBye'],
    bye: ['ended', 'stopAckLimit', 'end'],
    hangup: ['leaving'],
    linkLost: ['ended', 'stopAckLimit', 'end'],
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
  // The 200 went out after all.
  ended: { sent: ['ended', 'takeBack'] },
} as const satisfies Table<UasState, UasInput, UasAction>;
