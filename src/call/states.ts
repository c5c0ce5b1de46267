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
  /** Waiting too, in a conversation whose metadata came before the queue: nothing but `admitted` will follow. */
  | 'waiting-ready'
  | 'settling'
  | 'answering'
  | 'restarting-unanswered'
  | 'young'
  | 'restarting'
  | 'talking'
  /**
   * A call of ours: the party is called; it rings, with the agent's socket open; it rings, and that socket is gone; it has
   * answered, and the agent begins.
   */
  | 'calling'
  | 'alerting'
  | 'alerting-alone'
  | 'greeting'
  /** The caller is being handed over, with its agent still there; the same, and the agent is gone; it was handed over. */
  | 'transferring'
  | 'transferring-alone'
  | 'bridged'
  /**
   * The agent was lost after the answer: a new conversation is being begun; the caller goes to the fallback number; a last
   * sound is played.
   */
  | 'reconnecting'
  | 'falling-back'
  | 'parting'
  | 'ended';

export type CallInput =
  /** The leg has its ports. */
  | 'opened'
  /** The same, for a call of ours. */
  | 'opened-outbound'
  /** The party that is called rings. */
  | 'ringing'
  /** What was prepared for the answer is lost, and is started at the answer instead. */
  | 'unprepared'
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
  /** The caller is to be handed over; that failed; the peer has taken it; a second leg has. */
  | 'transfer'
  | 'transfer-failed'
  | 'transferred'
  | 'bridged'
  /** The second leg is over. */
  | 'far-ended'
  /** The agent was lost, and the policy says: begin anew, transfer to the fallback, say goodbye. */
  | 'lost-reconnect'
  | 'lost-transfer'
  | 'lost-hangup'
  /** The pause before another try is over. */
  | 'again'
  /** The last sound was heard. */
  | 'parted'
  /** The party is over by itself; the other end, or this bridge, wants the call over. */
  | 'party-ended'
  | 'stop';

export type CallAction =
  | 'ring'
  | 'start-agent'
  | 'prepare-agent'
  | 'begin-agent'
  | 'arm-settle'
  | 'arm-youth'
  | 'arm-longest'
  | 'arm-queue'
  | 'disarm-queue'
  | 'accept'
  | 'open'
  | 'ringback'
  | 'ringback-off'
  | 'join'
  /** The sound of somebody who is fetched back, and the deadline for that. */
  | 'begin-reconnect'
  | 'end-reconnect'
  | 'resume-agent'
  | 'arm-again'
  /** Tell the new agent where the call stands. */
  | 'brief'
  | 'fall-back'
  | 'part'
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

/** The agent is gone for good, after the answer. */
const givenUp = {
  'lost-transfer': ['falling-back', 'disarm-queue', 'end-reconnect', 'fall-back'],
  'lost-hangup': ['parting', 'disarm-queue', 'end-reconnect', 'part'],
} as const satisfies Row;
const survive = {
  'lost-reconnect': ['reconnecting', 'disarm-queue', 'begin-reconnect', 'resume-agent'],
  ...givenUp,
} as const satisfies Row;

/** What an agent may still say of itself while its caller is handed over. */
const unmoved = (state: CallState) =>
  ({
    'agent-ready': [state, 'disarm-queue'],
    admitted: [state, 'disarm-queue'],
    'grown-up': [state],
  }) as const satisfies Row;

