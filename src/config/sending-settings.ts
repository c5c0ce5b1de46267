import { fail, ok, type Result } from '../core/errors.ts';
import { microsOf } from '../core/money.ts';
import type { Price } from '../tools/sending/costs.ts';
import type { FindingPolicy, SendingPolicy } from '../tools/sending/policy.ts';
import type { QuietHours } from '../tools/sending/quiet-hours.ts';
import { amount, choice, flag, integer, list, plused, type Reader, text } from './readers.ts';
import { setting, type Values } from './setting.ts';

/** The policy, but for `tool_access`, which is a section of its own. */
export type SendingSection = Omit<SendingPolicy, 'access'>;

const policies: readonly FindingPolicy[] = ['allow', 'flag', 'hold', 'block'];

/** `+4930901820`, or `+4930*` for all that begin so. */
export function numberPattern(given: string): Result<string, string> {
  return /^\+[1-9]\d{0,14}\*?$/.test(given)
    ? ok(given)
    : fail(`"${given}" is not a number; write it like +4930901820, or +4930* for all that begin so`);
}

/** Those of callers may also be extensions. */
const callerPattern = (given: string): Result<string, string> =>
  /^[\w.-]{1,64}$/.test(given) && !given.startsWith('0') ? ok(given) : numberPattern(given);

const country = (given: string): Result<string, string> =>
  /^[A-Z]{2}$/.test(given)
    ? ok(given)
    : fail(`"${given}" is not a country; write two capital letters, like DE`);

const domain = (given: string): Result<string, string> =>
  /^(?=.{4,253}$)([a-z0-9-]{1,63}\.)+[a-z][a-z0-9-]{1,62}$/.test(given)
    ? ok(given)
    : fail(`"${given}" is not a domain; write it like example.com, without https:// and in small letters`);

/** `sms +49 0.11`, `lookup 0.01`. */
function price(given: string): Result<Price, string> {
  const [, item = '', prefix = '', money = ''] =
    /^([a-z_]{2,40})(?:\s+(\+\d{1,15}))?\s+([\d.]+)$/.exec(given) ?? [];
  const micros = microsOf(money);
  return item === '' || micros === undefined
    ? fail(`"${given}" is not a price; write it like: sms +49 0.11`)
    : ok({ item, prefix, micros });
}

