import type { SipRequest } from '../message/message.ts';
import { parseNameAddrList } from '../message/uri.ts';
import type { Answer } from '../transaction/server.ts';

/**
 * What a REFER to us gets. Nobody may have this bridge call somebody: that is how tolls are stolen. Inside a dialogue it
 * is declined, outside of one it is not even understood as a wish of a caller.
 */
export function referRefusal({ headers }: SipRequest, status: 403 | 603): Answer {
  // RFC 3515 section 2.4.2: exactly one Refer-To.
  const targets = parseNameAddrList(headers.all('Refer-To'));
  return targets?.length === 1 ? { status } : { status: 400, reason: 'Bad Refer-To' };
}
