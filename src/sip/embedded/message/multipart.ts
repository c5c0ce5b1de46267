import { isBlank } from './characters.ts';
import { Headers } from './headers.ts';
import { parseParameters } from './parameters.ts';

/** One part of a multipart body (RFC 2046 section 5.1). */
export interface BodyPart {
  readonly headers: Headers;
  readonly body: Buffer;
}

/** Bounds of one multipart body; boundary as RFC 2046 section 5.1.1 bounds it. */
export const multipartLimits = { parts: 8, partHeaders: 16, headBytes: 4_096, boundary: 70 } as const;

const lineEnd = Buffer.from('\r\n');
const headEnd = Buffer.from('\r\n\r\n');

/** The boundary that a Content-Type of the type multipart names. */
export function boundaryOf(contentType: string): string | undefined {
  const semicolon = contentType.indexOf(';');
  if (semicolon < 0) return undefined;
  const boundary = parseParameters(contentType, semicolon)?.get('boundary');
  if (boundary === undefined || boundary === '' || boundary.length > multipartLimits.boundary)
    return undefined;
  return boundary;
}

/** Takes a multipart body apart, octet for octet; undefined when it is not one, is not closed, or is too much. */
export function parseMultipart(body: Buffer, boundary: string): BodyPart[] | undefined {
  const delimiter = Buffer.from(`--${boundary}`);
  const parts: BodyPart[] = [];
  let at = delimiterAt(body, delimiter, 0);
  while (at >= 0) {
    const behind = at + delimiter.length;
    if (body[behind] === 45 && body[behind + 1] === 45) return parts.length === 0 ? undefined : parts;
    const from = restOfLine(body, behind);
    if (from < 0 || parts.length >= multipartLimits.parts) return undefined;
    const next = delimiterAt(body, delimiter, from);
    if (next < 0) return undefined;
    // The CRLF in front of a delimiter belongs to the delimiter.
    const part = parsePart(body.subarray(from, Math.max(from, next - lineEnd.length)));
    if (part === undefined) return undefined;
    parts.push(part);
    at = next;
  }
  return undefined;
}

/** Where the next delimiter begins that stands at the begin of a line. */
function delimiterAt(body: Buffer, delimiter: Buffer, from: number): number {
  let at = body.indexOf(delimiter, from);
  while (at > 0 && !(at === from || (body[at - 1] === 10 && body[at - 2] === 13))) {
    at = body.indexOf(delimiter, at + 1);
  }
  return at;
}

/** The begin of the line behind blanks that end this one (RFC 2046: transport padding). */
function restOfLine(body: Buffer, from: number): number {
  let at = from;
  while (at < body.length && isBlank(body[at]!)) at++;
  return body[at] === 13 && body[at + 1] === 10 ? at + lineEnd.length : -1;
}

function parsePart(bytes: Buffer): BodyPart | undefined {
  const headers = new Headers();
  if (bytes[0] === 13 && bytes[1] === 10) return { headers, body: bytes.subarray(lineEnd.length) };
  const end = bytes.subarray(0, multipartLimits.headBytes).indexOf(headEnd);
  if (end < 0) return undefined;
  const lines = bytes.toString('utf8', 0, end).split('\r\n');
  if (lines.length > multipartLimits.partHeaders) return undefined;
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon <= 0) return undefined;
    headers.add(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  return { headers, body: bytes.subarray(end + headEnd.length) };
}
