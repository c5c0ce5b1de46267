import type { Headers } from '../message/headers.ts';
import type { SipMessage, SipRequest } from '../message/message.ts';
import { boundaryOf, parseMultipart } from '../message/multipart.ts';
import type { Answer } from '../transaction/server.ts';
import { acceptLine, sdpType } from './capabilities.ts';

/** Type and subtype of Content-Type in lower case, without parameters; empty when there is none. */
export function contentType(headers: Headers): string {
  return (headers.get('Content-Type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** The SDP a message carries, alone or among the parts of its body; undefined when it has none. */
export function sdpOf(message: SipMessage): string | undefined {
  if (message.body.length === 0) return undefined;
  if (contentType(message.headers) === sdpType) return message.body.toString('utf8');
  return partsOf(message)
    ?.find(part => contentType(part.headers) === sdpType)
    ?.body.toString('utf8');
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
  if (isMultipart(headers)) return multipartObjection(request);
  // RFC 3261 section 20.11: a body that may be ignored is.
  return handling(headers) === 'optional' ? undefined : { status: 415, headers: [acceptLine] };
}

/** RFC 5621 section 7.3: one part that cannot be ignored and is not understood makes the whole request so. */
function multipartObjection(request: SipRequest): Answer | undefined {
  const parts = partsOf(request);
  if (parts === undefined) return { status: 400, reason: 'Bad Multipart Body' };
  const unfit = parts.some(({ headers }) => {
    if (contentType(headers) !== sdpType) return handling(headers) === 'required';
    const encoding = headers.get('Content-Transfer-Encoding')?.trim().toLowerCase() ?? 'binary';
    return !['binary', '7bit', '8bit'].includes(encoding);
  });
  return unfit ? { status: 415, headers: [acceptLine] } : undefined;
}

function isMultipart(headers: Headers): boolean {
  const type = contentType(headers);
  return type === 'multipart/mixed' || type === 'multipart/alternative';
}

function partsOf({ headers, body }: SipMessage) {
  if (!isMultipart(headers)) return undefined;
  const boundary = boundaryOf(headers.get('Content-Type') ?? '');
  return boundary === undefined ? undefined : parseMultipart(body, boundary);
}

/** The handling parameter of Content-Disposition (RFC 3204 section 4). */
function handling(headers: Headers): string | undefined {
  const value = headers.get('Content-Disposition') ?? '';
  return /;[ \t]*handling[ \t]*=[ \t]*(\w+)/i.exec(value)?.[1]?.toLowerCase();
}
