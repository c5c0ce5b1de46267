import {
  type CountryCode,
  isSupportedCountry,
  ParseError,
  parsePhoneNumberWithError,
  validatePhoneNumberLength,
} from 'libphonenumber-js';
import { Failure, fail, ok, type Result } from './errors.ts';

/** Longest text that is looked at, characters. */
const maxText = 64;

const reasons: Readonly<Record<string, string>> = {
  INVALID_COUNTRY: 'needs a + and the country code in front',
  TOO_SHORT: 'has too few digits for its country',
  TOO_LONG: 'has too many digits for its country',
  INVALID_LENGTH: 'does not have the length of a number of its country',
};
const notANumber = 'is not a phone number';

/**
 * A number as people and agents write it, made E.164. `country` (ISO 3166, two letters) is the one of numbers without a
 * country code. Fails with code `phone-number` and words that fit behind "Parameter To"; the number itself is not in
 * them. Length decides, not assignment: numbering plans grow faster than tables of them.
 */
export function toE164(text: string, country?: string): Result<string> {
  if (text.length > maxText) return refused(notANumber);
  const defaultCountry = countryOf(country);
  try {
    const number = parsePhoneNumberWithError(text.trim().replace(/^tel:/i, ''), {
      ...(defaultCountry === undefined ? {} : { defaultCountry }),
      extract: false,
    });
    if (number.ext !== undefined) return refused('has an extension, which cannot be reached');
    if (!number.isPossible())
      return refused(reasons[validatePhoneNumberLength(number.number) ?? ''] ?? notANumber);
    return ok(number.number);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    return refused(reasons[error.message] ?? notANumber);
  }
}

/** The country as libphonenumber names it, where it knows it. */
export function countryOf(text: string | undefined): CountryCode | undefined {
  const upper = text?.toUpperCase() ?? '';
  return isSupportedCountry(upper) ? upper : undefined;
}

const refused = (reason: string) => fail(new Failure('phone-number', reason));
