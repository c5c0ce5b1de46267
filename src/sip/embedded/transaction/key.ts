import type { SipRequest } from '../message/message.ts';
import { parseNameAddr } from '../message/uri.ts';
import { parseViaList } from '../message/via.ts';

/** RFC 3261 section 8.1.1.7. */
export const branchCookie = 'z9hG4bK';

/** The tag parameter of a From or To value; undefined when there is none. */
export function tagOf(value: string | undefined): string | undefined {
  return value === undefined ? undefined : parseNameAddr(value)?.params.get('tag');
}

/**
 * What makes requests belong to one server transaction (RFC 3261 section 17.2.3). `method` overrides the request's
 * own: an ACK or CANCEL looks for its INVITE. `address` is the peer's, so that no peer reaches the transaction of
 * another one.
 */
export function serverKey(request: SipRequest, address: string, method = request.method): string {
  const of = method === 'ACK' ? 'INVITE' : method;
  const via = parseViaList(request.headers.all('Via').slice(0, 1))?.[0];
  const branch = via?.branch ?? '';
  if (branch.toLowerCase().startsWith(branchCookie.toLowerCase()) && branch.length > branchCookie.length) {
    return [of, address, branch, via?.host.toLowerCase(), via?.port ?? ''].join(' ');
  }
  // RFC 2543 peers: the fields that name the request, and the topmost Via whole.
  const { headers } = request;
  const cseq = Number.parseInt(headers.get('CSeq') ?? '', 10);
  const fields = [request.uri, headers.get('Call-ID'), tagOf(headers.get('From')), headers.get('Via')];
  return [of, address, cseq, ...fields].join(' ');
}

/** What a request keeps while it reaches us over several paths (RFC 3261 section 8.2.2.2). */
export function mergeKey(request: SipRequest): string {
  const { headers } = request;
  return [headers.get('Call-ID'), tagOf(headers.get('From')), headers.get('CSeq')].join(' ');
}
