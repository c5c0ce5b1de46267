import { fail, messageOf, ok, type Result } from '../../core/errors.ts';
import type { CounterAnswer, CounterTake } from '../../store/store.ts';
import type { ToolContext } from '../tool.ts';
import { isEmail, isOwnNumber, refusals, spoken } from './destination.ts';
import { lineKind } from './line-kind.ts';
import type { VerifyResult } from './outcomes.ts';
import type { VerifyParts } from './parts.ts';

const hourMs = 3_600_000;
const dayMs = 86_400_000;

/** Why no code may go to a number in this call; undefined when one may. Reads the gates anew. */
export async function objection(
  parts: Pick<VerifyParts, 'gates' | 'policy' | 'country'>,
  to: string,
  context: ToolContext,
): Promise<VerifyResult | undefined> {
  const gates = await asked(context, () => parts.gates.read());
  if (gates === undefined) return storeDown;
  const { allowAutonomousSends, killSwitch } = gates;
  if (killSwitch) return refusals['switched-off'];
  const policy = parts.policy();
  if (!isOwnNumber(context, to, parts.country)) {
    if (!allowAutonomousSends || policy.destinations === 'own') return refusals['not-allowed'];
    if (policy.destinations === 'listed' && !policy.listedNumbers.includes(to)) return refusals['not-listed'];
  }
  if (isEmail(to)) return undefined;
  const begins = (prefix: string) => to.startsWith(prefix);
  if (lineKind(to) === 'premium' || policy.deniedPrefixes.some(begins)) return refusals['wrong-range'];
  if (policy.allowedPrefixes.length > 0 && !policy.allowedPrefixes.some(begins))
    return refusals['wrong-country'];
  return undefined;
}

/** Takes one send from every limit and gives its receipt, or says which one is reached; then nothing was taken. */
export async function takeSend(
  parts: Pick<VerifyParts, 'policy' | 'counters'>,
  to: string,
  context: ToolContext,
): Promise<Result<string, VerifyResult>> {
  const policy = parts.policy();
  const takes: readonly CounterTake[] = [
    { name: 'otp-call', subject: context.call, limit: policy.sendsPerCall, windowMs: dayMs },
    { name: 'otp-number-hour', subject: to, limit: policy.sendsPerNumberHour, windowMs: hourMs },
    { name: 'otp-number-day', subject: to, limit: policy.sendsPerNumberDay, windowMs: dayMs },
    { name: 'otp-hour', subject: 'all', limit: policy.sendsPerHour, windowMs: hourMs },
    { name: 'otp-day', subject: 'all', limit: policy.sendsPerDay, windowMs: dayMs },
  ];
  const answer = await asked(context, () => parts.counters.take(takes));
  if (answer === undefined) return fail(storeDown);
  return answer.taken ? ok(answer.receipt) : fail(reached(answer, to));
}

/** Gives back what was taken. Where the store does not take it, one code too many counts. */
export async function giveBack(
  parts: Pick<VerifyParts, 'counters'>,
  receipt: string,
  context: ToolContext,
): Promise<void> {
  await asked(context, () => parts.counters.giveBack(receipt));
}

/** Takes one check of the call; else why there is none: it has had all of them, or the store cannot be asked. */
export async function takeCheck(
  parts: Pick<VerifyParts, 'policy' | 'counters'>,
  context: ToolContext,
): Promise<VerifyResult | undefined> {
  const limit = parts.policy().checksPerCall;
  const take = { name: 'otp-checks', subject: context.call, limit, windowMs: dayMs };
  const answer = await asked(context, () => parts.counters.take([take]));
  if (answer === undefined) return storeDown;
  return answer.taken ? undefined : tooManyChecks;
}

/** What the store answers; undefined when it cannot be asked: then nothing is sent and nothing checked. */
async function asked<T>(context: ToolContext, ask: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    context.log.error('switches and counters cannot be asked: codes are neither sent nor checked', {
      error: messageOf(error),
    });
    return undefined;
  }
}

const storeDown: VerifyResult = {
  status: 'unavailable',
  valid: false,
  retry_after_s: 10,
  message:
    'This bridge cannot look up its limits at the moment, so nothing was sent and nothing checked. Try once more in a ' +
    'few seconds; else offer to hand over to a person.',
};

const tooManyChecks: VerifyResult = {
  status: 'max_attempts_reached',
  valid: false,
  attempts_left: 0,
  message: 'No more codes can be checked in this call. Offer to hand over to a person.',
};

function reached(answer: Extract<CounterAnswer, { taken: false }>, to: string): VerifyResult {
  const limits: Readonly<Record<string, string>> = {
    'otp-call': 'No more codes can be sent in this call.',
    'otp-number-hour': `Too many codes were sent to ${spoken(to)} within an hour.`,
    'otp-number-day': `Too many codes were sent to ${spoken(to)} within a day.`,
  };
  const why = limits[answer.name] ?? 'This bridge has sent as many codes as it may for now.';
  return {
    status: 'max_sends_reached',
    valid: false,
    retry_after_s: Math.ceil(answer.retryAfterMs / 1000),
    message: `${why} A code that has arrived still counts; else offer to hand over to a person.`,
  };
}
