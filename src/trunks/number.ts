import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { remembered } from '../core/remembered.ts';

/** Shortest run of digits without a `+` that is taken for a number with its country code, when no country is configured. */
const shortestInternational = 11;

/**
 * The number in E.164 when it can be made so for sure enough, else as given. With `+` (or `00`) it names its country
 * itself. Without, it is read as a number of `defaultCountry` first, then as one whose `+` was left out, which many
 * trunks do; there it must be a number that exists in its country's plan, because `1001` is an extension.
 */
export function canonicalNumber(given: string, defaultCountry?: string): string {
  let known = canonical.get(defaultCountry);
  if (known === undefined) {
    known = remembered(text => read(text, defaultCountry), rememberedNumbers);
    canonical.set(defaultCountry, known);
  }
  return known(given);
}

/**
 * What else a configured number may be called as: in E.164, by its own country or the one that holds otherwise; and, where
 * the number has a country of its own, as it is dialled there.
 */
export function spellings(number: string, own: string | undefined, otherwise: string | undefined): string[] {
  const canonical = canonicalNumber(number, own ?? otherwise);
  const national = own === undefined ? undefined : parsePhoneNumberFromString(canonical);
  return national?.country === own && national !== undefined
    ? [canonical, national.formatNational().replace(/\D/g, '')]
    : [canonical];
}

/** Numbers that are called come again with each call. */
const rememberedNumbers = 256;
/** By the default country; there are as many as a configuration names. */
const canonical = new Map<string | undefined, (given: string) => string>();

function read(given: string, defaultCountry: string | undefined): string {
  // RFC 3966 section 3: visual separators mean nothing, and parameters follow a semicolon.
  const plain = (given.split(';', 1)[0] ?? '').replace(/[\s().\u2010-\u2015/-]/g, '');
  if (!/^\+?\d{3,17}$/.test(plain)) return given;
  if (plain.startsWith('+') || plain.startsWith('00')) {
    const parsed = parsePhoneNumberFromString(plain.replace(/^00/, '+'));
    return parsed?.isPossible() === true ? parsed.number : given;
  }
  if (defaultCountry !== undefined && isSupportedCountry(defaultCountry)) {
    const parsed = parsePhoneNumberFromString(plain, defaultCountry as CountryCode);
    if (parsed?.isValid() === true) return parsed.number;
  }
  if (plain.length < shortestInternational) return given;
  const parsed = parsePhoneNumberFromString(`+${plain}`);
  return parsed?.isValid() === true ? parsed.number : given;
}
