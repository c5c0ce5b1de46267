import { randomBytes, randomInt } from 'node:crypto';

/** A tag or the random part of a branch: 80 bits (RFC 3261 section 19.3 asks for 32). */
export function newToken(): string {
  return randomBytes(10).toString('hex');
}

/** Seconds for the Retry-After of a 500 (RFC 3261 section 14.2): 0 to 10. */
export function retrySeconds(): number {
  return randomInt(11);
}
