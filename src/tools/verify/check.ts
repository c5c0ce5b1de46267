import type { VerificationChecked, VerifyPort } from '../../twilio/verify.ts';
import type { ToolContext } from '../tool.ts';
import { isOwnNumber, notConfigured } from './destination.ts';
import { failedResult, type VerifyResult } from './outcomes.ts';
import { exhausted, type VerifyParts } from './parts.ts';
import type { PendingVerification } from './pending.ts';
import { isApproved, stateResult } from './states.ts';

export interface CheckInput {
  /** E.164. */
  readonly To: string;
  /** Digits alone. */
  readonly Code: string;
}

/** Checks a code against the verification of this call, or says why it cannot be. */
export function checkCode(
  parts: VerifyParts,
  input: CheckInput,
  context: ToolContext,
  signal: AbortSignal,
): Promise<VerifyResult> {
  return parts.pending.inTurn(context.call, input.To, async () => {
    signal.throwIfAborted();
    if (parts.verify === undefined) return notConfigured;
    const known = parts.pending.get(context.call, input.To);
    const settled = known === undefined ? undefined : settledResult(parts, known);
    if (settled !== undefined) return settled;
    if (known === undefined && !(await mayCheckUnseen(parts, input.To, context))) return notSent;
    signal.throwIfAborted();
    return checked(parts, parts.verify, input, context, signal, known);
  });
}

async function checked(
  parts: VerifyParts,
  verify: VerifyPort,
  input: CheckInput,
  context: ToolContext,
  signal: AbortSignal,
  known: PendingVerification | undefined,
): Promise<VerifyResult> {
  const by = known === undefined ? { to: input.To } : { verificationSid: known.sid };
  const answer = await verify.check(by, input.Code, signal);
  if (answer.ok) {
    const entry = known ?? parts.pending.begin(context.call, input.To, answer.value.verificationSid);
    return judged(parts, entry, answer.value);
  }
  const result = failedResult(answer.failure, 'check');
  if (result.status === 'expired') parts.pending.forget(context.call, input.To);
  if (result.status !== 'max_attempts_reached') return result;
  if (known !== undefined) known.checksLeft = 0;
  return (known && exhausted(parts, known)) ?? { ...result, attempts_left: 0 };
}

/** Notes in the entry what Verify said, and says it. */
function judged(parts: VerifyParts, entry: PendingVerification, answer: VerificationChecked): VerifyResult {
  const used = answer.status === 'max_attempts_reached' ? entry.checksLeft : 1;
  entry.checksLeft = Math.max(0, entry.checksLeft - used);
  if (answer.status !== 'pending') {
    const result = stateResult(answer.status, answer.valid);
    if (isApproved(result)) entry.verifiedAt = parts.clock.now();
    return result.status === 'max_attempts_reached' ? (exhausted(parts, entry) ?? result) : result;
  }
  const tooMany = exhausted(parts, entry);
  if (tooMany !== undefined) return tooMany;
  const left = entry.checksLeft;
  return {
    status: 'pending',
    valid: false,
    attempts_left: left,
    message: `That code is wrong. ${left === 1 ? 'One try is' : `${left} tries are`} left; ask the caller to read the code again.`,
  };
}

/** The result that needs no request: the number is verified already, or Verify would refuse the check with 60202. */
function settledResult(parts: VerifyParts, known: PendingVerification): VerifyResult | undefined {
  const { verifiedAt } = known;
  const verified = verifiedAt !== undefined && parts.clock.now() - verifiedAt < parts.limits.verifiedMs;
  return verified ? alreadyVerified : exhausted(parts, known);
}

/**
 * A check where this call sent nothing may meet another call's verification: only the trusted caller's own number may
 * be tried (the call was cut off and he called back), or any number where the operator lets the agent send to any.
 */
async function mayCheckUnseen(parts: VerifyParts, to: string, context: ToolContext): Promise<boolean> {
  if (isOwnNumber(context.facts, to, parts.country)) return true;
  return (await parts.gates.read()).allowAutonomousSends;
}

const alreadyVerified: VerifyResult = {
  status: 'already_verified',
  valid: true,
  message: 'This number was verified a moment ago in this call; this code was not checked.',
};

const notSent: VerifyResult = {
  status: 'not_sent',
  valid: false,
  message: 'No code was sent to this number in this call. Send one first.',
};
