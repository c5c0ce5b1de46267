import type { Headers } from '../message/headers.ts';

/** What a peer says that it can do, as far as we make use of it. */
export interface PeerAbilities {
  /** Takes UPDATE (RFC 3311 section 4: only what is in Allow may be counted on). */
  readonly update: boolean;
}

export function readAbilities(headers: Headers): PeerAbilities {
  return { update: headers.list('Allow').includes('UPDATE') };
}

/** The caller must be told of ringing reliably, or not at all (RFC 3262 section 3). */
export function requiresReliable(headers: Headers): boolean {
  return headers.list('Require').some(tag => tag.toLowerCase() === '100rel');
}
