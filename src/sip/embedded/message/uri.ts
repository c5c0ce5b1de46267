import { isIPv6 } from 'node:net';
import { remembered } from '../../../core/remembered.ts';
import {
  isDigits,
  isHostText,
  isToken,
  isUriText,
  isUserText,
  quotedEnd,
  skipBlanks,
  trimBlanks,
  unquote,
} from './characters.ts';
import { splitParts } from './list.ts';
import { type Parameters, parseParameters } from './parameters.ts';

/** A URI taken apart (RFC 3261 section 19.1). Of schemes other than sip, sips and tel only scheme and `userRaw` say anything. */
export interface SipUri {
  /** Lower case. Only `sip`, `sips` and `tel` are understood here. */
  readonly scheme: string;
  /** User part, unescaped once, without a password; the number of a tel URI; empty when there is none. */
  readonly user: string;
  /** User part as sent, without a password; of an unknown scheme everything behind the colon. */
  readonly userRaw: string;
  /** As sent; an IPv6 address without its brackets; empty in a tel URI or an unknown scheme. */
  readonly host: string;
  readonly port?: number;
  /** By lower-case name, values as sent. */
  readonly params: ReadonlyMap<string, string | undefined>;
  /** What stands behind `?`, as sent and never acted on; empty when there is none. */
  readonly headers: string;
}

/** name-addr or addr-spec with its header parameters (RFC 3261 section 20.10). */
export interface NameAddr {
  /** Without quotes and quoted-pairs; empty when there is none. */
  readonly displayName: string;
  readonly uri: SipUri;
  /** The URI as sent, without angle brackets. */
  readonly uriText: string;
  /** Header parameters such as `tag`, by lower-case name. */
  readonly params: ReadonlyMap<string, string | undefined>;
}

/** Host and port of a URI or of Via. */
export interface HostPort {
  readonly host: string;
  readonly port?: number;
}

/** URIs and addresses that are remembered, each. */
const rememberedTexts = 512;

/** Takes a URI apart; `undefined` when it is not one. */
export const parseUri = remembered(readUri, rememberedTexts);

function readUri(text: string): SipUri | undefined {
  const colon = text.indexOf(':');
  if (colon <= 0 || !isScheme(text, colon)) return undefined;
  const scheme = text.slice(0, colon).toLowerCase();
  const rest = text.slice(colon + 1);
  if (scheme === 'sip' || scheme === 'sips') return parseSip(scheme, rest);
  if (!isUriText(rest)) return undefined;
  if (scheme !== 'tel') {
    return { scheme, user: '', userRaw: rest, host: '', params: new Map(), headers: '' };
  }
  const semicolon = rest.indexOf(';');
  const number = semicolon < 0 ? rest : rest.slice(0, semicolon);
  const params = semicolon < 0 ? new Map<string, undefined>() : parseUriParameters(rest.slice(semicolon + 1));
  if (number === '' || params === undefined) return undefined;
  return { scheme, user: unescapeOnce(number), userRaw: number, host: '', params, headers: '' };
}

function isScheme(text: string, end: number): boolean {
  const first = text.charCodeAt(0) | 32;
  return first >= 97 && first <= 122 && isToken(text, 0, end);
}

function parseSip(scheme: string, rest: string): SipUri | undefined {
  // Neither parameters nor headers may hold an unescaped @, so the only one ends the userinfo, semicolons and all.
  const sign = rest.indexOf('@');
  const userinfo = sign < 0 ? '' : rest.slice(0, sign);
  if (sign >= 0 && !isUserText(userinfo)) return undefined;
  const password = userinfo.indexOf(':');
  const userRaw = password < 0 ? userinfo : userinfo.slice(0, password);
  if (sign >= 0 && userRaw === '') return undefined;
  const behind = rest.slice(sign + 1);
  const question = behind.indexOf('?');
  const headers = question < 0 ? '' : behind.slice(question + 1);
  const place = question < 0 ? behind : behind.slice(0, question);
  if (headers.includes('@') || (question >= 0 && !isUriText(headers))) return undefined;
  const semicolon = place.indexOf(';');
  const where = parseHostPort(semicolon < 0 ? place : place.slice(0, semicolon));
  const params =
    semicolon < 0 ? new Map<string, undefined>() : parseUriParameters(place.slice(semicolon + 1));
  if (where === undefined || params === undefined) return undefined;
  return { scheme, user: unescapeOnce(userRaw), userRaw, ...where, params, headers };
}

