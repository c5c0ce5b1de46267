/**
 * The life of a conversation as a table. `initiating` is a socket that is open and has its initiation data, `queued` a
 * caller whom the agent lets wait, `ending` an agent that has ended the call but whose last sentence may still be on its
 * way, `ended` one whose end was told while the socket is still open.
 */
export type SessionState =
  /** Held, its socket not open yet; held, and open: no initiation data is sent before `begin`. */
  'preparing' | 'prepared' | 'connecting' | 'initiating' | 'queued' | 'ready' | 'ending' | 'ended' | 'closed';

/** What can happen to it. Timers are inputs like messages are. */
export type SessionInput =
  /** The WebSocket is open. */
  | 'opened'
  /** The telephone side was answered: what was held may begin. */
  | 'begin'
  /** Metadata with two known formats. */
  | 'metadata'
  | 'queue-waiting'
  | 'queue-admitted'
  /** An error event; its close should follow. */
  | 'error'
  /** The agent has ended the call itself. */
  | 'farewell'
  /** What the agent says last has had time to come. */
  | 'farewell-over'
  /** The agent took too long to begin. */
  | 'deadline'
  /** No close followed an error. */
  | 'grace-over'
  /** It cannot be gone on with: for what the agent sent, or for a fault of ours. */
  | 'fault'
  /** The socket is gone. */
  | 'gone'
  /** Our side ends it. */
  | 'close';

export type SessionEffect =
  | 'send-initiation'
  | 'start-deadline'
  | 'stop-timer'
  | 'start-grace'
  | 'start-farewell'
  | 'announce'
  | 'report'
  /** Close the socket with 1000. */
  | 'close-socket'
  /** Close it with 1002, because the other side broke the protocol. */
  | 'drop-socket';

type Row = readonly [next: SessionState, ...effects: readonly SessionEffect[]];
type Table = Readonly<Record<SessionState, Readonly<Partial<Record<SessionInput, Row>>>>>;

const gone: Row = ['closed', 'stop-timer', 'report'];
const fault: Row = ['closed', 'stop-timer', 'report', 'drop-socket'];
const close: Row = ['closed', 'stop-timer', 'close-socket'];
const over: Row = ['closed'];

const table: Table = {
  preparing: {
    opened: ['prepared', 'stop-timer'],
    begin: ['connecting'],
    deadline: ['closed', 'report', 'close-socket'],
    fault,
    gone,
    close,
  },
  prepared: {
    begin: ['initiating', 'send-initiation', 'start-deadline'],
    'queue-waiting': ['prepared'],
    'queue-admitted': ['prepared'],
    error: ['prepared', 'stop-timer', 'start-grace'],
    farewell: ['prepared'],
    'grace-over': ['closed', 'report', 'close-socket'],
    fault,
    gone,
    close,
  },
  connecting: {
    opened: ['initiating', 'send-initiation'],
    deadline: ['closed', 'report', 'close-socket'],
    fault,
    gone,
    close,
  },
  initiating: {
    metadata: ['ready', 'stop-timer', 'announce'],
    'queue-waiting': ['queued', 'stop-timer'],
    'queue-admitted': ['initiating'],
    error: ['initiating', 'stop-timer', 'start-grace'],
    farewell: ['initiating'],
    deadline: ['closed', 'report', 'close-socket'],
    'grace-over': ['closed', 'report', 'close-socket'],
    fault,
    gone,
    close,
  },
  queued: {
    metadata: ['ready', 'stop-timer', 'announce'],
    'queue-waiting': ['queued'],
    'queue-admitted': ['initiating', 'start-deadline'],
    error: ['queued', 'stop-timer', 'start-grace'],
    farewell: ['queued'],
    'grace-over': ['closed', 'report', 'close-socket'],
    fault,
    gone,
    close,
  },
  ready: {
    metadata: ['ready'],
    'queue-waiting': ['ready'],
    'queue-admitted': ['ready'],
    error: ['ready', 'stop-timer', 'start-grace'],
    farewell: ['ending', 'stop-timer', 'start-farewell'],
    'grace-over': ['closed', 'report', 'close-socket'],
    fault,
    gone,
    close,
  },
  ending: {
    metadata: ['ending'],
    'queue-waiting': ['ending'],
    'queue-admitted': ['ending'],
    error: ['ending'],
    farewell: ['ending'],
    'farewell-over': ['ended', 'report'],
    fault,
    gone,
    close,
  },
  ended: {
    metadata: ['ended'],
    'queue-waiting': ['ended'],
    'queue-admitted': ['ended'],
    error: ['ended'],
    farewell: ['ended'],
    fault: ['closed', 'drop-socket'],
    gone: over,
    close,
  },
  closed: { gone: over, close: over },
};

export interface Transition {
  readonly state: SessionState;
  readonly effects: readonly SessionEffect[];
}

/** The next state and what is to be done. Throws on what cannot happen in `state`: that is a fault of ours. */
export function transition(state: SessionState, input: SessionInput): Transition {
  const row = table[state][input];
  if (row === undefined) throw new Error(`agent session: ${input} in state ${state}`);
  const [next, ...effects] = row;
  return { state: next, effects };
}
