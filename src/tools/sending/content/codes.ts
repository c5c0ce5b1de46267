import { type DigitGroup, type Word, wordsOf } from './digits.ts';

/** Words for a one-time code, in the languages that agents speak most, without accents. */
const names: ReadonlySet<string> = new Set(
  'code codes otp pin pins tan mtan passcode codigo codice kode kod cod token verification verify verifizierung clave'.split(
    ' ',
  ),
);
const endings = ['code', 'pin', 'tan', 'codes', 'kode'];
const beginnings = ['verif', 'einmal', 'bestatig', 'authent'];
/** A code of these kinds is none that opens anything. */
const harmless: ReadonlySet<string> = new Set(
  'zip postal post area country dialling dialing product error dress discount promo coupon voucher'.split(
    ' ',
  ),
);

const fewest = 4;
const most = 8;
/** How far a code may be from the word for it, characters. */
const nearby = 60;

/** Something that reads like a one-time code: four to eight digits by a word for one, or nothing but such digits. */
export function hasCode(text: string, runs: readonly (readonly DigitGroup[])[]): boolean {
  const candidates = runs.flatMap(codesOf);
  if (candidates.length === 0) return false;
  if (isNothingElse(text)) return true;
  const words = namesIn(text);
  return candidates.some(({ from, to }) =>
    words.some(word => word.from < to + nearby && from < word.from + word.lower.length + nearby),
  );
}

/** Digits of one code, and not a word besides. */
function isNothingElse(text: string): boolean {
  const words = [...wordsOf(text)].map(({ lower }) => lower);
  return words.join('').length <= most && words.every(word => /^[0-9]+$/.test(word));
}

/** Groups, and neighbouring groups together, of as many digits as a code has. */
function codesOf(run: readonly DigitGroup[]): { readonly from: number; readonly to: number }[] {
  const found: { from: number; to: number }[] = [];
  for (let first = 0; first < run.length; first += 1) {
    let length = 0;
    for (let next = first; next < run.length && length < most; next += 1) {
      length += run[next]?.digits.length ?? 0;
      if (length >= fewest && length <= most) {
        found.push({ from: run[first]?.from ?? 0, to: run[next]?.to ?? 0 });
      }
    }
  }
  return found;
}

function namesIn(text: string): readonly Word[] {
  let before = '';
  return [...wordsOf(text)].filter(({ lower }) => {
    const named =
      names.has(lower) ||
      (lower.length > 5 && endings.some(ending => lower.endsWith(ending))) ||
      beginnings.some(beginning => lower.startsWith(beginning));
    const found = named && !harmless.has(before);
    before = lower;
    return found;
  });
}
