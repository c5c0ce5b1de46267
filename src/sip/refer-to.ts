import { isIPv6 } from 'node:net';
import type { TransferTarget } from '../call/party.ts';
import type { ReferRequest } from './signalling.ts';

/**
 * The REFER that a transfer is. A number is asked for at `host`, which is where the peer itself says that it is: its own
 * dial plan decides about the way.
 */
export function referRequest(target: TransferTarget, host: string): ReferRequest {
  const { destination, headers, userToUser } = target;
  const place = isIPv6(host) ? `[${host}]` : host;
  const uri = destination.kind === 'sip' ? destination.uri : `sip:${destination.number}@${place};user=phone`;
  // RFC 7433 section 4.3: what is for the target travels in the URI, as a header field of the INVITE to it.
  const data = userToUser === undefined ? '' : `?User-to-User=${encodeURIComponent(userToUser)}`;
  return { uri: `${uri}${data}`, headers };
}
