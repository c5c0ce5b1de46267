import { maskNumber } from '../core/mask.ts';
import { longName } from './embedded/message/headers.ts';
import { splitParts } from './embedded/message/list.ts';

/** What is written where a secret stood. */
const hidden = '[private]';

/** Digits from which on a run is somebody's number. */
const fewestDigits = 7;
/** The digits at the end of a number that are looked for wherever they stand: no country has longer ones of its own. */
const nationalDigits = 9;
/** What people write between the digits of a number, at most. */
const gap = '[^0-9]{0,3}';

/** Headers of the protocol's own bookkeeping: long runs of digits in them are no numbers. */
const bookkeeping = new Set([
  ...['via', 'call-id', 'cseq', 'max-forwards', 'content-length', 'content-type', 'content-encoding'],
  ...['expires', 'min-expires', 'session-expires', 'min-se', 'rseq', 'rack', 'timestamp', 'date'],
  ...['allow', 'accept', 'supported', 'require', 'unsupported', 'proxy-require', 'allow-events', 'event'],
  ...['user-agent', 'server', 'retry-after', 'in-reply-to', 'x-call-id', 'x-twilio-callsid'],
]);

/** Headers of which a value is kept to nobody's use but a thief's. */
const secretHeaders = new Set(['identity', 'user-to-user', 'encryption']);
const secretWords = ['token', 'auth', 'secret', 'signature', 'password', 'passwd', 'credential', 'cookie'];

/** Parameters of digest authentication that prove nothing (RFC 7616 sections 3.3 and 3.4). */
const openParameters = new Set(['realm', 'algorithm', 'qop', 'stale', 'uri', 'nc', 'charset', 'userhash']);
const digestHeaders = new Set([
  'authorization',
  'proxy-authorization',
  'www-authenticate',
  'proxy-authenticate',
]);

