/** Character classes of RFC 3261 section 25.1 as bits of one table, so that a scan is a loop over char codes. */
const token = 1;
const user = 2;
const host = 4;
const uriText = 8;
const hex = 16;
const digit = 32;

const classes = new Uint8Array(128);

function mark(characters: string, bits: number): void {
  for (let i = 0; i < characters.length; i++) classes[characters.charCodeAt(i)]! |= bits;
}

const digits = '0123456789';
const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
mark(digits + letters, token | user | host | uriText);
mark("-.!%*_+`'~", token);
mark("-_.!~*'()%&=+$,;?/:", user);
mark('#', user); // Not in the grammar, but telephones send star codes such as *21# unescaped.
mark('-._', host);
mark("-_.!~*'()%&=+$,;?/:@[]#", uriText);
mark(`${digits}abcdefABCDEF`, hex);
mark(digits, digit);

function all(text: string, from: number, to: number, bits: number): boolean {
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    if (code > 127 || (classes[code]! & bits) === 0) return false;
  }
  return to > from;
}

/** True for a non-empty run of token characters. */
export function isToken(text: string, from = 0, to = text.length): boolean {
  return all(text, from, to, token);
}

/** True for one octet that may begin a token, and so a start line. */
export function isTokenCode(code: number): boolean {
  return code < 128 && (classes[code]! & token) !== 0;
}

export function isDigits(text: string): boolean {
  return all(text, 0, text.length, digit);
}

/** True for characters of userinfo whose `%` all begin an escape. */
export function isUserText(text: string): boolean {
  return all(text, 0, text.length, user) && escapesAreWhole(text);
}

/** True for characters that some URI may hold, whose `%` all begin an escape. */
export function isUriText(text: string): boolean {
  return all(text, 0, text.length, uriText) && escapesAreWhole(text);
}

export function isHostText(text: string): boolean {
  return all(text, 0, text.length, host);
}

function escapesAreWhole(text: string): boolean {
  for (let at = text.indexOf('%'); at >= 0; at = text.indexOf('%', at + 3)) {
    if (at + 3 > text.length || !all(text, at + 1, at + 3, hex)) return false;
  }
  return true;
}

/** Space or tab. */
export function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

/** Index of the first character at or behind `from` that is neither space nor tab. */
export function skipBlanks(text: string, from: number): number {
  let at = from;
  while (at < text.length && isBlank(text.charCodeAt(at))) at++;
  return at;
}

/** `text` between two indices without spaces and tabs at its ends. */
export function trimBlanks(text: string, from = 0, to = text.length): string {
  let end = to;
  const start = Math.min(skipBlanks(text, from), end);
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/**
 * Index behind the quoted-string that opens at `from`; -1 when it does not end. A backslash takes the character
 * behind it along, whatever it is (RFC 3261 section 25.1, quoted-pair).
 */
export function quotedEnd(text: string, from: number): number {
  for (let i = from + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 92) i++;
    else if (code === 34) return i + 1;
  }
  return -1;
}

/** Content of the quoted-string `text` from its opening to its closing quote, with quoted-pairs resolved. */
export function unquote(text: string): string {
  const inner = text.slice(1, -1);
  if (!inner.includes('\\')) return inner;
  let plain = '';
  for (let i = 0; i < inner.length; i++) {
    if (inner[i] === '\\' && i + 1 < inner.length) i++;
    plain += inner[i];
  }
  return plain;
}

function isControl(code: number): boolean {
  return (code < 32 && code !== 9) || code === 127;
}

/**
 * True when `value` may stand in a header field: no CR and no LF anywhere, and no other control character but tab
 * outside of a quoted-pair inside quotes, where RFC 3261 section 25.1 allows it.
 */
export function isFieldText(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    if (isControl(value.charCodeAt(i))) return controlsAreQuoted(value);
  }
  return true;
}

function controlsAreQuoted(value: string): boolean {
  let quoted = false;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code === 34) quoted = !quoted;
    else if (quoted && code === 92) {
      i++;
      const next = value.charCodeAt(i);
      if (next === 10 || next === 13) return false;
    } else if (isControl(code)) return false;
  }
  return !quoted;
}

/** `value` with a space in the place of every control character: fit to be echoed whatever it was. */
export function withoutControls(value: string): string {
  let text = '';
  for (let i = 0; i < value.length; i++) text += isControl(value.charCodeAt(i)) ? ' ' : value[i];
  return text;
}
