import type { PartyFacts } from '../call/party.ts';
import { toE164 } from '../core/e164.ts';

/** Name that calls over media streams have in the place of a trunk. An entry of `trunks` may have it, for its limits. */
export const streamTrunk = 'twilio';

/** Numbers that Twilio puts in the place of one that it was not told. */
const nobody: ReadonlySet<string> = new Set([
  '+7378742833',
  '+2562533',
  '+8566696',
  '+266696687',
  '+86282452253',
  '+464',
]);
const words = /^(anonymous|restricted|unavailable|unknown|withheld|private|blocked)$/i;

/** What Twilio says of a caller beside the numbers, and as which variables an agent gets that. */
const variables: Readonly<Record<string, string>> = {
  ForwardedFrom: 'forwarded_from',
  CallerName: 'caller_name',
  StirVerstat: 'stir_verstat',
};
const longestValue = 256;

/** Whether Twilio has found that the caller's network does not stand for the number. */
const unattested = /^TN-Validation-Failed/i;

/**
 * Who calls, by a webhook that Twilio has signed. The number is the caller's own unless it is withheld, no number, or one that
 * STIR/SHAKEN has found to be wrong.
 */
export function callerOf(
  fields: ReadonlyMap<string, string>,
  country: string | undefined,
): Omit<PartyFacts, 'trunk'> & { readonly callSid: string } {
  const callSid = fields.get('CallSid') ?? '';
  const from = fields.get('From') ?? '';
  const hidden = nobody.has(from) || words.test(from);
  const own = hidden ? undefined : toE164(from, country);
  const called = toE164(fields.get('To') ?? '', country);
  const told = Object.entries(variables).flatMap(([name, variable]) => {
    const value = fields.get(name);
    return value === undefined || value === '' || value.length > longestValue ? [] : [[variable, value]];
  });
  return {
    callId: callSid,
    callSid,
    callerId: own?.ok === true ? own.value : hidden ? '' : from.slice(0, longestValue),
    calledNumber: called.ok ? called.value : (fields.get('To') ?? '').slice(0, longestValue),
    // Of a call that was made over REST the number is ours.
    callerTrusted:
      own?.ok === true &&
      fields.get('Direction')?.startsWith('outbound') !== true &&
      !unattested.test(fields.get('StirVerstat') ?? ''),
    ...(country === undefined ? {} : { country }),
    variables: Object.fromEntries(told),
  };
}