/** Reads `host`, `host:port`, `[v6]` and `[v6]:port`. */
export function parseHostPort(text: string): HostPort | undefined {
  let hostEnd = text.indexOf(':');
  let host: string;
  if (text.charCodeAt(0) === 91) {
    const bracket = text.indexOf(']');
    host = text.slice(1, bracket);
    if (bracket < 0 || !isIPv6(host) || host.includes('%')) return undefined;
    hostEnd = bracket + 1 < text.length ? bracket + 1 : -1;
    if (hostEnd > 0 && text.charCodeAt(hostEnd) !== 58) return undefined;
  } else {
    host = hostEnd < 0 ? text : text.slice(0, hostEnd);
    if (!isHostText(host)) return undefined;
  }
  if (hostEnd < 0) return { host };
  const digits = text.slice(hostEnd + 1);
  if (digits.length > 5 || !isDigits(digits)) return undefined;
  const port = Number(digits);
  return port > 65_535 ? undefined : { host, port };
}

/** Reads `name=value;name` of a URI. */
function parseUriParameters(text: string): Parameters | undefined {
  const params: Parameters = new Map();
  for (const part of text.split(';')) {
    const equals = part.indexOf('=');
    const name = (equals < 0 ? part : part.slice(0, equals)).toLowerCase();
    if (name === '' || part.includes('@') || !isUriText(part)) return undefined;
    if (!params.has(name)) params.set(name, equals < 0 ? undefined : part.slice(equals + 1));
  }
  return params;
}

/** Resolves each `%HH` once; what the octets mean together is UTF-8 (RFC 3261 section 19.1.2). */
function unescapeOnce(text: string): string {
  if (!text.includes('%')) return text;
  const octets: number[] = [];
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '%') {
      octets.push(Number.parseInt(text.slice(i + 1, i + 3), 16));
      i += 2;
    } else octets.push(text.charCodeAt(i));
  }
  return Buffer.from(octets).toString('utf8');
}

/** Reads one From, To, Contact, Route or P-Asserted-Identity value; `undefined` when it is not one. */
export const parseNameAddr = remembered(readNameAddr, rememberedTexts);

function readNameAddr(text: string): NameAddr | undefined {
  const start = skipBlanks(text, 0);
  if (text.charCodeAt(start) === 34) {
    const end = quotedEnd(text, start);
    if (end < 0) return undefined;
    return parseBracketed(text, skipBlanks(text, end), unquote(text.slice(start, end)));
  }
  const bracket = text.indexOf('<', start);
  if (bracket >= 0) {
    const displayName = trimBlanks(text, start, bracket);
    // Wider than the grammar's tokens: real telephones send names with & or é unquoted. A comma would be a list.
    if (/[",;>]/.test(displayName)) return undefined;
    return parseBracketed(text, bracket, displayName);
  }
  // RFC 3261 section 20: without brackets, parameters belong to the header, and ? and comma are not allowed.
  const semicolon = text.indexOf(';', start);
  const uriText = trimBlanks(text, start, semicolon < 0 ? text.length : semicolon);
  if (uriText.includes('?') || uriText.includes(',')) return undefined;
  const uri = parseUri(uriText);
  const params = parseParameters(text, semicolon < 0 ? text.length : semicolon);
  return uri && params && { displayName: '', uri, uriText, params };
}

function parseBracketed(text: string, from: number, displayName: string): NameAddr | undefined {
  const end = text.indexOf('>', from);
  if (text.charCodeAt(from) !== 60 || end < 0) return undefined;
  const uriText = text.slice(from + 1, end);
  const uri = parseUri(uriText);
  const params = parseParameters(text, end + 1);
  return uri && params && { displayName, uri, uriText, params };
}

/** Reads comma lists of name-addr, one or more header rows; `undefined` when an element is not one. */
export function parseNameAddrList(values: string | readonly string[]): NameAddr[] | undefined {
  const list: NameAddr[] = [];
  for (const value of typeof values === 'string' ? [values] : values) {
    for (const part of splitParts(value)) {
      const element = parseNameAddr(part);
      if (element === undefined) return undefined;
      list.push(element);
    }
  }
  return list;
}
