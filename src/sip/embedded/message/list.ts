import { quotedEnd, trimBlanks } from './characters.ts';

/** Parts of a comma list, trimmed, empty ones kept. Commas in quotes and between angle brackets do not part. */
export function splitParts(value: string): string[] {
  if (!value.includes(',')) return [trimBlanks(value)];
  const parts: string[] = [];
  let from = 0;
  let bracketed = false;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code === 34 && !bracketed) {
      const end = quotedEnd(value, i);
      if (end < 0) break;
      i = end - 1;
    } else if (code === 60) bracketed = true;
    else if (code === 62) bracketed = false;
    else if (code === 44 && !bracketed) {
      parts.push(trimBlanks(value, from, i));
      from = i + 1;
    }
  }
  parts.push(trimBlanks(value, from));
  return parts;
}

/** Elements of a comma list such as Supported or Require (RFC 3261 section 7.3.1), trimmed, without empty ones. */
export function splitList(value: string): string[] {
  return splitParts(value).filter(part => part !== '');
}
