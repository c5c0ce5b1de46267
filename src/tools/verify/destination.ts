import { callerNumber } from '../caller-number.ts';
import { person } from '../person.ts';
import type { ToolContext } from '../tool.ts';
import type { VerifyResult } from './outcomes.ts';

/** Whether the number is one that certainly belongs to the caller: the network vouches for it, or the operator's system. */
export function isOwnNumber(
  { facts, verifyNumber }: Pick<ToolContext, 'facts' | 'verifyNumber'>,
  to: string,
  country: string | undefined,
): boolean {
  return verifyNumber === to || callerNumber(facts, country) === to;
}

/** One address and nothing around it: no display name, no list, no comment. */
const email =
  /^[a-z0-9](?:[a-z0-9._+-]{0,62}[a-z0-9])?@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,63}$/i;

/** Whether a destination is an e-mail address, which never is certain to be the caller's. */
export const isEmail = (to: string): boolean => to.length <= 254 && email.test(to);

/** How a destination may be spoken of: a number by its last two digits, an address not at all. */
export function spoken(to: string): string {
  if (isEmail(to)) return 'that e-mail address';
  return `the number ending in ${to.slice(-2)}`;
}

const notAllowed = (gate: SendGate, message: string): VerifyResult => ({
  status: 'not_allowed',
  valid: false,
  gate,
  message: `${message} ${person}`,
});

/** What the gates say of a send: why it may be, or why not. */
export type SendGate =
  | 'own-number'
  | 'other-number'
  | 'not-allowed'
  | 'not-listed'
  | 'wrong-range'
  | 'wrong-country'
  | 'switched-off';

export const notConfigured: VerifyResult = {
  status: 'not_configured',
  valid: false,
  message: `Verification is not set up: the operator has to connect Twilio and set TWILIO_VERIFY_SERVICE_SID. ${person}`,
};

export const refusals = {
  'not-allowed': notAllowed(
    'not-allowed',
    'Codes go only to the number that the caller calls from, where the telephone network vouches for it; for others the ' +
      'operator has to both allow sends (trunkbridge twilio allow-sends) and set verify.destinations (listed or any).',
  ),
  'not-listed': notAllowed(
    'not-listed',
    'Codes go only to the numbers that the operator has listed (verify.listed_numbers).',
  ),
  'wrong-range': notAllowed(
    'wrong-range',
    'Codes are not sent to numbers of this kind (verify.denied_prefixes).',
  ),
  'wrong-country': notAllowed(
    'wrong-country',
    'Codes are not sent to the country of this number (verify.allowed_prefixes).',
  ),
  'switched-off': notAllowed(
    'switched-off',
    'The operator has switched off all sending (kill_switch). Do not try again.',
  ),
} as const satisfies Partial<Record<SendGate, VerifyResult>>;

/** What a dry run says in the place of a send and of a check. */
export const dryRun: VerifyResult = {
  status: 'dry_run',
  valid: false,
  message: `This is a dry run: nothing was sent, and no code can be right (verify.dry_run). ${person}`,
};
