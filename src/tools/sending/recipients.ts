import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import type { GateDecision } from '../../core/tool-facts.ts';
import { isEmail } from '../verify/destination.ts';
import { lineKind } from '../verify/line-kind.ts';
import { lists } from './number-list.ts';
import type { SendingPolicy } from './policy.ts';

export type RecipientPolicy = Pick<
  SendingPolicy,
  'allowedRecipients' | 'deniedRecipients' | 'allowedCountries' | 'deniedCountries'
>;

/** Whether anything may go to a number. Denied wins over allowed. An e-mail address has no country, and is no number of a list. */
export function recipientDecision(to: string, policy: RecipientPolicy): GateDecision {
  const refused = objection(to, policy);
  return refused === undefined
    ? { gate: 'recipient', decision: 'pass' }
    : { gate: 'recipient', decision: 'refuse', detail: refused };
}

function objection(to: string, policy: RecipientPolicy): string | undefined {
  const { allowedRecipients, deniedRecipients, allowedCountries, deniedCountries } = policy;
  if (isEmail(to)) return allowedRecipients.length > 0 ? 'not_allowed' : undefined;
  if (!/^\+[1-9]\d{5,14}$/.test(to)) return 'no_number';
  if (lineKind(to) === 'premium') return 'premium';
  if (lists(deniedRecipients, to)) return 'denied';
  if (allowedRecipients.length > 0 && !lists(allowedRecipients, to)) return 'not_allowed';
  const country = countryOfNumber(to);
  if (country !== undefined && deniedCountries.includes(country)) return 'denied_country';
  if (allowedCountries.length > 0 && !allowedCountries.includes(country ?? '')) return 'not_allowed_country';
  return undefined;
}

/** ISO 3166 country of an E.164 number, where its plan tells. */
export const countryOfNumber = (number: string): string | undefined =>
  parsePhoneNumberFromString(number)?.country;
