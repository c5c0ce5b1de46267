import { fail, ok, type Result } from '../core/errors.ts';
import type { VerifyPolicy } from '../tools/verify/policy.ts';
import { choice, flag, integer, list, plused } from './readers.ts';
import { setting, type Values } from './setting.ts';

/** The policy, and which tools are for verified callers alone. */
export type VerifySection = VerifyPolicy & { readonly requiredFor: readonly string[] };

/** Whom codes may go to. */
export const verifyDestinations = ['own', 'listed', 'any'] as const;

/** `+49`, the beginning of numbers. */
export function prefix(given: string): Result<string, string> {
  return /^\+[1-9]\d{0,14}$/.test(given)
    ? ok(given)
    : fail(`"${given}" is not a prefix; write it like +49, with plus and country code`);
}

const number = (given: string): Result<string, string> =>
  /^\+[1-9]\d{6,14}$/.test(given)
    ? ok(given)
    : fail(`"${given}" is not a number with plus and country code, like +4930901820`);

const toolName = (given: string): Result<string, string> =>
  /^\w{1,64}$/.test(given) ? ok(given) : fail(`"${given}" is not the name of a tool`);

/** What the operator allows of one-time codes: docs/otp.md says what each does to a call. */
export const verifySettings = {
  'verify.destinations': setting(choice(verifyDestinations), {
    meaning:
      "Whom codes may go to: own (the caller's own number), listed (those of verify.listed_numbers too) or any. The last " +
      'two also need `trunkbridge twilio allow-sends`.',
    fallback: 'own',
  }),
  'verify.listed_numbers': setting(plused(list(number, true)), {
    meaning: 'Numbers in E.164 that codes may go to with verify.destinations: listed.',
  }),
  'verify.allowed_prefixes': setting(plused(list(prefix, true)), {
    meaning: 'Beginnings of numbers that codes may go to, like +49; empty allows every country.',
  }),
  'verify.denied_prefixes': setting(plused(list(prefix, true)), {
    meaning:
      'Beginnings of numbers that codes never go to: satellite and international networks. Premium, shared-cost and ' +
      'personal numbers are refused anyway.',
    fallback: '+870, +878, +881, +882, +883, +979',
  }),
  'verify.sends_per_call': setting(integer(1, 100), {
    meaning: 'Codes that may be sent in one call.',
    fallback: '5',
  }),
  'verify.checks_per_call': setting(integer(1, 100), {
    meaning: 'Codes that may be checked in one call; Verify itself allows five of each code.',
    fallback: '15',
  }),
  'verify.sends_per_number_hour': setting(integer(1, 1000), {
    meaning: 'Codes that may go to one number in an hour, over all calls.',
    fallback: '5',
  }),
  'verify.sends_per_number_day': setting(integer(1, 1000), {
    meaning: 'Codes that may go to one number in a day, over all calls.',
    fallback: '10',
  }),
  'verify.sends_per_hour': setting(integer(1, 1_000_000), {
    meaning: 'Codes that may be sent in an hour, to whomever.',
    fallback: '200',
  }),
  'verify.sends_per_day': setting(integer(1, 1_000_000), {
    meaning: 'Codes that may be sent in a day, to whomever.',
    fallback: '1000',
  }),
  'verify.resend_seconds': setting(integer(5, 600), {
    meaning: 'Seconds in which the agent that asks for the same code again is told that it is on its way.',
    fallback: '30',
  }),
  'verify.landline_call': setting(flag, {
    meaning: 'Whether a landline is called with the code where the agent asked for a text.',
    fallback: 'true',
  }),
  'verify.secure_keypad': setting(flag, {
    meaning:
      'Whether digits keyed while a code is pending go straight to the check, with the agent hearing neither digits nor tones.',
    fallback: 'true',
  }),
  'verify.required_for': setting(list(toolName, true), {
    meaning: 'Tools that run for verified callers alone, by their names, like transfer_to_number.',
  }),
  'verify.dry_run': setting(flag, {
    meaning: 'Whether the rules are applied as ever, but nothing is really sent or checked.',
    fallback: 'false',
  }),
} as const;

/** What is set and comes to nothing: a code goes to others than the caller only where two settings say so. */
export function verifyNotes({
  destinations,
  listedNumbers,
}: Pick<VerifyPolicy, 'destinations' | 'listedNumbers'>): string[] {
  const notes: string[] = [];
  if (destinations !== 'own') {
    notes.push(
      `verify.destinations is ${destinations}: codes go to callers' own numbers alone until agents may send on their own ` +
        '(trunkbridge twilio allow-sends).',
    );
  }
  if (destinations === 'listed' && listedNumbers.length === 0) {
    notes.push('verify.destinations is listed, and there is no number in verify.listed_numbers.');
  }
  return notes;
}

/** The policy as the settings have it. */
export function verifyPolicyOf(values: Values<typeof verifySettings>): VerifySection {
  return {
    destinations: values['verify.destinations'],
    listedNumbers: values['verify.listed_numbers'] ?? [],
    allowedPrefixes: values['verify.allowed_prefixes'] ?? [],
    deniedPrefixes: values['verify.denied_prefixes'],
    sendsPerCall: values['verify.sends_per_call'],
    checksPerCall: values['verify.checks_per_call'],
    sendsPerNumberHour: values['verify.sends_per_number_hour'],
    sendsPerNumberDay: values['verify.sends_per_number_day'],
    sendsPerHour: values['verify.sends_per_hour'],
    sendsPerDay: values['verify.sends_per_day'],
    resendAfterMs: values['verify.resend_seconds'] * 1000,
    landlineCall: values['verify.landline_call'],
    secureKeypad: values['verify.secure_keypad'],
    dryRun: values['verify.dry_run'],
    requiredFor: values['verify.required_for'] ?? [],
  };
}
