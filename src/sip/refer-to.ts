import { isIPv6 } from 'node:net';
import type { TransferTarget } from '../call/party.ts';
import { parseNameAddrList } from './embedded/message/uri.ts';
import type { InviteFacts, ReferRequest } from './signalling.ts';

/** Names that no network knows (RFC 2606): a withheld From is at anonymous.invalid (RFC 3323 section 4.1.1.3). */
const nowhere = /(^|\.)invalid$/i;

/** Where the peer says that it is: in From, or where that names no host (a tel URI, a withheld number) in Contact. */
export function placeOf({ from, headers, source }: InviteFacts): string {
  const contacts = headers.filter(({ name }) => name.toLowerCase() === 'contact').map(({ value }) => value);
  const contact = parseNameAddrList(contacts)?.[0]?.uri.host ?? '';
  return [from.host, contact].find(host => host !== '' && !nowhere.test(host)) ?? source.address;
}

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
