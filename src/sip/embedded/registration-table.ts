import type { Table } from './transaction/table.ts';

export type RegistrationState =
  | 'connecting'
  | 'registering'
  | 'registered'
  | 'waiting'
  | 'leaving'
  | 'stopped';
export type RegistrationInput =
  | 'connected'
  | 'unreachable'
  | 'accepted'
  /** Answered with credentials, or with the longer interval that a 423 asks for. */
  | 'again'
  | 'refused'
  | 'due'
  | 'flowLost'
  | 'stop';
export type RegistrationAction =
  | 'connect'
  | 'send'
  | 'sendRemoval'
  | 'hold'
  | 'letGo'
  | 'backOff'
  | 'stopTimer'
  | 'end';

/** One registration (RFC 3261 section 10.2). `waiting` is the pause after a try that failed, longer each time. */
export const registrationTable = {
  connecting: {
    connected: ['registering', 'send'],
    unreachable: ['waiting', 'letGo', 'backOff'],
    stop: ['stopped', 'letGo', 'end'],
  },
  registering: {
    accepted: ['registered', 'hold'],
    again: ['registering', 'send'],
    refused: ['waiting', 'letGo', 'backOff'],
    // Its outcome comes as `refused`.
    flowLost: ['registering'],
    // It may have been taken already, so it is taken back.
    stop: ['leaving', 'letGo', 'sendRemoval'],
  },
  registered: {
    due: ['connecting', 'connect'],
    // The registrar's calls come over this connection: without it the registration is worth nothing.
    flowLost: ['waiting', 'stopTimer', 'letGo', 'backOff'],
    stop: ['leaving', 'stopTimer', 'letGo', 'sendRemoval'],
  },
  waiting: {
    due: ['connecting', 'connect'],
    flowLost: ['waiting'],
    stop: ['stopped', 'stopTimer', 'end'],
  },
  leaving: {
    accepted: ['stopped', 'end'],
    again: ['leaving', 'sendRemoval'],
    refused: ['stopped', 'end'],
    flowLost: ['leaving'],
    stop: ['leaving'],
  },
  stopped: {
    stop: ['stopped'],
  },
} as const satisfies Table<RegistrationState, RegistrationInput, RegistrationAction>;
