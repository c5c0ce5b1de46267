import type { ActionOutcome } from '../../core/action-outcome.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { ActionKeys, KeyedAction } from '../../store/sends.ts';
import { no, type Refused, type Written } from './action.ts';

/** What is asked for, and under which key of whose. */
export interface KeyedRequest {
  readonly key: string;
  readonly request: string;
}

/**
 * Does it once for a key, however often it is asked: who asks again gets the first answer. What certainly was not done leaves
 * the key free, so that the same may be tried again. Rejects when the store is down: then nothing was done.
 */
export async function once(
  { keys, log }: { readonly keys: ActionKeys; readonly log: Logger },
  { key, request }: KeyedRequest,
  work: () => Promise<Written>,
): Promise<ActionOutcome> {
  const known = await keys.begin(key, request);
  if (known.state !== 'first') return again(known);
  const { outcome, done } = await work();
  const kept = done === 'sent' || done === 'unknown';
  try {
    await (kept ? keys.answered(key, JSON.stringify(outcome)) : keys.free(key));
  } catch (error) {
    // The key stands for something that nobody knows the end of: it is not done again.
    log.warn('what came of an action cannot be kept', { error: messageOf(error) });
  }
  return outcome;
}

function again(known: Exclude<KeyedAction, { state: 'first' }>): ActionOutcome {
  if (known.state !== 'answered') return refusals[known.state];
  if (known.answer === undefined) return refusals.lost;
  return { ...(JSON.parse(known.answer) as ActionOutcome), replayed: true };
}

const refusals = {
  running: {
    ...no('in_progress', 'The same is being done at this moment: ask again for its answer.'),
    retryAfterSeconds: 2,
  },
  lost: no(
    'unavailable',
    'It is not known whether this was done: the bridge stopped while it was at it. See whether Twilio has it; to have it done ' +
      'all the same, ask with another Idempotency-Key.',
  ),
  other: no(
    'idempotency_key_reused',
    'This Idempotency-Key was given with another action or other arguments before. Each thing that is to be done needs its own.',
  ),
  full: no(
    'too_many_keys',
    'As many values of Idempotency-Key are kept as may be; each goes after a day. Ask without one, or later.',
  ),
} as const satisfies Record<string, Refused>;
