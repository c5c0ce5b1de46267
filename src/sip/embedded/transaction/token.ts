import { randomInt } from 'node:crypto';
import { freshHex } from '../../../core/random.ts';

/** A tag or the random part of a branch: 80 bits (RFC 3261 section 19.3 asks for 32). */
export function newToken(): string {
  return freshHex(10);
}

/** Seconds for the Retry-After of a 500 (RFC 3261 section 14.2): 0 to 10. */
export function retrySeconds(): number {
  return randomInt(11);
}

/**
 * How long a request that met one of the peer's waits before it is sent again, ms (RFC 3261 section 14.1): the side
 * that made the Call-ID 2.1 to 4 s, the other one less, so that they do not meet again. Steps of 10 ms.
 */
export function glareDelay(ownsCallId: boolean): number {
  return 10 * (ownsCallId ? randomInt(210, 401) : randomInt(0, 201));
}
