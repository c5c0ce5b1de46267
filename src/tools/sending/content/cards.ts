import { type DigitGroup, windows } from './digits.ts';

/** What numbers of cards begin with, both ends included, and how long they are (ISO/IEC 7812). */
const issuers: readonly (readonly [first: string, last: string, lengths: readonly number[]])[] = [
  ['4', '4', [13, 16, 19]],
  ['51', '55', [16]],
  ['2221', '2720', [16]],
  ['2200', '2204', [16]],
  ['34', '34', [15]],
  ['37', '37', [15]],
  ['300', '305', [14]],
  ['36', '36', [14]],
  ['38', '39', [14]],
  ['3528', '3589', [16, 17, 18, 19]],
  ['6011', '6011', [16, 17, 18, 19]],
  ['62', '62', [16, 17, 18, 19]],
  ['644', '659', [16, 17, 18, 19]],
  ['50', '50', [16, 18, 19]],
  ['56', '58', [16, 18, 19]],
  ['60', '69', [16, 18, 19]],
];

export function hasCard(runs: readonly (readonly DigitGroup[])[]): boolean {
  for (const digits of windows(runs, 13, 19)) if (isCard(digits)) return true;
  return false;
}

export function isCard(digits: string): boolean {
  const issued = issuers.some(([first, last, lengths]) => {
    const beginning = digits.slice(0, first.length);
    return lengths.includes(digits.length) && beginning >= first && beginning <= last;
  });
  return issued && luhn(digits);
}

/** ISO/IEC 7812-1 annex B. */
export function luhn(digits: string): boolean {
  let sum = 0;
  for (let at = 0; at < digits.length; at += 1) {
    const value = digits.charCodeAt(digits.length - 1 - at) - 48;
    const doubled = value * 2;
    sum += at % 2 === 0 ? value : doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
