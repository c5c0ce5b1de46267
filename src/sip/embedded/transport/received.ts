import type { Source } from '../../signalling.ts';
import { Headers } from '../message/headers.ts';
import { splitList } from '../message/list.ts';
import type { SipRequest } from '../message/message.ts';
import { formatVia, parseVia } from '../message/via.ts';

/**
 * The request with `received` in its top Via when the peer is not where it says it is (RFC 3261 section 18.2.1), and
 * with `rport` filled in when that was asked for (RFC 3581 section 4). Everything else stays as it came.
 */
export function stampVia(request: SipRequest, source: Source): SipRequest {
  const row = request.headers.get('Via');
  const first = row === undefined ? undefined : splitList(row)[0];
  const via = first === undefined ? undefined : parseVia(first);
  if (row === undefined || via === undefined) return request;
  const wantsPort = via.params.has('rport');
  if (!wantsPort && via.host === source.address) return request;
  const params = new Map(via.params).set('received', source.address);
  if (wantsPort) params.set('rport', String(source.port));
  const stamped = [formatVia({ ...via, params }), ...splitList(row).slice(1)].join(', ');
  const headers = new Headers();
  let done = false;
  for (const { name, value } of request.headers) {
    const here: boolean = !done && name.toLowerCase() === 'via';
    headers.add(name, here ? stamped : value);
    done ||= here;
  }
  return { ...request, headers };
}
