import { randomBytes } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';

/** What every kind of resource knows of the account that it belongs to. */
export interface SimOwner {
  readonly clock: Clock;
  readonly accountSid: string;
}

/** A new SID: two letters and 32 hexadecimal digits. */
export function newSid(prefix: string): string {
  return `${prefix}${randomBytes(16).toString('hex')}`;
}

/** The v2010 API's dates: `Fri, 24 May 2019 17:44:46 +0000`. */
export function rfc2822(wallMs: number): string {
  return new Date(wallMs).toUTCString().replace('GMT', '+0000');
}

/** The newer APIs' dates: ISO 8601 without fractions. */
export function iso8601(wallMs: number): string {
  return `${new Date(wallMs).toISOString().slice(0, 19)}Z`;
}

/** Where a v2010 resource of an account is, as its `uri` says. */
export function uriOf(accountSid: string, path: string): string {
  return `/2010-04-01/Accounts/${accountSid}/${path}.json`;
}
