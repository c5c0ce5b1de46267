import type { Table } from '../transaction/table.ts';

export type DialogState = 'early' | 'answered' | 'leaving' | 'confirmed' | 'stranded' | 'ending' | 'ended';
export type DialogInput =
  | 'provisional'
  | 'answer'
  | 'reject'
  | 'cancel'
  | 'ringTimeout'
  | 'prackTimeout'
  | 'ack'
  | 'ackTimeout'
  | 'bye'
  | 'hangup'
  | 'byeDone'
  | 'flowLost'
  | 'flowBack'
  | 'graceOver';
export type DialogAction =
  | 'sendProvisional'
  | 'sendAnswer'
  | 'stopAnswer'
  | 'sendFinal'
  | 'abandon'
  | 'settle'
  | 'okBye'
  | 'sendBye'
  | 'startGrace'
  | 'stopGrace'
  | 'search'
  | 'end';

/**
 * The dialogue of an INVITE that came in (RFC 3261 sections 12 to 15, UAS side).
 *
 *     early -> answered -> confirmed <-> stranded (its connection is gone, another one is looked for)
 *                 |            |
 *              leaving ----> ending -> ended        leaving: to be hung up, but a BYE has to wait for the ACK
 */
export const uasDialog = {
  early: {
    provisional: ['early', 'sendProvisional'],
    answer: ['answered', 'sendAnswer'],
    reject: ['ended', 'sendFinal', 'end'],
    hangup: ['ended', 'sendFinal', 'end'],
    cancel: ['ended', 'sendFinal', 'end'],
    ringTimeout: ['ended', 'sendFinal', 'end'],
    // RFC 3262 section 3: a reliable response that is never acknowledged makes the INVITE fail.
    prackTimeout: ['ended', 'sendFinal', 'end'],
    // Section 15: a caller may end an early dialogue with BYE; section 15.1.2: its INVITE gets 487.
    bye: ['ended', 'okBye', 'sendFinal', 'end'],
    // Section 18.2.2 would dial the address in Via, which is the peer's to choose: nothing is sent, the call is over.
    flowLost: ['ended', 'abandon', 'end'],
  },
  answered: {
    ack: ['confirmed', 'stopAnswer', 'settle'],
    // Section 13.3.1.4: no ACK in 64*T1, so BYE.
    ackTimeout: ['ending', 'settle', 'sendBye'],
    bye: ['ended', 'okBye', 'stopAnswer', 'end', 'settle'],
    hangup: ['leaving', 'settle'],
    // The ACK may still come over another connection; the wait for it ends anyway.
    flowLost: ['answered'],
    flowBack: ['answered'],
  },
  leaving: {
    // Section 15: a UAS must not send BYE before the ACK came or the wait for it is over.
    ack: ['ending', 'stopAnswer', 'sendBye'],
    ackTimeout: ['ending', 'sendBye'],
    bye: ['ended', 'okBye', 'stopAnswer', 'end'],
    hangup: ['leaving'],
    flowLost: ['leaving'],
    flowBack: ['leaving'],
  },
  confirmed: {
    ack: ['confirmed'],
    // Of a re-INVITE.
    ackTimeout: ['ending', 'sendBye'],
    bye: ['ended', 'okBye', 'end'],
    hangup: ['ending', 'sendBye'],
    flowLost: ['stranded', 'startGrace', 'search'],
  },
  stranded: {
    ack: ['stranded'],
    ackTimeout: ['ending', 'stopGrace', 'sendBye'],
    bye: ['ended', 'stopGrace', 'okBye', 'end'],
    hangup: ['ending', 'stopGrace', 'sendBye'],
    flowBack: ['confirmed', 'stopGrace'],
    graceOver: ['ending', 'stopGrace', 'sendBye'],
  },
  ending: {
    ack: ['ending'],
    // Both sides hung up at once: each answers the other's BYE.
    bye: ['ended', 'okBye', 'end'],
    hangup: ['ending'],
    byeDone: ['ended', 'end'],
    flowLost: ['ending'],
    flowBack: ['ending'],
  },
  ended: {
    byeDone: ['ended'],
  },
} as const satisfies Table<DialogState, DialogInput, DialogAction>;
