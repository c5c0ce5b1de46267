import { type Ending, ending } from '../core/ending.ts';
import { fail, ok, type Result } from '../core/errors.ts';

/** E.164 with its plus, from 7 to 15 digits. */
const e164 = /^\+[1-9]\d{6,14}$/;

export interface NumberPolicy {
  /** Empty: every number that is not denied. */
  readonly allowedPrefixes: readonly string[];
  readonly deniedPrefixes: readonly string[];
}

/**
 * The number as it may be dialled; nothing but `+` and digits ever is, so that no URI, parameter or line can hide in
 * it. Fails with the ending `number-not-allowed`.
 */
export function dialableNumber(given: string, policy: NumberPolicy): Result<string, Ending> {
  const number = given.replace(/[ ().-]/g, '');
  if (!e164.test(number)) {
    return fail(ending('number-not-allowed', 'write it with plus and country code, like +14155550123'));
  }
  const begins = (prefix: string) => number.startsWith(prefix);
  if (policy.deniedPrefixes.some(begins)) return fail(ending('number-not-allowed', 'its prefix is denied'));
  if (policy.allowedPrefixes.length > 0 && !policy.allowedPrefixes.some(begins)) {
    return fail(ending('number-not-allowed', 'its prefix is not allowed'));
  }
  return ok(number);
}
