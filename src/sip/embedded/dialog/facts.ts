import type { HeaderField, Identity, InviteFacts, RequestFacts, Source } from '../../signalling.ts';
import type { SipRequest } from '../message/message.ts';
import { parseNameAddr, parseUri } from '../message/uri.ts';
import { sdpOf } from './content.ts';

/** Credentials stay inside the stack. */
const withheld = new Set(['authorization', 'proxy-authorization']);

/** What an INVITE says to those who know nothing of SIP messages. */
export function factsOf(invite: SipRequest, source: Source, trunk?: string): InviteFacts {
  const { headers } = invite;
  const offer = sdpOf(invite);
  const shown: HeaderField[] = [...headers].filter(field => !withheld.has(field.name.toLowerCase()));
  return {
    sipCallId: headers.get('Call-ID') ?? '',
    source,
    from: identity(headers.get('From')),
    to: identity(headers.get('To')),
    requestUser: parseUri(invite.uri)?.user ?? '',
    ...(trunk === undefined ? {} : { trunk }),
    headers: shown,
    ...(offer === undefined ? {} : { offer }),
  };
}

/** What the gate may look at. */
export function requestFactsOf(
  { method, uri, headers }: SipRequest,
  source: Source,
  behindMs = 0,
): RequestFacts {
  return {
    method,
    uri,
    requestUser: parseUri(uri)?.user ?? '',
    source,
    behindMs,
    header: name => headers.all(name),
  };
}

function identity(value: string | undefined): Identity {
  const parsed = value === undefined ? undefined : parseNameAddr(value);
  return {
    displayName: parsed?.displayName ?? '',
    user: parsed?.uri.user ?? '',
    host: parsed?.uri.host ?? '',
  };
}
