import type { LogFields } from '../core/logger.ts';
import { maskDigits, maskNumber } from '../core/mask.ts';
import { remembered } from '../core/remembered.ts';

/** Limits on one log line. */
export const lineLimits = {
  /** Longest text of one field, characters. */
  text: 256,
  /** Most entries of a list. */
  entries: 8,
  /** Most fields. */
  fields: 24,
  /** All values together, bytes of JSON; what is beyond is cut. */
  total: 1_536,
} as const;

const hidden = '[private]';

/** Parts of a field's name that make its value private, whatever it is. Compared in lower case without `_` and `-`. */
const privateParts = [
  'password',
  'passcode',
  'secret',
  'token',
  'authorization',
  'credential',
  'apikey',
  'signature',
  'signedurl',
  'transcript',
  'utterance',
  'parameters',
] as const;

/** Names that are private only as a whole, unless the value is a small number: how many digits is no secret. */
const privateNames = new Set(['otp', 'pin', 'digits', 'dtmf', 'text', 'body', 'sdp']);

/** Names whose value is somebody's number: masked although the caller should have done so. */
const numberNames = new Set([
  'caller',
  'callerid',
  'called',
  'callednumber',
  'callednumbers',
  'from',
  'to',
  'number',
  'phone',
  'user',
]);

// C0, DEL, C1, line and paragraph separators, and the marks that turn text around: none belongs in a terminal.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for.
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const e164 = /\+\d{7,15}/g;
const uriNumber = /\b(sips?:|tel:)(\+?\d{7,})/gi;
/** A key of SRTP as SDP has it (RFC 4568 section 9.1). */
const inlineKey = /\binline:[\w+/=|^:-]+/gi;
/** Text in which nothing of all this can be: no `+`, no `:`, and printable. */
const harmless = /^[ -*,-9;-~]*$/;
const query = /\b((?:https?|wss?):\/\/[^\s?#]*)[?#]\S*/gi;

/** Constant text goes through unchanged; anything else that got into a message is made harmless. */
export function cleanMessage(message: string): string {
  return cleanText(message);
}

/** The fields as they may be written: private ones hidden, numbers masked, control characters replaced, all bounded. */
export function cleanFields(fields: LogFields): LogFields {
  const clean: Record<string, LogFields[string]> = {};
  let room: number = lineLimits.total;
  let count = 0;
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (count++ >= lineLimits.fields || room <= 0) break;
    const key = keyOf(name);
    const fitted = cut(cleanValue(key, value), room);
    room -= size(fitted);
    clean[key.shown] = fitted;
  }
  return clean;
}

/** What is known of a field by its name alone; names come from our own code, and are few. */
interface Key {
  readonly shown: string;
  readonly kind: 'private' | 'private-text' | 'code' | 'number' | 'plain';
}

const keyOf = remembered((name): Key => {
  const plain = name.toLowerCase().replace(/[_-]/g, '');
  return { shown: name.replace(control, '\ufffd').slice(0, 64), kind: kindOf(plain) };
}, 256);

function kindOf(plain: string): Key['kind'] {
  if (privateParts.some(part => plain.includes(part))) return 'private';
  if (privateNames.has(plain)) return 'private-text';
  if (plain === 'code') return 'code';
  return numberNames.has(plain) ? 'number' : 'plain';
}

/** Bytes of a value as JSON. */
function size(value: unknown): number {
  if (typeof value === 'string' && unescaped.test(value)) return value.length + 2;
  return Buffer.byteLength(JSON.stringify(value));
}

/** Text that is as long in JSON as it is. */
const unescaped = /^[ !#-[\]-~]*$/;

/** The value, cut when it would take more than `room` bytes: a character takes six at most, escaped. */
function cut<T extends LogFields[string]>(value: T, room: number): T | string | readonly string[] {
  if (size(value) <= room) return value;
  const most = Math.floor(room / 6);
  return typeof value === 'string' ? value.slice(0, most) : String(value).slice(0, most);
}

function cleanValue(
  { kind }: Key,
  value: string | number | boolean | null | readonly string[],
): string | number | boolean | null | readonly string[] {
  if (kind === 'private') return hidden;
  if (kind === 'private-text' && !(typeof value === 'number' && value < 1000)) return hidden;
  if (kind === 'code' && /^\d{4,10}$/.test(String(value)) && !isCloseCode(value)) return hidden;
  if (typeof value === 'string') return kind === 'number' ? maskDigits(cleanText(value)) : cleanText(value);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  return Array.from(value)
    .slice(0, lineLimits.entries)
    .map(entry => cleanText(String(entry)));
}

/** A number from 1000 to 4999 is how a WebSocket closes (RFC 6455 section 7.4); one-time codes come as text. */
const isCloseCode = (value: unknown): boolean => typeof value === 'number' && value >= 1000 && value < 5000;

function cleanText(text: string): string {
  const bounded = text.length > lineLimits.text ? `${text.slice(0, lineLimits.text)}…` : text;
  if (harmless.test(bounded)) return bounded;
  return bounded
    .replace(control, '\ufffd')
    .replace(inlineKey, 'inline:[private]')
    .replace(query, '$1?[private]')
    .replace(uriNumber, (_all, scheme: string, number: string) => scheme + maskNumber(number))
    .replace(e164, maskNumber);
}