export const callStates: Readonly<Record<CallState, Row>> = {
  opening: {
    opened: ['starting', 'ring', 'start-agent'],
    'opened-outbound': ['calling', 'accept'],
    ...over,
  },
  calling: {
    ringing: ['alerting', 'prepare-agent'],
    accepted: ['greeting', 'open', 'arm-longest', 'start-agent'],
    ...over,
  },
  alerting: {
    ringing: ['alerting'],
    accepted: ['greeting', 'open', 'arm-longest', 'begin-agent'],
    unprepared: ['alerting-alone'],
    'agent-failed': ['alerting', 'prepare-agent'],
    ...lost,
    ...over,
  },
  'alerting-alone': {
    ringing: ['alerting-alone'],
    accepted: ['greeting', 'open', 'arm-longest', 'start-agent'],
    ...over,
  },
  greeting: {
    'agent-ready': ['young', 'disarm-queue', 'arm-youth'],
    admitted: ['greeting', 'disarm-queue'],
    'agent-failed': ['greeting', 'disarm-queue', 'start-agent'],
    ...survive,
    ...over,
  },
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
  'waiting-ready': {
    'agent-ready': ['waiting-ready'],
    'agent-failed': ['starting', 'disarm-queue', 'start-agent'],
    admitted: ['settling', 'disarm-queue', 'arm-settle'],
    'queued-ring': ['waiting-ready'],
    ...lost,
    ...over,
  },
  settling: {
    settled: ['answering', 'accept'],
    'agent-failed': ['starting', 'start-agent'],
    admitted: ['settling', 'disarm-queue'],
    ...queue,
    'queued-ring': ['waiting-ready', 'arm-queue'],
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
    'agent-failed': ['restarting-unanswered', 'disarm-queue', 'start-agent'],
    ...lost,
    ...over,
  },
  young: {
    'grown-up': ['talking'],
    'agent-ready': ['young', 'disarm-queue'],
    admitted: ['young', 'disarm-queue'],
    'agent-failed': ['restarting', 'disarm-queue', 'ringback', 'start-agent'],
    'agent-ended': ['ended', 'end-party', 'finish'],
    transfer: ['transferring'],
    ...survive,
    ...over,
  },
  restarting: {
    'agent-ready': ['young', 'disarm-queue', 'ringback-off', 'arm-youth'],
    admitted: ['restarting', 'disarm-queue'],
    'grown-up': ['restarting'],
    // A try that costs nothing: without what the agent has refused.
    'agent-failed': ['restarting', 'disarm-queue', 'start-agent'],
    ...survive,
    ...over,
  },
  talking: {
    'agent-ready': ['talking', 'disarm-queue'],
    admitted: ['talking', 'disarm-queue'],
    'grown-up': ['talking'],
    'agent-ended': ['ended', 'end-party', 'finish'],
    transfer: ['transferring'],
    ...survive,
    ...over,
  },
  reconnecting: {
    'agent-ready': ['talking', 'end-reconnect', 'brief'],
    // Whoever waits in the queue of the agent waits until the deadline.
    admitted: ['reconnecting'],
    'agent-failed': ['reconnecting', 'arm-again'],
    again: ['reconnecting', 'resume-agent'],
    'grown-up': ['reconnecting'],
    ...givenUp,
    ...over,
  },
  'falling-back': {
    transferred: ['ended', 'end-party', 'finish'],
    bridged: ['bridged', 'join'],
    'transfer-failed': ['parting', 'part'],
    'agent-ended': ['falling-back'],
    ...unmoved('falling-back'),
    ...over,
  },
  parting: {
    parted: ['ended', 'end-party', 'finish'],
    'agent-ended': ['parting'],
    ...unmoved('parting'),
    ...over,
  },
  transferring: {
    transferred: ['ended', 'end-party', 'finish'],
    bridged: ['bridged', 'disarm-queue', 'join'],
    'transfer-failed': ['talking'],
    'agent-ended': ['transferring-alone'],
    ...unmoved('transferring'),
    ...over,
  },
  'transferring-alone': {
    transferred: ['ended', 'end-party', 'finish'],
    bridged: ['bridged', 'disarm-queue', 'join'],
    // The caller has nobody left to talk to.
    'transfer-failed': ['ended', 'end-party', 'finish'],
    ...survive,
    ...unmoved('transferring-alone'),
    ...over,
  },
  bridged: {
    'far-ended': ['ended', 'end-party', 'finish'],
    'agent-ended': ['bridged'],
    ...unmoved('bridged'),
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

/** States in which no answer has been sent. */
export const unanswered: ReadonlySet<CallState> = new Set<CallState>([
  'opening',
  'starting',
  'waiting',
  'waiting-ready',
  'settling',
]);

/** States of a call of ours whose party has not answered. */
export const beforeAnswer: ReadonlySet<CallState> = new Set<CallState>([
  'calling',
  'alerting',
  'alerting-alone',
]);

/** States of a call whose caller is being handed over, or was. */
export const leaving: ReadonlySet<CallState> = new Set<CallState>([
  'transferring',
  'transferring-alone',
  'falling-back',
  'bridged',
]);

/** States in which the caller is with an agent and with nobody else. */
export const conversing: ReadonlySet<CallState> = new Set<CallState>(['young', 'talking']);

/** Failures after the answer that the policy of the number decides about. */
export const survivable: ReadonlySet<CallState> = new Set<CallState>([
  'greeting',
  'young',
  'restarting',
  'talking',
  'reconnecting',
  'transferring-alone',
]);
