import type { Headers } from '../message/headers.ts';
import type { SipRequest } from '../message/message.ts';
import type { Answer } from '../transaction/server.ts';
import { acceptLine, sdpType } from './capabilities.ts';

/** Type and subtype of Content-Type in lower case, without parameters; empty when there is none. */
export function contentType(headers: Headers): string {
  return (headers.get('Content-Type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** The SDP a request carries; undefined when it has no body. Asked only after `contentObjection`. */
export function sdpOf(request: SipRequest): string | undefined {
  if (request.body.length === 0 || contentType(request.headers) !== sdpType) return undefined;
  return request.body.toString('utf8');
}

/** Why the body of a request that makes or changes a session cannot be taken (RFC 3261 section 8.2.3). */
export function contentObjection(request: SipRequest): Answer | undefined {
  const { headers, body } = request;
  if (body.length === 0) return undefined;
  const encoding = headers.get('Content-Encoding')?.trim().toLowerCase();
  if (encoding !== undefined && encoding !== 'identity') {
    return { status: 415, headers: [['Accept-Encoding', 'identity']] };
  }
  if (contentType(headers) === sdpType) return undefined;
  // RFC 3261 section 20.11: a body that may be ignored is.
  if (/;\s*handling\s*=\s*optional/i.test(headers.get('Content-Disposition') ?? '')) return undefined;
  return { status: 415, headers: [acceptLine] };
}
