/** What a number may have of its own: times in ms. The names are those of a call's options. */
export interface CallPolicy {
  readonly settleMs?: number;
  readonly queuePolicy?: 'busy' | 'ring' | 'answer';
  readonly queueWaitMs?: number;
  readonly ringMs?: number;
  readonly longestMs?: number;
}

/** Whether the initiation webhook is asked for calls to a number, and what is done without a usable answer. */
export type InitiationChoice = 'off' | 'continue' | 'reject';
