import { fail, ok, type Result } from '../../../core/errors.ts';
import { isDigits, isFieldText, isToken, trimBlanks, withoutControls } from './characters.ts';
import { findGrammarFault } from './grammar.ts';
import { Headers } from './headers.ts';
import { type MessageLimits, messageLimits } from './limits.ts';
import type { ParseFault, SipMessage, SipRequest } from './message.ts';

type StartLine =
  | { readonly kind: 'request'; readonly method: string; readonly uri: string }
  | { readonly kind: 'response'; readonly status: number; readonly reason: string };

const noBody = Buffer.alloc(0);

/**
 * Parses one framed message. Checks go in this order: start line, version (505), header rows, mandatory header fields
 * and their grammar (400). Whether method, URI scheme, extensions and body suit is for those who know the dialogue.
 * Never throws, and takes time linear in the size of the message.
 */
export function parseMessage(
  head: Buffer,
  body: Buffer,
  limits: MessageLimits = messageLimits,
): Result<SipMessage, ParseFault> {
  const text = head.toString('utf8');
  const lineEnd = endOfLine(text, 0);
  const line = text.slice(0, lineEnd);
  const response = line.slice(0, 4).toUpperCase() === 'SIP/';
  const headers = new Headers();
  const start = response ? readStatusLine(line) : readRequestLine(line);
  const trouble = readHeaders(text, lineEnd + 2, headers, limits);
  if (response) {
    if (typeof start === 'string' || start.kind === 'request') return refuse(0, 'Bad Status-Line');
    const fault = trouble ?? findGrammarFault(start, headers, limits);
    return fault === undefined ? ok({ ...start, headers, body }) : refuse(0, fault);
  }
  const refused = (status: number, reason: string) => {
    const request = echoRequest(head, limits);
    return refuse(request === undefined ? 0 : status, reason, request);
  };
  if (line.length > limits.uriBytes) return refused(414, 'Request-URI Too Long');
  if (typeof start === 'string') return refused(start === 'Version Not Supported' ? 505 : 400, start);
  const fault = trouble ?? findGrammarFault(start, headers, limits);
  if (fault !== undefined || start.kind === 'response') return refused(400, fault ?? 'Bad Request-Line');
  return ok({ ...start, headers, body });
}

function refuse(status: number, reason: string, request?: SipRequest): Result<never, ParseFault> {
  return fail({ status, reason, fatal: false, ...(request === undefined ? {} : { request }) });
}

/**
 * As much of a broken request as an answer echoes: Via, From, To, Call-ID and CSeq, fit to be written whatever they
 * hold. Nothing when no answer may go out: to a response, an ACK (RFC 3261 section 17.1.1.3), or without a Via.
 */
export function echoRequest(head: Buffer, limits: MessageLimits = messageLimits): SipRequest | undefined {
  const text = head.toString('utf8');
  const lineEnd = endOfLine(text, 0);
  const [method = '', uri = ''] = withoutControls(text.slice(0, lineEnd)).split(' ', 2);
  if (method.toUpperCase().startsWith('SIP/') || method === 'ACK') return undefined;
  const all = new Headers();
  readHeaders(text, lineEnd + 2, all, limits);
  if (!all.has('Via')) return undefined;
  const headers = new Headers();
  for (const { name, value } of all) {
    if (echoed.has(name.toLowerCase()))
      headers.add(name, isFieldText(value) ? value : withoutControls(value));
  }
  return { kind: 'request', method, uri: uri.slice(0, limits.uriBytes), headers, body: noBody };
}

const echoed: ReadonlySet<string> = new Set(['via', 'from', 'to', 'call-id', 'cseq']);

/** RFC 3261 section 7.1: Method SP Request-URI SP SIP-Version. Returns the reason when it is not that. */
function readRequestLine(line: string): StartLine | string {
  const first = line.indexOf(' ');
  const last = line.lastIndexOf(' ');
  if (first <= 0 || last === first) return 'Bad Request-Line';
  const method = line.slice(0, first);
  const uri = line.slice(first + 1, last);
  const version = line.slice(last + 1).toUpperCase();
  if (version !== 'SIP/2.0') return isVersion(version) ? 'Version Not Supported' : 'Bad Request-Line';
  if (!isToken(method) || uri === '' || uri.includes(' ')) return 'Bad Request-Line';
  return { kind: 'request', method, uri };
}

function isVersion(text: string): boolean {
  const dot = text.indexOf('.');
  return text.startsWith('SIP/') && isDigits(text.slice(4, dot)) && isDigits(text.slice(dot + 1));
}

/** RFC 3261 section 7.2: SIP-Version SP Status-Code SP Reason-Phrase, which may be empty. */
function readStatusLine(line: string): StartLine | string {
  const digits = line.slice(8, 11);
  const status = Number(digits);
  const good = line.slice(0, 8).toUpperCase() === 'SIP/2.0 ' && digits.length === 3 && isDigits(digits);
  if (!good || status < 100 || status > 699) return 'Bad Status-Line';
  if (line.length > 11 && line[11] !== ' ') return 'Bad Status-Line';
  const reason = line.slice(12);
  return isFieldText(reason) ? { kind: 'response', status, reason } : 'Bad Status-Line';
}

/** Index of the CRLF at or behind `from`, or the end of the text. */
function endOfLine(text: string, from: number): number {
  const at = text.indexOf('\r\n', from);
  return at < 0 ? text.length : at;
}

/**
 * Reads header rows from `from` to the empty line, unfolded (RFC 3261 section 7.3.1), and goes on behind a bad one, so
 * that an answer finds what it echoes. Returns the reason of the first bad row.
 */
function readHeaders(
  text: string,
  from: number,
  headers: Headers,
  limits: MessageLimits,
): string | undefined {
  let trouble: string | undefined;
  let at = from;
  while (at < text.length) {
    const firstEnd = endOfLine(text, at);
    if (firstEnd === at) break;
    if (headers.size >= limits.headerCount) return trouble ?? 'Too Many Header Fields';
    let end = firstEnd;
    while (isFold(text, end + 2)) end = endOfLine(text, end + 2);
    const row = end === firstEnd ? text.slice(at, end) : unfold(text.slice(at, end));
    const bad = isLongerThan(row, limits.headerLineBytes) ? 'Header Field Too Long' : addRow(row, headers);
    trouble ??= bad;
    at = end + 2;
  }
  return trouble;
}

function isFold(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 32 || code === 9;
}

/** Each line end with the blanks around it becomes one space. */
function unfold(rows: string): string {
  return rows
    .split('\r\n')
    .map(row => trimBlanks(row))
    .join(' ');
}

/** A string has at most three octets of UTF-8 a code unit, so most rows are judged by their length alone. */
function isLongerThan(row: string, octets: number): boolean {
  if (row.length * 3 <= octets) return false;
  return row.length > octets || Buffer.byteLength(row) > octets;
}

function addRow(row: string, headers: Headers): string | undefined {
  const colon = row.indexOf(':');
  // RFC 3261 section 25.1, HCOLON: blanks may stand before the colon, though no writer should put them there.
  let end = colon;
  while (end > 0 && isFold(row, end - 1)) end--;
  if (!isToken(row, 0, end)) return 'Bad Header Field';
  const value = trimBlanks(row, colon + 1);
  headers.add(row.slice(0, end), value);
  return isFieldText(value) ? undefined : 'Control Character in Header Field';
}
