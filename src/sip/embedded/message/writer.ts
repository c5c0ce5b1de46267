import { isFieldText, isToken } from './characters.ts';
import { Headers } from './headers.ts';
import type { SipRequest } from './message.ts';
import { reasonPhrase } from './reason.ts';
import { parseNameAddr } from './uri.ts';

export { reasonPhrase } from './reason.ts';

const noBody = Buffer.alloc(0);

/**
 * Writes a request in UTF-8. Content-Length is written here and nowhere else. Throws on a name that is no token and on
 * a value with a control character: nothing that came from elsewhere can add a line.
 */
export function formatRequest(
  method: string,
  uri: string,
  headers: Headers,
  body: Buffer | string = noBody,
): Buffer {
  if (!isToken(method)) throw new Error('The method of a SIP request must be a token.');
  if (uri === '' || /[\s<>]/.test(uri) || !isFieldText(uri)) {
    throw new Error('A Request-URI must not be empty nor hold blanks, brackets or control characters.');
  }
  return format(`${method} ${uri} SIP/2.0\r\n`, headers, body);
}

/** Writes a response, like `formatRequest`. An empty `reason` is replaced by the usual phrase of the status. */
export function formatResponse(
  status: number,
  reason: string | undefined,
  headers: Headers,
  body: Buffer | string = noBody,
): Buffer {
  if (!Number.isInteger(status) || status < 100 || status > 699) {
    throw new Error('The status of a SIP response must be from 100 to 699.');
  }
  const phrase = reason || reasonPhrase(status);
  if (!isFieldText(phrase)) throw new Error('A reason phrase must not hold control characters.');
  return format(`SIP/2.0 ${status} ${phrase}\r\n`, headers, body);
}

function format(startLine: string, headers: Headers, body: Buffer | string): Buffer {
  const octets = typeof body === 'string' ? Buffer.from(body, 'utf8') : body;
  let head = startLine;
  for (const { name, value } of headers) {
    if (!isToken(name)) throw new Error('The name of a SIP header field must be a token.');
    if (!isFieldText(value)) throw new Error(`The value of ${name} must not hold control characters.`);
    if (name.length === 14 && name.toLowerCase() === 'content-length') continue;
    head += `${name}: ${value}\r\n`;
  }
  head += `Content-Length: ${octets.length}\r\n\r\n`;
  const text = Buffer.from(head, 'utf8');
  return octets.length === 0 ? text : Buffer.concat([text, octets]);
}

/**
 * Header fields that every response to `request` begins with (RFC 3261 section 8.2.6.2): Via, From, To, Call-ID and
 * CSeq as they came; `toTag` is added to a To that has none, but never to a 100. A 100 also echoes Timestamp (8.2.6.1).
 * The reason phrase is not in the header section; it is among the arguments so that one list serves `formatResponse` too.
 */
export function responseTo(
  request: SipRequest,
  status: number,
  _reason?: string,
  toTag?: string,
  options: { readonly recordRoute?: boolean } = {},
): Headers {
  const headers = new Headers();
  for (const value of request.headers.all('Via')) headers.add('Via', value);
  if (options.recordRoute) {
    for (const value of request.headers.all('Record-Route')) headers.add('Record-Route', value);
  }
  for (const name of ['From', 'To', 'Call-ID', 'CSeq', ...(status === 100 ? ['Timestamp'] : [])]) {
    const value = request.headers.get(name);
    if (value === undefined) continue;
    headers.add(name, name === 'To' && status > 100 ? tagged(value, toTag) : value);
  }
  return headers;
}

function tagged(to: string, tag: string | undefined): string {
  if (tag === undefined) return to;
  const parsed = parseNameAddr(to);
  return parsed === undefined || parsed.params.has('tag') ? to : `${to};tag=${tag}`;
}
