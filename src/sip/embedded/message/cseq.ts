import { isBlank, isDigits, isToken, trimBlanks } from './characters.ts';

/** CSeq (RFC 3261 section 20.16). */
export interface CSeq {
  /** 0..2^31-1 */
  readonly number: number;
  readonly method: string;
}

/** Reads a CSeq value; `undefined` when it is not one or its number is 2^31 or more (RFC 3261 section 8.1.1.5). */
export function parseCSeq(value: string): CSeq | undefined {
  let end = 0;
  while (end < value.length && !isBlank(value.charCodeAt(end))) end++;
  const digits = value.slice(0, end);
  const method = trimBlanks(value, end);
  if (!isDigits(digits) || digits.length > 10 || !isToken(method)) return undefined;
  const number = Number(digits);
  return number > 0x7fff_ffff ? undefined : { number, method };
}
