/**
 * A text as it is looked at: what only looks different is made the same (full-width and other scripts' digits, accents,
 * letters that look like Latin ones), and what is not seen is gone (zero-width characters, marks). `places` has for each
 * character where it came from.
 */
export interface ScannedText {
  readonly text: string;
  readonly places: readonly number[];
}

/** Nothing longer is looked at: more is no message of ours. */
export const longestText = 8_192;

const invisible = /^[\p{Cf}\p{M}\u115f\u1160\u17b4\u17b5\u3164\uffa0]$/u;
const blank = /^[\s\p{Cc}\u2800]$/u;
const digit = /^\p{Nd}$/u;
const dash = /^[\p{Pd}\u2212]$/u;

/** Digits in circles that have no simpler form: code point of the first, and its value. */
const circled: readonly (readonly [number, number, number])[] = [
  [0x24f5, 9, 1],
  [0x24ff, 1, 0],
  [0x2776, 9, 1],
  [0x2780, 9, 1],
  [0x278a, 9, 1],
  [0x1f10b, 1, 0],
  [0x1f10c, 1, 0],
];

/** Cyrillic and Greek letters that are taken for Latin ones. */
const lookAlikes = new Map(
  [
    ...'аaеeоoрpсcуyхxіiјjѕsԁdһhԛqԝwАAВBЕEКKМMНHОOРPСCТTХXУYІIЅSЈJαaεeοoρpιiνvΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧX',
  ].reduce<[string, string][]>((pairs, character, index, all) => {
    if (index % 2 === 0) pairs.push([character, all[index + 1] ?? '']);
    return pairs;
  }, []),
);

/** Looks at each character once: what it takes is bounded by the length. */
export function scan(raw: string): ScannedText {
  const characters: string[] = [];
  const places: number[] = [];
  let place = 0;
  for (const character of raw.slice(0, longestText)) {
    for (const plain of plainOf(character)) {
      characters.push(plain);
      places.push(place);
    }
    place += character.length;
  }
  return { text: characters.join(''), places };
}

/** What a character stands for, as UTF-16 units. */
function plainOf(character: string): readonly string[] {
  if (character >= ' ' && character <= '~') return [character];
  const found: string[] = [];
  for (const part of character.normalize('NFKD')) {
    if (invisible.test(part)) continue;
    const plain = plainPart(part);
    found.push(...plain.split(''));
  }
  return found;
}

function plainPart(part: string): string {
  if (blank.test(part)) return ' ';
  if (digit.test(part)) return String(digitValue(part.codePointAt(0) ?? 0));
  if (dash.test(part)) return '-';
  // IDNA takes these for the dot of a domain.
  if (part === '\u3002' || part === '\uff0e' || part === '\uff61') return '.';
  const alike = lookAlikes.get(part);
  if (alike !== undefined) return alike;
  const point = part.codePointAt(0) ?? 0;
  const circle = circled.find(([first, count]) => point >= first && point < first + count);
  return circle === undefined ? part : String(circle[2] + point - circle[0]);
}

/** Decimal digits come in rows of ten that begin with zero (Unicode 4.6): its place in the row is its value. */
function digitValue(point: number): number {
  let below = 0;
  while (below < 60 && digit.test(String.fromCodePoint(point - below - 1))) below += 1;
  return below % 10;
}