/** `21:00-08:00`; off: never. */
const quietHours: Reader<Pick<QuietHours, 'from' | 'to'> | 'off'> = raw => {
  const given = String(raw).trim().toLowerCase();
  if (given === 'off' || raw === false) return ok('off');
  const match = /^([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)$/.exec(given);
  if (match === null) return fail('must be off, or two times like 21:00-08:00');
  const [from = 0, fromMinute = 0, to = 0, toMinute = 0] = match.slice(1).map(Number);
  const times = { from: from * 60 + fromMinute, to: to * 60 + toMinute };
  return times.from === times.to ? fail('must be two different times') : ok(times);
};

const zone: Reader<string> = raw => {
  const given = String(raw).trim();
  if (given === 'recipient') return ok(given);
  try {
    return ok(new Intl.DateTimeFormat('en', { timeZone: given }).resolvedOptions().timeZone);
  } catch {
    return fail('must be recipient, or a time zone like Europe/Berlin');
  }
};

const many = integer(0, 1_000_000);
const content = (what: string, fallback: FindingPolicy) =>
  setting(choice(policies), {
    meaning: `What is done with a text that holds ${what}: allow, flag, hold or block.`,
    fallback,
  });

/** What agents may send and look at: docs/sending.md says what each does. */
export const sendingSettings = {
  'sending.allowed_recipients': setting(plused(list(numberPattern, true)), {
    meaning:
      'Numbers that messages (and calls of POST /v1/twilio/actions) may go to, +4930* for all that begin so; empty allows all that are not denied.',
  }),
  'sending.denied_recipients': setting(plused(list(numberPattern, true)), {
    meaning:
      'Numbers that they never go to, likewise. Premium, shared-cost and personal numbers are refused anyway.',
    fallback: '+870*, +878*, +881*, +882*, +883*, +979*',
  }),
  'sending.allowed_countries': setting(list(country, true), {
    meaning: 'Countries (ISO 3166) that they may go to; empty allows every country.',
  }),
  'sending.denied_countries': setting(list(country, true), {
    meaning: 'Countries that they never go to.',
  }),
  'sending.messages_per_call': setting(many, {
    meaning: 'Messages that may be sent in one call.',
    fallback: '5',
  }),
  'sending.messages_per_recipient_day': setting(many, {
    meaning: 'Messages that may go to one number in a day, over all calls.',
    fallback: '10',
  }),
  'sending.messages_per_day': setting(many, {
    meaning: 'Messages that may be sent in a day.',
    fallback: '500',
  }),
  'sending.money_per_call': setting(amount, {
    meaning: 'What messages and lookups of one call may cost, by sending.costs.',
    fallback: '1.00',
  }),
  'sending.money_per_day': setting(amount, { meaning: 'What those of a day may cost.', fallback: '50.00' }),
  'sending.currency': setting(text(/^[A-Z]{3}$/, 'three capital letters, like EUR'), {
    meaning: 'Currency of these amounts.',
    fallback: 'USD',
  }),
  'sending.costs': setting(list(price), {
    meaning:
      'What a piece costs, as "what number-prefix amount": a segment of an sms, one mms, whatsapp, verify, lookup or call. The ' +
      'longest prefix counts. Estimates on the high side, to be set to those of the account.',
    fallback:
      'sms 0.10, sms +1 0.012, mms 0.04, whatsapp 0.15, verify 0.15, lookup 0.01, call 0.30, call +1 0.05',
  }),
  'sending.quiet_hours': setting(quietHours, {
    meaning: 'Time of the day in which nothing is sent, like 21:00-08:00, or off.',
    fallback: 'off',
  }),
  'sending.quiet_zone': setting(zone, {
    meaning:
      "Time zone of sending.quiet_hours: recipient (that of the number's country; in one with several it is quiet while it is in " +
      'any) or a name like Europe/Berlin.',
    fallback: 'recipient',
  }),
  'sending.repeat_seconds': setting(integer(1, 3_600), {
    meaning:
      'Seconds in which the agent that sends the very same again gets the same answer, and nothing is sent.',
    fallback: '120',
  }),
  'sending.dry_run': setting(flag, {
    meaning: 'Whether the rules are applied as ever, but nothing is really sent.',
    fallback: 'false',
  }),
  'sending.content.card': content('a number of a payment card', 'block'),
  'sending.content.iban': content('an IBAN', 'hold'),
  'sending.content.national_id': content(
    'a number of a person (SSN, NINO, Steuer-ID, NIR, DNI, codice fiscale)',
    'hold',
  ),
  'sending.content.secret': content('a key, a token or a password', 'block'),
  'sending.content.code': content('something like a one-time code', 'hold'),
  'sending.content.link': content('a link that does not go to sending.allowed_domains', 'hold'),
  'sending.allowed_domains': setting(list(domain, true), {
    meaning: 'Domains that links may go to, with what is below them: example.com.',
  }),
  'tools.known_numbers': setting(plused(list(callerPattern, true)), {
    meaning: 'Callers of the tier known: numbers, +4930* for all that begin so, or names of extensions.',
  }),
  'tools.internal_numbers': setting(plused(list(callerPattern, true)), {
    meaning: 'Callers of the tier internal, likewise: they may see what is of the house.',
  }),
} as const;

/** The policy as the settings have it. */
export function sendingPolicyOf(values: Values<typeof sendingSettings>): SendingSection {
  const quiet = values['sending.quiet_hours'];
  const quietZone = values['sending.quiet_zone'];
  return {
    allowedRecipients: values['sending.allowed_recipients'] ?? [],
    deniedRecipients: values['sending.denied_recipients'],
    allowedCountries: values['sending.allowed_countries'] ?? [],
    deniedCountries: values['sending.denied_countries'] ?? [],
    messagesPerCall: values['sending.messages_per_call'],
    messagesPerRecipientDay: values['sending.messages_per_recipient_day'],
    messagesPerDay: values['sending.messages_per_day'],
    moneyPerCall: values['sending.money_per_call'],
    moneyPerDay: values['sending.money_per_day'],
    currency: values['sending.currency'],
    costs: values['sending.costs'],
    ...(quiet === 'off' ? {} : { quiet: quietZone === 'recipient' ? quiet : { ...quiet, zone: quietZone } }),
    repeatMs: values['sending.repeat_seconds'] * 1_000,
    dryRun: values['sending.dry_run'],
    findings: {
      card: values['sending.content.card'],
      iban: values['sending.content.iban'],
      national_id: values['sending.content.national_id'],
      secret: values['sending.content.secret'],
      code: values['sending.content.code'],
      link: values['sending.content.link'],
    },
    allowedDomains: values['sending.allowed_domains'] ?? [],
    knownNumbers: values['tools.known_numbers'] ?? [],
    internalNumbers: values['tools.internal_numbers'] ?? [],
  };
}
