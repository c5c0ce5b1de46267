import type { VerificationChecked, VerifyPort } from '../../twilio/verify.ts';
import type { ToolContext } from '../tool.ts';
import { dryRun, isEmail, isOwnNumber, notConfigured } from './destination.ts';
import { failedResult, type VerifyResult, type VerifyStatus } from './outcomes.ts';
import { exhausted, isOpen, type VerifyParts } from './parts.ts';
import type { PendingVerification } from './pending.ts';
import { objection, takeCheck } from './permission.ts';
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
  const { telephone } = context.verified;
  return parts.pending.inTurn(context.call, input.To, async () => {
    signal.throwIfAborted();
    const verify = parts.verify();
    if (verify === undefined) return notConfigured;
    if (context.verified.of(input.To) !== undefined) {
      parts.keypad.settle(input.To, context.call);
      return alreadyVerified;
    }
    const known = parts.pending.get(context.call, input.To);
    if (context.verified.telephone !== (known?.telephone ?? telephone)) {
      parts.keypad.settle(input.To, context.call);
      return takenOver;
    }
    const tooMany = known && exhausted(parts, known);
    if (tooMany !== undefined) return tooMany;
    if (known === undefined && !(await mayCheckUnseen(parts, input.To, context))) return notSent;
    if (parts.policy().dryRun) return dryRun;
    const untaken = await takeCheck(parts, context);
    if (untaken !== undefined) return untaken;
    signal.throwIfAborted();
    if (known === undefined && !(await expected(parts, input.To, context))) return takenOver;
    const result = await checked(parts, verify, input, context, signal, known, telephone);
    if (known === undefined && result.status !== 'expired') context.control.retract();
    if (context.verified.telephone !== telephone) return takenOver;
    const entry = parts.pending.get(context.call, input.To);
    const done = entry === undefined ? noCode.has(result.status) : !isOpen(parts, entry);
    if (done) parts.keypad.settle(input.To, context.call);
    // Whoever can read an address has not proved to hold a telephone.
    if (isApproved(result) && !isEmail(input.To))
      noteVerified(input.To, entry?.sent?.channel ?? 'sms', context);
    return result;
  });
}

/**
 * A code of an earlier call: what the caller says and keys of it is as secret as if it had been sent in this one. False when the
 * call is over, or goes on with somebody else.
 */
async function expected({ keypad, clock, limits }: VerifyParts, to: string, context: ToolContext) {
  const expecting = await keypad.expect(to, context, clock.now() + limits.codeLifeMs);
  if (expecting) keypad.older(to, context.call);
  return expecting;
}

/** What Verify says where no code of the number can be right. */
const noCode: ReadonlySet<VerifyStatus> = new Set(['expired', 'max_attempts_reached']);

async function checked(
  parts: VerifyParts,
  verify: VerifyPort,
  input: CheckInput,
  context: ToolContext,
  signal: AbortSignal,
  known: PendingVerification | undefined,
  telephone: number,
): Promise<VerifyResult> {
  const by = known?.sid === undefined ? { to: input.To } : { verificationSid: known.sid };
  const answer = await verify.check(by, input.Code, signal);
  if (answer.ok) {
    const { verificationSid } = answer.value;
    const entry = known ?? parts.pending.begin(context.call, input.To, verificationSid);
    entry.sid ??= verificationSid;
    if (known === undefined) entry.telephone = telephone;
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
    entry.over = true;
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

function noteVerified(to: string, channel: string, { verified, control }: ToolContext): void {
  verified.note(to, channel);
  control.tell(
    'The caller has proved to hold the number that the code was sent to; it counts as verified for fifteen minutes.',
    'context',
  );
}

/**
 * A check where this call sent nothing may meet another call's verification: only the trusted caller's own number may
 * be tried (the call was cut off and he called back), or any number where the operator lets the agent send to any.
 */
async function mayCheckUnseen(parts: VerifyParts, to: string, context: ToolContext): Promise<boolean> {
  if (isOwnNumber(context, to, parts.country)) return true;
  return (await objection(parts, to, context)) === undefined;
}

const alreadyVerified: VerifyResult = {
  status: 'already_verified',
  valid: true,
  message: 'This number was verified a moment ago in this call; this code was not checked.',
};

const takenOver: VerifyResult = {
  status: 'expired',
  valid: false,
  message:
    'Another telephone has taken over the call since this code was asked for, so it proves nothing any more. Offer to send a new one.',
};

const notSent: VerifyResult = {
  status: 'not_sent',
  valid: false,
  message: 'No code was sent to this number in this call. Send one first.',
};
