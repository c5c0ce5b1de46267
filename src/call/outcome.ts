import type { EndingReason } from '../core/ending.ts';
import type { CallSummary } from './controller.ts';

/** How a call of ours went, in the words of whoever placed it. */
export type CallOutcome = 'answered' | 'busy' | 'no-answer' | 'declined' | 'failed';

const outcomes: Partial<Record<EndingReason, CallOutcome>> = {
  'callee-busy': 'busy',
  'callee-no-answer': 'no-answer',
  'ring-timeout': 'no-answer',
  'callee-declined': 'declined',
};

/** The outcome of a call that is over: answered, whatever happened afterwards, or why not. */
export function outcomeOf({ answered, end }: Pick<CallSummary, 'answered' | 'end'>): CallOutcome {
  return answered ? 'answered' : (outcomes[end.reason] ?? 'failed');
}
