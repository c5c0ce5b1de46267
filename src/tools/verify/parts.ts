import type { Clock } from '../../core/clock.ts';
import type { Counters } from '../../store/store.ts';
import type { VerifyPort } from '../../twilio/verify.ts';
import type { Gates } from '../gates.ts';
import type { SendingGate } from '../sending/gate.ts';
import type { SecureKeypad } from './keypad.ts';
import type { VerifyLimits } from './limits.ts';
import type { VerifyResult } from './outcomes.ts';
import type { PendingVerification, PendingVerifications } from './pending.ts';
import type { VerifyPolicy } from './policy.ts';

/** What both tools work with. */
export interface VerifyParts {
  /** Asked at each use; undefined while there is no Verify service or no connection. */
  readonly verify: () => VerifyPort | undefined;
  readonly gates: Gates;
  /** What a code to anybody but the caller passes besides, as every send does. */
  readonly gate: SendingGate;
  /** Numbers and services that we text from: who wants nothing of these wants no code either. */
  readonly senders: () => readonly string[];
  /** Asked for each send and check: a reload gives another. */
  readonly policy: () => VerifyPolicy;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly country: string | undefined;
  readonly limits: VerifyLimits;
  readonly pending: PendingVerifications;
  readonly keypad: SecureKeypad;
}

/** Whether a code of this verification may still be right. */
export function isOpen(parts: VerifyParts, entry: PendingVerification): boolean {
  const alive = parts.clock.now() - entry.begunAt < parts.limits.codeLifeMs;
  return alive && !entry.over && entry.verifiedAt === undefined && entry.checksLeft > 0;
}

/**
 * The result where all checks of a verification are used up and it has not expired yet; undefined otherwise. Verify
 * would refuse checks and sends alike (60202), so it is not asked.
 */
export function exhausted(parts: VerifyParts, entry: PendingVerification): VerifyResult | undefined {
  const left = parts.limits.codeLifeMs - (parts.clock.now() - entry.begunAt);
  if (entry.checksLeft > 0 || left <= 0) return undefined;
  return {
    status: 'max_attempts_reached',
    valid: false,
    attempts_left: 0,
    retry_after_s: Math.ceil(left / 1_000),
    message: 'Too many wrong codes. Offer to hand over to a person.',
  };
}
