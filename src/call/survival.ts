import type { Ending, EndingReason } from '../core/ending.ts';
import type { Prompt } from '../core/prompt.ts';

/** What becomes of a caller whose agent is lost in the middle of the call. */
export const lossPolicies = ['reconnect', 'transfer', 'hangup'] as const;
export type LossPolicy = (typeof lossPolicies)[number];

export interface SurvivalOptions {
  readonly policy: LossPolicy;
  /** How long a new conversation may take to begin, all tries together, ms. */
  readonly reconnectMs: number;
  /** What the agent says first in it, where it allows that override; empty: whatever it says first. */
  readonly resumeLine: string;
  /** Name of the entry of `transfers` that the caller goes to when there is no agent any more. */
  readonly fallback?: string;
  /** Heard while the agent is fetched back, and before the call is ended. */
  readonly reconnectSound: Prompt;
  readonly hangupSound: Prompt;
}

export const survivalLimits = {
  /** Conversations that are begun anew in one call. */
  perCall: 10,
  /** The pause before the second try of one loss, ms; it doubles up to the longest. */
  firstPauseMs: 250,
  longestPauseMs: 2_000,
  /** How long what a lost agent had said may go on before the call is ended, ms. */
  lastWordsMs: 30_000,
} as const;

/**
 * Whether another conversation may go better than the one that ended so. What is not here is no failure of an agent, or
 * would only happen again: credentials, quota, a variable that is missing, an agent that does not exist.
 */
const passing: ReadonlySet<EndingReason> = new Set<EndingReason>([
  'agent-lost',
  'agent-unreachable',
  'no-descriptors',
  'agent-start-failed',
  'agent-start-timeout',
  'agent-closed-unexpectedly',
  'agent-operational-failure',
  'agent-crashed',
  'agent-garbage',
  'agent-message-too-large',
  'agent-mcp-tool-error',
  'agent-mcp-https-error',
  'agent-llm-timeout',
  'agent-receive-timeout',
  'agent-internal-timeout',
  'agent-http-exception',
  'agent-llm-error',
  'agent-custom-llm-error',
  'agent-brain-error',
  'agent-asr-error',
  'agent-vad-error',
  'agent-turn-error',
  'agent-tts-error',
  'agent-redis-timeout',
  'agent-websocket-crash',
  'agent-websocket-disconnect',
  'agent-unknown-error',
]);

export function isPassing({ reason }: Ending): boolean {
  return passing.has(reason);
}

/** What is done about a loss. Without a fallback there is nobody to transfer to. */
export function afterLoss(
  end: Ending,
  { policy, hasFallback, reconnects }: { policy: LossPolicy; hasFallback: boolean; reconnects: number },
): LossPolicy {
  if (policy === 'reconnect' && isPassing(end) && reconnects < survivalLimits.perCall) return 'reconnect';
  return policy !== 'hangup' && hasFallback ? 'transfer' : 'hangup';
}

/** The pause before try number `attempt` (from 1) of one loss, ms. The first one goes at once. */
export function pauseBefore(attempt: number): number {
  const { firstPauseMs, longestPauseMs } = survivalLimits;
  return attempt <= 1 ? 0 : Math.min(firstPauseMs * 2 ** (attempt - 2), longestPauseMs);
}
