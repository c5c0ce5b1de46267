/**
 * The life of a call as a table: state, input -> next state and what is to be done on the way. Timers are inputs.
 * The controller turns what it hears into inputs and carries the actions out; it decides nothing that stands here.
 *
 * `young` is the first second after the answer, in which the agent may be started once more while the caller hears
 * ringing: refusals often come shortly after the agent's success signs.
 */
export type CallState =
  | 'opening'
  | 'starting'
  | 'waiting'
  | 'settling'
  | 'answering'
  | 'restarting-unanswered'
  | 'young'
  | 'restarting'
  | 'talking'
  | 'ended';

export type CallInput =
  /** The leg has its ports. */
  | 'opened'
  | 'agent-ready'
  /** The agent put the caller in its queue, and the policy says: refuse, ring on, answer. */
  | 'queued-busy'
  | 'queued-ring'
  | 'queued-answer'
  | 'admitted'
  | 'settled'
  /** 200 and ACK are exchanged. */
  | 'accepted'
  /** The agent's start failed, and there is a try left; there is none. */
  | 'agent-failed'
  | 'agent-failed-again'
  /** The agent is through, in success or not; what it said has been played. */
  | 'agent-ended'
  | 'grown-up'
  /** The party is over by itself; the other end, or this bridge, wants the call over. */
  | 'party-ended'
  | 'stop';

export type CallAction =
  | 'ring'
  | 'start-agent'
  | 'arm-settle'
  | 'arm-youth'
  | 'arm-longest'
  | 'arm-queue'
  | 'disarm-queue'
  | 'accept'
  | 'open'
  | 'ringback'
  | 'ringback-off'
  | 'end-party'
  | 'finish';

type Row = Partial<Record<CallInput, readonly [CallState, ...CallAction[]]>>;

const over = {
  'party-ended': ['ended', 'finish'],
  stop: ['ended', 'end-party', 'finish'],
} as const satisfies Row;
const lost = { 'agent-failed-again': ['ended', 'end-party', 'finish'] } as const satisfies Row;
const queue = {
  'queued-busy': ['ended', 'end-party', 'finish'],
  'queued-ring': ['waiting', 'arm-queue'],
  'queued-answer': ['answering', 'arm-queue', 'accept'],
} as const satisfies Row;

export const callStates: Readonly<Record<CallState, Row>> = {
  opening: { opened: ['starting', 'ring', 'start-agent'], ...over },
  starting: {
    'agent-ready': ['settling', 'arm-settle'],
    'agent-failed': ['starting', 'start-agent'],
    admitted: ['starting', 'disarm-queue'],
    ...queue,
    ...lost,
    ...over,
  },
  waiting: {
    'agent-ready': ['settling', 'disarm-queue', 'arm-settle'],
    'agent-failed': ['starting', 'disarm-queue', 'start-agent'],
    admitted: ['starting', 'disarm-queue'],
    'queued-ring': ['waiting'],
    ...lost,
    ...over,
  },
  settling: {
    settled: ['answering', 'accept'],
    'agent-failed': ['starting', 'start-agent'],
    admitted: ['settling', 'disarm-queue'],
    ...queue,
    ...lost,
    ...over,
  },
  answering: {
    accepted: ['young', 'open', 'arm-youth', 'arm-longest'],
    'agent-ready': ['answering', 'disarm-queue'],
    admitted: ['answering', 'disarm-queue'],
    'agent-failed': ['restarting-unanswered', 'disarm-queue', 'ringback', 'start-agent'],
    ...lost,
    ...over,
  },
  'restarting-unanswered': {
    accepted: ['restarting', 'open', 'arm-longest'],
    'agent-ready': ['answering', 'disarm-queue', 'ringback-off'],
    admitted: ['restarting-unanswered', 'disarm-queue'],
    ...lost,
    ...over,
  },
  young: {
    'grown-up': ['talking'],
    'agent-ready': ['young', 'disarm-queue'],
    admitted: ['young', 'disarm-queue'],
    'agent-failed': ['restarting', 'disarm-queue', 'ringback', 'start-agent'],
    'agent-ended': ['ended', 'end-party', 'finish'],
    ...lost,
    ...over,
  },
  restarting: {
    'agent-ready': ['young', 'disarm-queue', 'ringback-off', 'arm-youth'],
    admitted: ['restarting', 'disarm-queue'],
    'grown-up': ['restarting'],
    ...lost,
    ...over,
  },
  talking: {
    'agent-ready': ['talking', 'disarm-queue'],
    admitted: ['talking', 'disarm-queue'],
    'grown-up': ['talking'],
    'agent-ended': ['ended', 'end-party', 'finish'],
    ...over,
  },
  ended: {},
};

/** What state comes next, and what is done on the way. Throws where the table has no such transition. */
export function step(state: CallState, input: CallInput): readonly [CallState, ...CallAction[]] {
  const transition = callStates[state][input];
  if (transition === undefined) throw new Error(`a call that is ${state} cannot take ${input}`);
  return transition;
}
