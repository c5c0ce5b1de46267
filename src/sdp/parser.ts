import { Failure, fail, ok, type Result } from '../core/errors.ts';
import { unicastFamily } from './address.ts';
import type { Attribute, Connection, MediaDescription, Origin, SessionDescription } from './description.ts';
import { type SdpLimits, sdpLimits } from './limits.ts';

type Mutable<T> = { -readonly [name in keyof T]: T[name] };
type Draft = Mutable<Omit<MediaDescription, 'attributes'>> & { attributes: Attribute[] };

interface Session {
  origin?: Origin;
  name?: string;
  timing?: string;
  connection?: Connection;
  readonly attributes: Attribute[];
  readonly media: Draft[];
}

/**
 * Parses SDP strictly in what matters here: versions, ports, addresses, limits. Lines may end in LF alone and the last
 * one may lack its end; unknown lines are skipped. Fails with code `bad-offer` and a sentence.
 */
export function parseSdp(text: string, limits: SdpLimits = sdpLimits): Result<SessionDescription> {
  if (text.length > limits.bytes || Buffer.byteLength(text) > limits.bytes) return bad('it is too long');
  const lines = text.split('\n', limits.lines + 2);
  if (lines.length > 1 && lines.at(-1) === '') lines.pop();
  if (lines.length > limits.lines) return bad('it has too many lines');
  const session: Session = { attributes: [], media: [] };
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!.endsWith('\r') ? lines[i]!.slice(0, -1) : lines[i]!;
    // Some peers close the text with empty lines.
    if (i > 0 && line === '' && isRestEmpty(lines, i)) break;
    const trouble = i === 0 ? versionTrouble(line) : readLine(line, session, limits);
    if (trouble !== undefined) return bad(trouble);
  }
  return finish(session);
}

function bad(what: string): Result<never> {
  return fail(new Failure('bad-offer', `The session description is malformed: ${what}.`));
}

function isRestEmpty(lines: readonly string[], from: number): boolean {
  for (let i = from; i < lines.length; i++) if (lines[i] !== '' && lines[i] !== '\r') return false;
  return true;
}

function versionTrouble(line: string): string | undefined {
  return line === 'v=0' ? undefined : 'it does not begin with v=0';
}

/** Reads one line into `session`. Returns what is wrong with it. */
function readLine(line: string, session: Session, limits: SdpLimits): string | undefined {
  if (line.length > limits.lineBytes || Buffer.byteLength(line) > limits.lineBytes)
    return 'a line is too long';
  if (line.charCodeAt(1) !== 61 || !isLower(line.charCodeAt(0))) return 'a line is not of the form x=';
  if (hasControl(line)) return 'a line has a control character';
  const value = line.slice(2);
  const media = session.media.at(-1);
  switch (line[0]) {
    case 'v':
      return 'it has a second v= line';
    case 'o':
      return readOrigin(value, session);
    case 's':
      if (session.name !== undefined) return 'it has a second s= line';
      session.name = value;
      return undefined;
    case 't':
      return readTiming(value, session);
    case 'c':
      return readConnection(value, media ?? session);
    case 'm':
      return readMedia(value, session.media, limits);
    case 'a':
      return readAttribute(value, (media ?? session).attributes);
    default:
      return undefined;
  }
}

function isLower(code: number): boolean {
  return code >= 97 && code <= 122;
}

function hasControl(line: string): boolean {
  for (let i = 0; i < line.length; i++) {
    const code = line.charCodeAt(i);
    if ((code < 32 && code !== 9) || code === 127) return true;
  }
  return false;
}

function isNumber(text: string | undefined, digits: number): text is string {
  if (text === undefined || text.length === 0 || text.length > digits) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 48 || code > 57) return false;
  }
  return true;
}

function readOrigin(value: string, session: Session): string | undefined {
  const [user, sessionId, version, network, family, address, ...more] = value.split(' ');
  if (session.origin !== undefined) return 'it has a second o= line';
  if (user === undefined || address === undefined || address === '' || more.length > 0)
    return 'o= lacks a part';
  if (!isNumber(sessionId, 40) || !isNumber(version, 40)) return 'o= has no numbers';
  if (network !== 'IN' || (family !== 'IP4' && family !== 'IP6')) return 'o= is not of the Internet';
  session.origin = { user, sessionId, version, address };
  return undefined;
}

function readTiming(value: string, session: Session): string | undefined {
  const [from, to, ...more] = value.split(' ');
  if (!isNumber(from, 20) || !isNumber(to, 20) || more.length > 0) return 't= is not two numbers';
  session.timing ??= value;
  return undefined;
}

function readConnection(value: string, owner: { connection?: Connection }): string | undefined {
  const [network, named, address = '', ...more] = value.split(' ');
  if (network !== 'IN' || more.length > 0) return 'c= is not of the Internet';
  // A TTL or a range of addresses (RFC 8866 section 5.7) belongs to multicast, and no literal holds a slash.
  const family = unicastFamily(address);
  if (family === undefined || named !== `IP${family}`) return 'c= has no unicast address';
  owner.connection ??= { family, address };
  return undefined;
}

function readMedia(value: string, media: Draft[], limits: SdpLimits): string | undefined {
  if (media.length >= limits.mediaLines) return 'it has too many m= lines';
  const [kind = '', ports = '', protocol = '', ...formats] = value.split(' ');
  if (formats.length > limits.payloadTypes) return 'an m= line has too many formats';
  const slash = ports.indexOf('/');
  const port = slash < 0 ? ports : ports.slice(0, slash);
  if (!isNumber(port, 5) || Number(port) > 65_535) return 'an m= line has no port';
  if (slash >= 0 && !isNumber(ports.slice(slash + 1), 5)) return 'an m= line has no port';
  if (kind === '' || protocol === '' || formats.length === 0 || formats.includes('')) {
    return 'an m= line lacks a part';
  }
  media.push({ media: kind, port: Number(port), protocol, formats, attributes: [] });
  return undefined;
}

function readAttribute(value: string, attributes: Attribute[]): string | undefined {
  const colon = value.indexOf(':');
  const name = colon < 0 ? value : value.slice(0, colon);
  if (name === '') return 'an a= line has no name';
  attributes.push(colon < 0 ? { name } : { name, value: value.slice(colon + 1) });
  return undefined;
}

function finish(session: Session): Result<SessionDescription> {
  const { origin, name, connection, timing = '0 0', attributes, media } = session;
  if (origin === undefined) return bad('o= is missing');
  if (name === undefined) return bad('s= is missing');
  const unplaced = media.some(each => each.port !== 0 && (each.connection ?? connection) === undefined);
  if (unplaced) return bad('c= is missing');
  return ok({ origin, name, timing, attributes, media, ...(connection === undefined ? {} : { connection }) });
}
