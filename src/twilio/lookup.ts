import { z } from 'zod';
import type { Result } from '../core/errors.ts';
import type { TwilioCaller } from './client.ts';
import type { TwilioFailure } from './failure.ts';
import { shaped, text } from './shape.ts';

/**
 * What may be asked of a number. Not among them: identity_match, reassigned_number and pre_fill, which need a person's
 * data with the request, and phone_number_quality_score, which Twilio does not sell to everybody.
 */
export const lookupFields = [
  'validation',
  'line_type_intelligence',
  'caller_name',
  'line_status',
  'sim_swap',
  'call_forwarding',
  'sms_pumping_risk',
] as const;
export type LookupField = (typeof lookupFields)[number];

/** One thing that was asked, as plain values by Twilio's own names; or why that one could not be answered. */
export interface LookedUp {
  readonly facts: Readonly<Record<string, string | number | boolean>>;
  /** Twilio's code of what went wrong with it, inside of an answer that was a 200. */
  readonly errorCode: number | undefined;
}

export interface PhoneLookup {
  readonly valid: boolean;
  readonly number: string | undefined;
  readonly nationalFormat: string | undefined;
  /** ISO 3166. */
  readonly country: string | undefined;
  /** TOO_SHORT, INVALID_LENGTH … */
  readonly validationErrors: readonly string[];
  /** What came back, by field; one that was asked for and is not here was not answered. */
  readonly fields: Readonly<Partial<Record<LookupField, LookedUp>>>;
}

const numberShape = z.object({
  valid: z.boolean(),
  phoneNumber: text,
  nationalFormat: text,
  countryCode: text,
  validationErrors: z
    .array(z.string())
    .nullish()
    .transform(list => list ?? []),
});

/** The SDK's names of what Lookup calls by `Fields`. */
const properties: Readonly<Record<Exclude<LookupField, 'validation'>, string>> = {
  line_type_intelligence: 'lineTypeIntelligence',
  caller_name: 'callerName',
  line_status: 'lineStatus',
  sim_swap: 'simSwap',
  call_forwarding: 'callForwarding',
  sms_pumping_risk: 'smsPumpingRisk',
};

/** Asks Lookup about an E.164 number. That it is no number is an answer, not a failure. */
export function lookUp(
  client: TwilioCaller,
  number: string,
  fields: readonly LookupField[],
  signal?: AbortSignal,
): Promise<Result<PhoneLookup, TwilioFailure>> {
  const asked = fields.filter(each => each !== 'validation');
  return client.call(async sdk => {
    const phone = sdk.lookups.v2.phoneNumbers(number);
    const answer = await (asked.length === 0 ? phone.fetch() : phone.fetch({ fields: asked.join(',') }));
    const { phoneNumber, countryCode, ...rest } = shaped(numberShape, answer);
    const found = asked.flatMap(field => {
      const part = (answer as unknown as Readonly<Record<string, unknown>>)[properties[field]];
      return typeof part === 'object' && part !== null ? [[field, lookedUp(part)] as const] : [];
    });
    return {
      ...rest,
      number: phoneNumber,
      country: countryCode,
      fields: Object.fromEntries(found),
    };
  }, signal);
}

/** Plain values alone, one level of those inside (`last_sim_swap`) with them, by names in Twilio's own spelling. */
function lookedUp(part: object): LookedUp {
  const facts: Record<string, string | number | boolean> = {};
  let errorCode: number | undefined;
  const take = (from: object, depth: number): void => {
    for (const [key, value] of Object.entries(from)) {
      const name = key.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
      if (name === 'error_code') errorCode = numbered(value) ?? errorCode;
      else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
        facts[name] = value;
      else if (typeof value === 'object' && value !== null && !Array.isArray(value) && depth === 0)
        take(value, 1);
    }
  };
  take(part, 0);
  return { facts, errorCode };
}

const numbered = (value: unknown): number | undefined =>
  /^\d{1,9}$/.test(String(value)) ? Number(value) : undefined;
