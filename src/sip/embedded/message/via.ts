import { remembered } from '../../../core/remembered.ts';
import { isToken, isUriText, skipBlanks, trimBlanks } from './characters.ts';
import { splitParts } from './list.ts';
import { parseParameters } from './parameters.ts';
import { parseHostPort } from './uri.ts';

/** One Via value (RFC 3261 section 20.42). */
export interface Via {
  /** Upper case: `TCP`, `TLS`, or whatever the peer wrote. */
  readonly transport: string;
  /** sent-by, as sent; an IPv6 address without its brackets. */
  readonly host: string;
  readonly port?: number;
  /** By lower-case name. */
  readonly params: ReadonlyMap<string, string | undefined>;
  /** As sent, the cookie included; absent from RFC 2543 peers. */
  readonly branch?: string;
}

/** Reads one Via value; `undefined` when it is not one. Blanks around `/`, `:` and `;` are allowed. */
export const parseVia = remembered(readVia, 512);

function readVia(value: string): Via | undefined {
  const first = value.indexOf('/');
  const second = value.indexOf('/', first + 1);
  if (first < 0 || second < 0) return undefined;
  if (trimBlanks(value, 0, first).toUpperCase() !== 'SIP') return undefined;
  if (trimBlanks(value, first + 1, second) !== '2.0') return undefined;
  const start = skipBlanks(value, second + 1);
  let end = start;
  while (end < value.length && value.charCodeAt(end) !== 32 && value.charCodeAt(end) !== 9) end++;
  if (!isToken(value, start, end)) return undefined;
  const semicolon = value.indexOf(';', end);
  const placeEnd = semicolon < 0 ? value.length : semicolon;
  const where = parseHostPort(sentBy(trimBlanks(value, end, placeEnd)));
  const params = parseParameters(value, placeEnd);
  if (where === undefined || params === undefined) return undefined;
  const branch = params.get('branch');
  return {
    transport: value.slice(start, end).toUpperCase(),
    ...where,
    params,
    ...(branch === undefined ? {} : { branch }),
  };
}

/** RFC 3261 section 25.1: COLON may have blanks on both sides. */
function sentBy(text: string): string {
  if (!text.includes(' ') && !text.includes('\t')) return text;
  const colon = text.lastIndexOf(':');
  return colon < 0 ? text : `${trimBlanks(text, 0, colon)}:${trimBlanks(text, colon + 1)}`;
}

/** Reads comma lists of Via, one or more header rows, topmost first; `undefined` when an element is not one. */
export function parseViaList(values: string | readonly string[]): Via[] | undefined {
  const list: Via[] = [];
  for (const value of typeof values === 'string' ? [values] : values) {
    for (const part of splitParts(value)) {
      const via = parseVia(part);
      if (via === undefined) return undefined;
      list.push(via);
    }
  }
  return list;
}

/** Writes a Via value. `params` alone decide what is written behind the address. */
export function formatVia(via: Via): string {
  const host = via.host.includes(':') ? `[${via.host}]` : via.host;
  let text = `SIP/2.0/${via.transport} ${host}`;
  if (via.port !== undefined) text += `:${via.port}`;
  for (const [name, value] of via.params) {
    text += value === undefined ? `;${name}` : `;${name}=${isPlain(value) ? value : quote(value)}`;
  }
  return text;
}

function isPlain(value: string): boolean {
  return isUriText(value) && !/[;,?=]/.test(value);
}

function quote(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
}