const uriUser = /\b(sips?|tel):([^\s<>"@,?]*)(@?)/gi;
const inlineKey = /\binline:[^\s;]*/gi;
const international = /\+\d(?:[ .()/-]{0,2}\d){6,}/g;
/** A run of digits that stands by itself; not part of an address, a port or a word. */
const run = /(?<![\w.:-])\(?\d(?:[ ()-]{0,2}\d){6,}(?!\w|\.\d)/g;
/** A run in the parameters of a user part, where nothing but a number is so long. */
const inParameters = /\+?\d(?:[ .()-]{0,2}\d){6,}/g;
/** The same in a header that may have parameters: those have long numbers of their own. */
const runOutsideParameters = /(?<![\w.:=-])\(?\d(?:[ ()-]{0,2}\d){6,}(?!\w|\.\d)/g;
// What would move the cursor of a terminal, turn its text around or end a line where none ends.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for.
const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e]/g;

/** Most numbers of one call that are remembered. */
const mostNumbers = 12;

/**
 * Takes credentials, keys, codes and phone numbers out of the SIP messages of one call, each by its value: every line
 * stays, and what is hidden is still seen to have been there. A number that was met once, in whatever header, is hidden
 * wherever its digits come again, in tags and SDP as well.
 */
export class LadderMask {
  /** Looks for numbers of this call by their last digits, with anything written between them. */
  readonly #known = new Map<string, RegExp>();

  /** `head` with its empty line, `body` as text. */
  mask(head: string, body: string): string {
    const [start = '', ...lines] = head.replace(control, '\ufffd').split('\r\n');
    let type = '';
    let name = '';
    const masked = lines.map(line => {
      const folded = line.startsWith(' ') || line.startsWith('\t');
      const colon = folded ? -1 : line.indexOf(':');
      if (!folded) name = longName(line.slice(0, Math.max(0, colon)).trim()).toLowerCase();
      const value = line.slice(colon + 1);
      if (name === 'content-type' && !folded) type = value.trim().toLowerCase();
      // A folded line of a secret is as secret, whatever it begins with.
      return folded ? this.#value(name, line) : `${line.slice(0, colon + 1)}${this.#value(name, value)}`;
    });
    const first = this.#numbers(this.#uris(start), international);
    const text = [first, ...masked].join('\r\n') + this.#body(type, body.replace(control, '\ufffd'));
    return this.#everywhere(text.replace(inlineKey, `inline:${hidden}`));
  }

  #value(name: string, value: string): string {
    if (digestHeaders.has(name)) return this.#uris(credentials(value));
    if (secretHeaders.has(name) || secretWords.some(word => name.includes(word)))
      return value.trim() === '' ? value : ` ${hidden}`;
    const text = this.#uris(value);
    if (bookkeeping.has(name)) return this.#numbers(text, international);
    const parametered = text.includes('<') || text.includes(';');
    return this.#numbers(this.#numbers(text, international), parametered ? runOutsideParameters : run);
  }

  /** The user part of every URI, escapes undone, when it is a number, and numbers in its parameters; its password always. */
  #uris(text: string): string {
    return text.replace(uriUser, (all, scheme: string, part: string, sign: string) => {
      const isTel = scheme.toLowerCase() === 'tel';
      if (!isTel && sign === '') return all;
      const end = part.search(isTel ? /;/ : /[:;]/);
      const user = unescaped(end < 0 ? part : part.slice(0, end));
      const rest = end < 0 ? '' : part.slice(end);
      const shown = digitsOf(user).length < fewestDigits ? user : this.#number(user);
      const more = rest.startsWith(':') ? `:${hidden}` : this.#numbers(rest, inParameters);
      return `${scheme}:${shown}${more}${sign}`;
    });
  }

  #numbers(text: string, what: RegExp): string {
    return text.replace(what, found => this.#number(found));
  }

  #number(written: string): string {
    const digits = digitsOf(written);
    const key = digits.slice(-nationalDigits);
    if (!this.#known.has(key) && this.#known.size < mostNumbers) {
      this.#known.set(key, new RegExp([...key].join(gap), 'g'));
    }
    return maskNumber(written.trim());
  }

  #everywhere(text: string): string {
    let masked = text;
    for (const pattern of this.#known.values()) masked = masked.replace(pattern, starred);
    return masked;
  }

  #body(type: string, body: string): string {
    if (body === '') return '';
    if (type.startsWith('application/sdp')) return this.#sdp(body);
    // RFC 3420: the beginning of a message, as NOTIFY tells of a transfer.
    if (type.startsWith('message/sipfrag')) return this.#numbers(this.#uris(body), international);
    if (type.startsWith('application/dtmf')) return digitsPressed(body);
    // Whatever it is, digits in it may be a code or a number.
    return this.#uris(body).replace(/\p{Nd}/gu, '*');
  }

  #sdp(body: string): string {
    const lines = body.split('\n');
    return lines.map(line => this.#sdpLine(line)).join('\n');
  }

  #sdpLine(line: string): string {
    const secret = /^(k=|a=(?:ice-pwd|ice-ufrag|key-mgmt|identity)\b:?)/i.exec(line)?.[0];
    if (secret !== undefined) return secret + hidden + (line.endsWith('\r') ? '\r' : '');
    const text = this.#numbers(this.#uris(line), international);
    return /^[siupe]=/.test(line) ? this.#numbers(text, run) : text;
  }
}

/** What a digest says but what proves it; anything of another scheme is hidden whole. */
function credentials(value: string): string {
  const [, lead = '', scheme = '', rest = ''] = /^(\s*)(\S+)(.*)$/s.exec(value) ?? [];
  if (scheme === '') return value;
  if (scheme.toLowerCase() !== 'digest') return `${lead}${hidden}`;
  if (rest.trim() === '') return value;
  const parts = splitParts(rest).map(part => {
    const equals = part.indexOf('=');
    const name = part.slice(0, Math.max(0, equals)).trim();
    if (openParameters.has(name.toLowerCase())) return part;
    return /^[\w-]{1,20}$/.test(name) ? `${name}="${hidden}"` : hidden;
  });
  return `${lead}${scheme} ${parts.join(', ')}`;
}

/** Keys that were pressed (RFC 6086 INFO as it is in use): they may be a code. */
function digitsPressed(body: string): string {
  if (!body.includes('=')) return body.replace(/[0-9A-D*#]/gi, '*');
  return body.replace(/^(\s*signal\s*=)([^\r\n]*)/gim, (_all, name: string) => `${name}*`);
}

/** All digits but the last two as stars; what stands between them, ends of lines too, stays. */
function starred(found: string): string {
  let left = digitsOf(found).length;
  return found.replace(/\d/g, digit => (left-- > 2 ? '*' : digit));
}

const digitsOf = (text: string): string => text.replace(/\D/g, '');

function unescaped(text: string): string {
  return text.replace(/%([0-7][0-9a-f])/gi, (all, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return /[0-9+() .-]/.test(character) ? character : all;
  });
}
