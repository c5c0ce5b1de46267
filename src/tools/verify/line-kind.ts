import { type NumberType, parsePhoneNumberFromString } from 'libphonenumber-js/max';

/** What a number costs and can do, as far as its numbering plan says. */
export type LineKind = 'premium' | 'landline' | 'other';

/** Numbers whose holder earns on calls and texts, or that are known for fraud. */
const premium: ReadonlySet<NumberType> = new Set(['PREMIUM_RATE', 'SHARED_COST', 'PERSONAL_NUMBER', 'PAGER']);

/** Of an E.164 number. Where a plan mixes landlines and mobiles (as in North America) it is `other`. */
export function lineKind(number: string): LineKind {
  const type = parsePhoneNumberFromString(number)?.getType();
  if (premium.has(type)) return 'premium';
  return type === 'FIXED_LINE' ? 'landline' : 'other';
}
