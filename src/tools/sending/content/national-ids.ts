import { type Alphanumerics, pieces } from './alphanumerics.ts';
import { type DigitGroup, windows, wordsOf } from './digits.ts';

type Runs = readonly (readonly DigitGroup[])[];

/** How far before a number a word still says what it is, characters. */
const nearby = 40;

/** Numbers that name a person: of the United States, Germany, France, Spain, the United Kingdom and Italy. */
export function hasNationalId(text: string, runs: Runs, plain: Alphanumerics): boolean {
  if (hasSsn(text, runs)) return true;
  for (const digits of windows(runs, 11, 11)) if (isSteuerId(digits)) return true;
  for (const digits of windows(runs, 15, 15)) if (isNir(digits)) return true;
  for (const piece of pieces(plain, 15, /^[1-478][0-9]{4}2[AB][0-9]{8}$/)) if (isNir(piece)) return true;
  for (const piece of pieces(plain, 9, /^(?:[0-9]{8}|[XYZ][0-9]{7})[A-Z]$/)) if (isDni(piece)) return true;
  for (const piece of pieces(plain, 9, ninoShape)) if (!ninoNever.has(piece.slice(0, 2))) return true;
  for (const piece of pieces(plain, 16, fiscalShape)) if (isCodiceFiscale(piece)) return true;
  return false;
}

/** It has no check digit: it is one by its form, 123-45-6789, or where the text calls nine digits one. */
function hasSsn(text: string, runs: Runs): boolean {
  const named = [...wordsOf(text)].filter(({ lower }) => lower === 'ssn' || lower === 'social');
  return runs.some(run =>
    run.some((group, at) => {
      const three = run.slice(at, at + 3).map(({ digits }) => digits);
      if (three.map(({ length }) => length).join() === '3,2,4' && isSsn(three.join(''))) return true;
      if (!named.some(({ from }) => from < group.from && group.from - from < nearby)) return false;
      const all = run.slice(at).reduce((sum, { digits }) => (sum.length < 9 ? sum + digits : sum), '');
      return all.length === 9 && isSsn(all);
    }),
  );
}

const isSsn = (digits: string): boolean =>
  !/^(?:000|666|9)/.test(digits) && digits.slice(3, 5) !== '00' && digits.slice(5) !== '0000';

/** ISO 7064 MOD 11,10; among the first ten digits exactly one is there twice or three times. */
function isSteuerId(digits: string): boolean {
  if (digits.startsWith('0')) return false;
  const counts = [...'0123456789'].map(value => digits.slice(0, 10).split(value).length - 1);
  const often = counts.filter(count => count > 1);
  if (often.length !== 1 || (often[0] ?? 0) > 3) return false;
  let product = 10;
  for (const digit of digits.slice(0, 10)) {
    const sum = (Number(digit) + product) % 10 || 10;
    product = (sum * 2) % 11;
  }
  return (11 - product) % 10 === Number(digits[10]);
}

/** The key is 97 less the rest of the number; Corsica's 2A and 2B count as 19 and 18. */
function isNir(piece: string): boolean {
  if (!/^[1-478]/.test(piece)) return false;
  const month = Number(piece.slice(3, 5));
  if (month === 0 || (month > 12 && month < 20) || (month > 42 && month < 50)) return false;
  const digits = piece.slice(0, 13).replace('2A', '19').replace('2B', '18');
  return 97 - (Number(digits) % 97) === Number(piece.slice(13));
}

const dniLetters = 'TRWAGMYFPDXBNJZSQVHLCKE';

function isDni(piece: string): boolean {
  const digits = piece.slice(0, 8).replace('X', '0').replace('Y', '1').replace('Z', '2');
  return dniLetters[Number(digits) % 23] === piece[8];
}

const ninoShape = /^[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][0-9]{6}[A-D]$/;
const ninoNever: ReadonlySet<string> = new Set(['BG', 'GB', 'KN', 'NK', 'NT', 'TN', 'ZZ']);

const fiscalShape = /^[A-Z]{6}[0-9]{2}[ABCDEHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z]$/;
/** Values of the characters at odd places, 0 to 9 and A to Z (D.M. 23/12/1976). */
const odd = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21];
const oddLetters = [
  1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
];

function isCodiceFiscale(piece: string): boolean {
  let sum = 0;
  for (let at = 0; at < 15; at += 1) {
    const value = Number.parseInt(piece[at] ?? '', 36);
    const letter = value - 10;
    if (at % 2 === 0) sum += (value > 9 ? oddLetters[letter] : odd[value]) ?? 0;
    else sum += value > 9 ? letter : value;
  }
  return piece.charCodeAt(15) - 65 === sum % 26;
}
