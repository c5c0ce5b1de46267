import { numberWordValues } from './number-word-values.ts';

/** Digits in a row. */
export interface DigitGroup {
  readonly digits: string;
  /** Where it begins in the text, and the place behind it. */
  readonly from: number;
  readonly to: number;
}

/** So many number words in a row are digits that somebody spells. */
const fewestWords = 4;

const isDigit = (character: string): boolean => character >= '0' && character <= '9';
const wordCharacter = /^[\p{L}\p{N}]$/u;
export const isWord = (character: string): boolean =>
  character <= '\x7f' ? /^[A-Za-z0-9]$/.test(character) : wordCharacter.test(character);

/** Letters that are written for digits beside digits: `4l11`. */
const forDigits: Readonly<Record<string, string>> = { o: '0', O: '0', l: '1', I: '1' };

/**
 * Runs of groups of digits with nothing but signs and blanks between them; a word ends a run. Looks at each character a
 * bounded number of times.
 */
export function digitRuns(text: string): readonly (readonly DigitGroup[])[] {
  const runs: DigitGroup[][] = [];
  let run: DigitGroup[] = [];
  let from = -1;
  let digits = '';
  const endGroup = (to: number) => {
    if (digits !== '') run.push({ digits, from, to });
    digits = '';
  };
  for (let at = 0; at < text.length; at += 1) {
    const found = digitAt(text, at, digits !== '');
    if (found !== undefined) {
      if (digits === '') from = at;
      digits += found;
      continue;
    }
    endGroup(at);
    if (isWord(text[at] ?? '') && run.length > 0) {
      runs.push(run);
      run = [];
    }
  }
  endGroup(text.length);
  if (run.length > 0) runs.push(run);
  return runs;
}

function digitAt(text: string, at: number, inGroup: boolean): string | undefined {
  const character = text[at] ?? '';
  if (isDigit(character)) return character;
  const meant = forDigits[character];
  if (meant === undefined) return undefined;
  const next = text[at + 1] ?? '';
  return (inGroup && !/[A-Za-z]/.test(next)) || (inGroup && forDigits[next] !== undefined) || isDigit(next)
    ? meant
    : undefined;
}

/** The text with spelled digits as digits, where so many are spelled in a row that a number is meant. */
export function withSpelledDigits(text: string): string {
  const words = [...wordsOf(text)];
  let done = '';
  let at = 0;
  for (let first = 0; first < words.length; ) {
    let behind = first;
    while (behind < words.length && numberWordValues.has(words[behind]?.lower ?? '')) behind += 1;
    if (behind - first < fewestWords) {
      first = Math.max(behind, first + 1);
      continue;
    }
    for (const word of words.slice(first, behind)) {
      done += text.slice(at, word.from) + numberWordValues.get(word.lower);
      at = word.from + word.lower.length;
    }
    first = behind;
  }
  return done + text.slice(at);
}

/** A word of letters and digits, in lower case. */
export interface Word {
  readonly lower: string;
  readonly from: number;
}

export function* wordsOf(text: string): Generator<Word> {
  let from = -1;
  for (let at = 0; at <= text.length; at += 1) {
    const inside = at < text.length && isWord(text[at] ?? '');
    if (inside && from < 0) from = at;
    if (!inside && from >= 0) {
      yield { lower: text.slice(from, at).toLowerCase(), from };
      from = -1;
    }
  }
}

/** Digits of neighbouring groups together, `least` to `most` of them; also within one long group. Bounded in number. */
export function* windows(
  runs: readonly (readonly DigitGroup[])[],
  least: number,
  most: number,
): Generator<string> {
  for (const run of runs) {
    for (let first = 0; first < run.length; first += 1) {
      let digits = '';
      for (let next = first; next < run.length && digits.length < most; next += 1) {
        digits += run[next]?.digits ?? '';
        if (digits.length >= least && digits.length <= most) yield digits;
      }
    }
    for (const { digits } of run) yield* within(digits, least, most);
  }
}

function* within(digits: string, least: number, most: number): Generator<string> {
  if (digits.length <= least) return;
  for (let at = 0; at + least <= digits.length; at += 1) {
    for (let length = least; length <= most && at + length <= digits.length; length += 1) {
      yield digits.slice(at, at + length);
    }
  }
}
