import type { KeyedDigits } from '../../core/keyed-digits.ts';
import { person } from '../person.ts';
import type { ToolContext } from '../tool.ts';
import { checkCode } from './check.ts';
import { normalizeCode } from './code.ts';
import type { VerifyResult, VerifyStatus } from './outcomes.ts';
import type { VerifyParts } from './parts.ts';

const numbers = [
  'No try is',
  'One try is',
  'Two tries are',
  'Three tries are',
  'Four tries are',
  'Five tries are',
];
const left = (tries: number) => `${numbers[tries] ?? 'Some tries are'} left`;

/** A check that has begun is heard out: the client of Twilio has its own time limit. */
const never = new AbortController().signal;

const again = 'Ask the caller to key it once more.';

/**
 * What makes the agent speak. It counts as said by the caller, who could say the same: so it tells nothing of what came of the
 * code. That stands in what only this bridge can give, a contextual update.
 */
const nudge = 'I have keyed something on the telephone.';

/**
 * What the agent is told of a code that was keyed, in words: no digit of anything. Only a code that was right is said to be
 * approved.
 */
const said: Partial<Readonly<Record<VerifyStatus, string>>> = {
  approved: 'The caller has keyed the code, and it was approved: the number is verified.',
  expired: 'The caller has keyed a code, but it is not open any more. Offer to send a new one.',
  canceled: 'The caller has keyed a code, but the verification was canceled. Offer to send a new one.',
  max_attempts_reached: `The caller has keyed a wrong code too often, so that none can be checked for now. ${person}`,
  throttled: `The caller has keyed a code that could not be checked yet. ${again}`,
  unavailable: `The caller has keyed a code that could not be checked at the moment. ${again}`,
  not_configured: `The caller has keyed a code, but numbers cannot be verified here. ${person}`,
};

/** Checks what was keyed for a number, and tells the agent what came of it. */
export async function checkKeyed(
  parts: VerifyParts,
  to: string,
  digits: KeyedDigits,
  context: ToolContext,
): Promise<void> {
  const { control, log } = context;
  const code = normalizeCode(digits.take());
  if (code === undefined) {
    const tries = parts.pending.get(context.call, to)?.checksLeft ?? parts.limits.checks;
    log.info('a keyed code was checked', { status: 'invalid_code' });
    return tell(
      control,
      `The caller has keyed what cannot be the code: too few digits, or too many. ${left(tries)}. ${again}`,
    );
  }
  const result = await checkCode(parts, { To: to, Code: code }, context, never);
  log.info('a keyed code was checked', { status: result.status });
  // Keyed twice, or spoken and keyed: the agent knows.
  if (result.status === 'already_verified') return;
  tell(control, sentence(result));
}

function tell(control: ToolContext['control'], verdict: string): void {
  control.tell(verdict, 'context');
  control.tell(nudge, 'turn');
}

function sentence(result: VerifyResult): string {
  if (result.status === 'pending') {
    return `The caller has keyed a wrong code. ${left(result.attempts_left ?? -1)}. ${again}`;
  }
  return said[result.status] ?? `The caller has keyed a code that could not be checked. ${person}`;
}
