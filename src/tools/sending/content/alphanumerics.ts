import { isWord } from './digits.ts';

/** The letters A to Z and digits of a text without what is between them. */
export interface Alphanumerics {
  /** In capitals. */
  readonly text: string;
  /** Whether the character stands right behind the one before it, with nothing between them. */
  readonly joined: readonly boolean[];
}

export function alphanumericsOf(text: string): Alphanumerics {
  const characters: string[] = [];
  const joined: boolean[] = [];
  let before = false;
  for (const character of text) {
    const plain = /^[A-Za-z0-9]$/.test(character);
    if (plain) {
      characters.push(character.toUpperCase());
      joined.push(before);
    }
    before = isWord(character);
  }
  return { text: characters.join(''), joined };
}

/** Pieces of a length that match a pattern for exactly that length, and neither begin nor end within a word. */
export function* pieces({ text, joined }: Alphanumerics, length: number, pattern: RegExp): Generator<string> {
  for (let at = 0; at + length <= text.length; at += 1) {
    if (joined[at] === true || joined[at + length] === true) continue;
    const piece = text.slice(at, at + length);
    if (pattern.test(piece)) yield piece;
  }
}
