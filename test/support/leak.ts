/** A text that somebody could read, and where. */
export interface Place {
  readonly where: string;
  readonly text: string;
}

/** What must not be there, in digits. */
export interface Secret {
  readonly what: 'code' | 'number';
  readonly digits: string;
}

/** A secret that was found where it may not be. */
export interface Sighting {
  readonly where: string;
  readonly what: Secret['what'];
  /** How it was written there. */
  readonly as: string;
}

/** Most characters that may stand between two digits for them still to be read as one number. */
const between = 3;

const digitWords = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
const wordPattern = new RegExp(`oh|${digitWords.join('|')}`, 'gi');

/** The text as it is, and as whoever undoes one of the usual ways to write it reads it. */
export const readings: Readonly<Record<string, (text: string) => string>> = {
  plain: text => text,
  percent: text => text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => character(hex)),
  unicode: text =>
    text
      .replace(/\\u\{?([0-9a-f]{2,6})\}?|\\x([0-9a-f]{2})/gi, (_, wide?: string, narrow?: string) =>
        character(wide ?? narrow ?? ''),
      )
      .replace(/&#x([0-9a-f]+);/gi, (_, hex: string) => character(hex))
      .replace(/&#(\d+);/g, (_, decimal: string) => String.fromCodePoint(Number(decimal))),
  base64: text => decodedRuns(text, /[A-Za-z0-9+/_-]{6,}/g, 4, run => Buffer.from(run, 'base64')),
  hex: text => decodedRuns(text, /(?:[0-9a-f]{2}){4,}/gi, 1, run => Buffer.from(run, 'hex')),
  wide: text => text.normalize('NFKC'),
  words: text =>
    text.replace(wordPattern, word => String(digitWords.indexOf(word.toLowerCase().replace(/^oh$/, 'zero')))),
};

function character(hex: string): string {
  const code = Number.parseInt(hex, 16);
  return code <= 0x10_ff_ff ? String.fromCodePoint(code) : '';
}

/** Every run that looks encoded, decoded from each of its first `phases` characters. */
function decodedRuns(text: string, runs: RegExp, phases: number, decode: (run: string) => Buffer): string {
  return [...text.matchAll(runs)]
    .flatMap(([run]) =>
      Array.from({ length: phases }, (_, from) => decode(run.slice(from)).toString('latin1')),
    )
    .join('\n');
}

/** Every secret in every place, in any reading: raw, spaced out, encoded, a number also without its country. */
export function sightings(places: readonly Place[], secrets: readonly Secret[]): Sighting[] {
  return places.flatMap(({ where, text }) =>
    Object.entries(readings).flatMap(([as, read]) => {
      const readable = read(text);
      return secrets
        .filter(({ digits }) => spaced(digits).test(readable))
        .map(({ what }) => ({ where, what, as }));
    }),
  );
}

const spaced = (digits: string) => new RegExp([...digits].join(`[^0-9]{0,${between}}`));

/** A number as secrets: in E.164, and in the form that people of its country use. */
export function numberSecrets(e164: string, countryDigits: number): Secret[] {
  const digits = e164.replace(/\D/g, '');
  return [
    { what: 'number', digits },
    { what: 'number', digits: digits.slice(countryDigits) },
  ];
}

/** The ways in which a leak could be written; each must be found. */
export const disguises: Readonly<Record<string, (digits: string) => string>> = {
  raw: digits => `a ${digits} b`,
  spaced: digits => [...digits].join(' '),
  grouped: digits => digits.replace(/(\d{3})(?=\d)/g, '$1) -'),
  percent: digits => [...digits].map(digit => `%3${digit}`).join(''),
  unicode: digits => [...digits].map(digit => `\\u003${digit}`).join(''),
  entity: digits => [...digits].map(digit => `&#${48 + Number(digit)};`).join(''),
  base64: digits => `x=${Buffer.from(`Code=${digits}&`).toString('base64')}`,
  base64url: digits => Buffer.from(`{"To":"+${digits}"}`).toString('base64url'),
  words: digits => [...digits].map(digit => digitWords[Number(digit)]).join(' '),
  hex: digits => Buffer.from(digits).toString('hex'),
  'full width': digits => [...digits].map(digit => String.fromCodePoint(0xff10 + Number(digit))).join(''),
};
