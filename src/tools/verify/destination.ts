import type { PartyFacts } from '../../call/party.ts';
import type { Gates } from '../gates.ts';
import { toE164 } from '../phone-number.ts';
import type { VerifyResult } from './outcomes.ts';

/** What a verification tool may do with a number. */
export type Permission = 'own-number' | 'any-number' | 'not-allowed' | 'switched-off';

/** Whether the number is the one that the caller certainly calls from. */
export function isOwnNumber(facts: PartyFacts, to: string, country: string | undefined): boolean {
  if (!facts.callerTrusted) return false;
  const own = toE164(facts.callerId, country);
  return own.ok && own.value === to;
}

/** Reads the gates anew: the caller's own number passes without `allow_autonomous_sends`, nothing passes the kill switch. */
export async function permission(
  gates: Gates,
  facts: PartyFacts,
  to: string,
  country: string | undefined,
): Promise<Permission> {
  const { allowAutonomousSends, killSwitch } = await gates.read();
  if (killSwitch) return 'switched-off';
  if (isOwnNumber(facts, to, country)) return 'own-number';
  return allowAutonomousSends ? 'any-number' : 'not-allowed';
}

/** How a number may be spoken of: by its last two digits. */
export function spoken(to: string): string {
  return `the number ending in ${to.slice(-2)}`;
}

export const notConfigured: VerifyResult = {
  status: 'not_configured',
  valid: false,
  message:
    'Verification is not set up: the operator has to set TWILIO_VERIFY_SERVICE_SID. Offer to hand over to a person.',
};

export const refusals: Readonly<Record<'not-allowed' | 'switched-off', VerifyResult>> = {
  'not-allowed': {
    status: 'not_allowed',
    valid: false,
    message:
      'Codes go only to the number that the caller calls from, where the telephone network vouches for it. Offer to hand over to a person.',
  },
  'switched-off': {
    status: 'not_allowed',
    valid: false,
    message: 'The operator has switched off all sending. Do not try again; offer to hand over to a person.',
  },
};
