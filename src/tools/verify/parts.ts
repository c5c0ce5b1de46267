import type { Clock } from '../../core/clock.ts';
import type { VerifyPort } from '../../twilio/verify.ts';
import type { Gates } from '../gates.ts';
import type { VerifyLimits } from './limits.ts';
import type { VerifyResult } from './outcomes.ts';
import type { PendingVerification, PendingVerifications } from './pending.ts';

/** What both tools work with. */
export interface VerifyParts {
  /** Undefined when no Verify service is configured. */
  readonly verify: VerifyPort | undefined;
  readonly gates: Gates;
  readonly clock: Clock;
  readonly country: string | undefined;
  readonly limits: VerifyLimits;
  readonly pending: PendingVerifications;
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
