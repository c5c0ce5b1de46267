import { isToken, quotedEnd, skipBlanks, unquote } from './characters.ts';

/** Parameters by lower-case name; `undefined` is a name without a value. Of a repeated name the first counts. */
export type Parameters = Map<string, string | undefined>;

/**
 * Reads `;name=value` from `from` to the end of `text` (generic-param of RFC 3261 section 25.1). Quoted values come
 * without their quotes. `undefined` when the text is anything else.
 */
export function parseParameters(text: string, from: number): Parameters | undefined {
  const parameters: Parameters = new Map();
  let at = skipBlanks(text, from);
  while (at < text.length) {
    if (text.charCodeAt(at) !== 59) return undefined;
    const start = skipBlanks(text, at + 1);
    let end = start;
    while (end < text.length && !endsName(text.charCodeAt(end))) end++;
    if (!isToken(text, start, end)) return undefined;
    const name = text.slice(start, end).toLowerCase();
    at = skipBlanks(text, end);
    let value: string | undefined;
    if (text.charCodeAt(at) === 61) {
      const begin = skipBlanks(text, at + 1);
      at = valueEnd(text, begin);
      if (at <= begin) return undefined;
      value = text.charCodeAt(begin) === 34 ? unquote(text.slice(begin, at)) : text.slice(begin, at);
      at = skipBlanks(text, at);
    }
    if (!parameters.has(name)) parameters.set(name, value);
  }
  return parameters;
}

/** True for blank, `;` and `=`. */
function endsName(code: number): boolean {
  return code === 59 || code === 61 || code === 32 || code === 9;
}

/** Index behind the value that begins at `from`; `from` when there is none, -1 for an open quote. */
function valueEnd(text: string, from: number): number {
  if (text.charCodeAt(from) === 34) return quotedEnd(text, from);
  let at = from;
  while (at < text.length && !endsValue(text.charCodeAt(at))) at++;
  return at;
}

/** Wider than token and host: peers send tags with `/`, `@` or UTF-8; what would end a header element stays out. */
function endsValue(code: number): boolean {
  return (
    code <= 32 || code === 34 || code === 44 || code === 59 || code === 60 || code === 62 || code === 127
  );
}
