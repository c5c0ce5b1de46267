import type { Headers } from '../message/headers.ts';
import { contentType } from './content.ts';

/** Longest first line of a fragment that is looked at, bytes. */
const lineBytes = 256;

/** The status that a `message/sipfrag` body begins with (RFC 3420 section 2, RFC 3515 section 2.4.5). */
export function fragmentStatus(headers: Headers, body: Buffer): number | undefined {
  if (contentType(headers) !== 'message/sipfrag') return undefined;
  const status = /^SIP\/2\.0 ([1-6]\d\d)(?: |\r|\n|$)/i.exec(body.toString('latin1', 0, lineBytes))?.[1];
  return status === undefined ? undefined : Number(status);
}
