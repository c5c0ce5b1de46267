import { isDigits } from './characters.ts';
import { parseCSeq } from './cseq.ts';
import type { Headers } from './headers.ts';
import type { MessageLimits } from './limits.ts';
import { splitParts } from './list.ts';
import { parseNameAddr, parseNameAddrList, parseUri } from './uri.ts';
import { parseVia } from './via.ts';

type Start =
  | { readonly kind: 'request'; readonly method: string; readonly uri: string }
  | { readonly kind: 'response' };

/** RFC 3261 section 7.3.1: fields whose grammar is no list stand once; two of them are two opinions. */
const single = ['From', 'To', 'Call-ID', 'CSeq', 'Max-Forwards', 'Content-Type'] as const;

/**
 * The first reason why a message must not be taken, as constant text: mandatory header fields (RFC 3261 section 8.1.1)
 * that are missing, repeated or malformed, or more of something than the limits allow.
 */
export function findGrammarFault(start: Start, headers: Headers, limits: MessageLimits): string | undefined {
  for (const name of single) {
    if (headers.all(name).length > 1) return `Repeated ${name}`;
  }
  return (
    viaFault(headers, limits) ??
    identityFault(headers) ??
    cseqFault(start, headers) ??
    routeFault(headers, limits) ??
    contactFault(start, headers, limits) ??
    (start.kind === 'request' ? requestFault(start.uri, headers, limits) : undefined)
  );
}

function viaFault(headers: Headers, limits: MessageLimits): string | undefined {
  let count = 0;
  for (const value of headers.all('Via')) {
    for (const part of splitParts(value)) {
      count++;
      if (count > limits.viaCount) return 'Too Many Via';
      if (parseVia(part) === undefined) return 'Bad Via';
    }
  }
  return count === 0 ? 'Missing Via' : undefined;
}

function identityFault(headers: Headers): string | undefined {
  for (const name of ['From', 'To'] as const) {
    const value = headers.get(name);
    if (value === undefined) return `Missing ${name}`;
    if (parseNameAddr(value) === undefined) return `Bad ${name}`;
  }
  const callId = headers.get('Call-ID');
  if (callId === undefined) return 'Missing Call-ID';
  return callId === '' || callId.includes(' ') || callId.includes('\t') ? 'Bad Call-ID' : undefined;
}

function cseqFault(start: Start, headers: Headers): string | undefined {
  const value = headers.get('CSeq');
  if (value === undefined) return 'Missing CSeq';
  const cseq = parseCSeq(value);
  if (cseq === undefined) return 'Bad CSeq';
  // RFC 3261 section 8.1.1.5: the method MUST match that of the request.
  return start.kind === 'request' && cseq.method !== start.method ? 'CSeq Method Mismatch' : undefined;
}

/** Dialogues are built on these: one that cannot be read must not be skipped. */
function routeFault(headers: Headers, limits: MessageLimits): string | undefined {
  let count = 0;
  for (const name of ['Route', 'Record-Route'] as const) {
    const values = headers.all(name);
    if (values.length === 0) continue;
    const list = parseNameAddrList(values);
    if (list === undefined) return `Bad ${name}`;
    count += list.length;
  }
  return count > limits.routeCount ? 'Too Many Route' : undefined;
}

function contactFault(start: Start, headers: Headers, limits: MessageLimits): string | undefined {
  const values = headers.all('Contact');
  const invite = start.kind === 'request' && start.method === 'INVITE';
  if (values.length === 0) return invite ? 'Missing Contact' : undefined;
  if (values.length === 1 && values[0] === '*') {
    // RFC 3261 section 10.2.2: the star belongs to REGISTER.
    return start.kind === 'request' && start.method === 'REGISTER' ? undefined : 'Bad Contact';
  }
  const list = parseNameAddrList(values);
  if (list === undefined) return 'Bad Contact';
  // RFC 3261 section 8.1.1.8: an INVITE MUST have exactly one, and it MUST be a SIP or SIPS URI.
  if (invite && (list.length > 1 || !list[0]?.uri.scheme.startsWith('sip'))) return 'Bad Contact';
  // RFC 3261 section 10.3: the 200 to a REGISTER lists every binding there is, ours among them.
  return start.kind === 'request' && list.length > limits.contactCount ? 'Too Many Contact' : undefined;
}

function requestFault(uri: string, headers: Headers, limits: MessageLimits): string | undefined {
  const parsed = parseUri(uri);
  // RFC 3261 section 19.1.1: a Request-URI has no headers part; what stands there never becomes a header field.
  if (parsed === undefined || parsed.headers !== '') return 'Bad Request-URI';
  const forwards = headers.get('Max-Forwards');
  if (forwards !== undefined && (!isDigits(forwards) || forwards.length > 5 || Number(forwards) > 255)) {
    return 'Bad Max-Forwards';
  }
  const credentials = headers.all('Authorization').length + headers.all('Proxy-Authorization').length;
  return credentials > limits.credentialsCount ? 'Too Many Credentials' : undefined;
}
