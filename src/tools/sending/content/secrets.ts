import { isWord, wordsOf } from './digits.ts';

/** What keys and tokens of well-known services begin with. */
const prefixes = (
  'sk_live_ sk_test_ rk_live_ rk_test_ whsec_ sk- ghp_ gho_ ghs_ ghu_ ghr_ github_pat_ glpat- xoxb- xoxp- xoxa- xapp- AKIA ' +
  'ASIA AIza ya29. SG. npm_ pypi- hf_ dop_v1_ shpat_ eyJ key- AGE-SECRET-KEY-'
).split(' ');

/** Characters behind such a beginning that make it a secret. */
const fewestBehind = 12;
/** Hexadecimal digits in a row that are a key, a token or its digest; a word that long is none. */
const hexDigits = 32;
/** Characters of a word without any meaning that are a token. */
const randomWord = 24;
/** How far behind `bearer` or `password` its value may begin, characters. */
const nearby = 24;

/** Keys, tokens and passwords. Everything is looked for with bounded steps from each place. */
export function hasSecret(text: string): boolean {
  return (
    hasPrivateKey(text) ||
    prefixes.some(prefix => hasToken(text, prefix)) ||
    hasRandomWord(text) ||
    isAssigned(text)
  );
}

function hasPrivateKey(text: string): boolean {
  const upper = text.toUpperCase();
  for (let at = upper.indexOf('-BEGIN'); at >= 0; at = upper.indexOf('-BEGIN', at + 1)) {
    if (upper.slice(at, at + 48).includes('PRIVATE KEY')) return true;
  }
  return false;
}

const tokenCharacter = /^[A-Za-z0-9_+/=.-]$/;

function hasToken(text: string, prefix: string): boolean {
  for (let at = text.indexOf(prefix); at >= 0; at = text.indexOf(prefix, at + 1)) {
    if (at > 0 && isWord(text[at - 1] ?? '')) continue;
    const behind = text.slice(at + prefix.length, at + prefix.length + fewestBehind);
    if (behind.length === fewestBehind && [...behind].every(character => tokenCharacter.test(character)))
      return true;
  }
  return false;
}

/** A word of many hexadecimal digits, or one that mixes capitals, small letters and digits. */
function hasRandomWord(text: string): boolean {
  return text.split(/[^A-Za-z0-9_+/=-]/).some(word => {
    const hex = word.split(/[^0-9a-fA-F]/).some(part => part.length >= hexDigits && /[0-9]/.test(part));
    const behindSid = /^[A-Z]{2}[0-9a-f]{32}$/.test(word);
    if (hex || behindSid) return true;
    const digits = word.replace(/[^0-9]/g, '').length;
    return word.length >= randomWord && digits >= 2 && /[a-z]/.test(word) && /[A-Z]/.test(word);
  });
}

/** Words for a password, without accents. */
const passwords: ReadonlySet<string> = new Set(
  'password passwort passwd pwd kennwort passphrase contrasena parola senha wachtwoord motdepasse bearer secret'.split(
    ' ',
  ),
);
const between: ReadonlySet<string> = new Set('is ist es est lautet e was token the your key'.split(' '));

/** `password: x`, `your password is Tr0ub4dor`, `Bearer abc…`. */
function isAssigned(text: string): boolean {
  const words = [...wordsOf(text.replace(/mot de passe/gi, 'motdepasse  '))];
  const source = text.replace(/mot de passe/gi, 'motdepasse  ');
  return words.some(({ lower, from }, index) => {
    if (!passwords.has(lower)) return false;
    const behind = source.slice(from + lower.length, from + lower.length + nearby);
    const sign = /^[ "']{0,4}[:=]/.exec(behind);
    let next = index + 1;
    while (between.has(words[next]?.lower ?? '')) next += 1;
    const word = words[next];
    if (word === undefined || word.from - from - lower.length > nearby) return false;
    const value = valueAt(source, word.from);
    return value.length >= 4 && (sign !== null ? next === index + 1 : looksMade(value));
  });
}

/** All that is written at a place until the next blank. */
function valueAt(text: string, from: number): string {
  let to = from;
  while (to < text.length && text[to] !== ' ' && to - from < 128) to += 1;
  return text.slice(from, to).replace(/[.,;!?"')]{1,4}$/, '');
}

/** Not a word of a sentence: it has a digit or a sign, or capitals within. */
const looksMade = (value: string): boolean =>
  /[0-9]/.test(value) || /[^A-Za-z0-9'-]/.test(value) || /[a-z][A-Z]/.test(value);
