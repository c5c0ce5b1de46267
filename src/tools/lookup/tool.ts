import { z } from 'zod';
import {
  type LookedUp,
  type LookupField,
  lookUp,
  lookupFields,
  type PhoneLookup,
} from '../../twilio/lookup.ts';
import { list, optional, phone, required, word } from '../field.ts';
import type { Tool, ToolContext, ToolResult } from '../tool.ts';
import { looked, type ToolSpec, type TwilioToolParts } from '../twilio-parts.ts';
import { quoted } from '../untrusted.ts';
import { spoken } from '../verify/destination.ts';
import { numbersOf } from '../whose-number.ts';

interface LookupInput {
  /** E.164. */
  readonly phone_number: string;
  readonly fields?: readonly LookupField[] | undefined;
}

const name = 'twilio_lookup_phone';

export function lookupSpec(country: string | undefined): ToolSpec<LookupInput> {
  return {
    name,
    description:
      'Looks a telephone number up: whether it is valid, and what kind of line it is. Each field but validation costs the operator money for each look-up: line_type_intelligence about one US cent, caller_name (United States only) about one, line_status, sim_swap, call_forwarding and sms_pumping_risk a few. Ask for what you need and no more.',
    input: z.object({
      phone_number: required(phone(country), {
        description: 'The telephone number with + and country code, for instance +14155550123.',
      }),
      fields: optional(
        list(word(lookupFields).meta({ description: 'One thing to ask for.' }), lookupFields.length),
        {
          description:
            'What to ask for; line_type_intelligence (mobile, landline, VoIP; carrier) unless given. validation alone is free.',
        },
      ),
    }),
  };
}

const usual: readonly LookupField[] = ['line_type_intelligence'];

/** `twilio_lookup_phone`. */
export function createLookupTool(parts: TwilioToolParts): Tool {
  const tool: Tool<LookupInput> = {
    ...lookupSpec(parts.country),
    run: (input, context, signal) => lookup(parts, input, context, signal),
  };
  return tool as Tool;
}

async function lookup(
  parts: TwilioToolParts,
  { phone_number, fields = usual }: LookupInput,
  context: ToolContext,
  signal: AbortSignal,
): Promise<ToolResult> {
  const asked = [...new Set(fields)];
  const paid = asked.filter(each => each !== 'validation');
  const reading = {
    tool: name,
    numbers: numbersOf(context, parts.country, phone_number),
    ...(paid.length === 0 ? {} : { charges: paid.map(field => `lookup_${field}`) }),
  };
  const found = await looked(parts, reading, context, client => lookUp(client, phone_number, asked, signal));
  if (!found.ok) {
    return found.failure.status === 'not_found'
      ? { status: 'invalid_number', message: 'Twilio knows no such number. Ask the caller for it again.' }
      : found.failure;
  }
  return found.value.valid ? told(found.value, paid, phone_number) : invalid(found.value);
}

const reasons: Readonly<Record<string, string>> = {
  TOO_SHORT: 'it has too few digits',
  TOO_LONG: 'it has too many digits',
  INVALID_BUT_POSSIBLE: 'there is no such number though there could be',
  INVALID_COUNTRY_CODE: 'its country code does not exist',
  INVALID_LENGTH: 'it does not have the length of a number of its country',
  NOT_A_NUMBER: 'it is no number',
};

function invalid({ validationErrors }: PhoneLookup): ToolResult {
  const why = validationErrors.flatMap(each => reasons[each] ?? []).join(', ');
  return {
    status: 'invalid_number',
    message: `This is no valid number${why === '' ? '' : `: ${why}`}. Ask the caller for it again.`,
  };
}

/** Why one field of an answer is missing: what fails inside of a 200. */
const fieldFailures: Readonly<Record<number, string>> = {
  60600: 'not available for numbers of this country or network',
  60601: 'not available at the moment',
  60606: 'not switched on for this Twilio account: the operator has to ask Twilio for it',
};

function told(found: PhoneLookup, asked: readonly LookupField[], number: string): ToolResult {
  const rows = asked.map(field => [field, found.fields[field]] as const);
  const answered = rows.filter(
    (row): row is [LookupField, LookedUp] => row[1]?.errorCode === undefined && row[1] !== undefined,
  );
  const failed = rows.filter(([, row]) => row === undefined || row.errorCode !== undefined);
  const facts = Object.fromEntries(answered.map(([field, { facts: values }]) => [field, plain(values)]));
  const missing = Object.fromEntries(failed.map(([field, row]) => [field, failure(row?.errorCode)]));
  const part =
    failed.length === 0
      ? ''
      : ` Not answered: ${failed.map(([field]) => field).join(', ')}; do not guess it.`;
  return {
    status:
      failed.length === 0 ? 'found' : answered.length === 0 && asked.length > 0 ? 'not_available' : 'partial',
    message: `This is what is known of ${spoken(number)}.${part}`,
    valid: true,
    ...(found.country === undefined ? {} : { country: found.country }),
    ...facts,
    ...(failed.length === 0 ? {} : { not_available: missing }),
  };
}

function failure(code: number | undefined): string {
  const known = code === undefined ? 'Twilio gave no answer' : fieldFailures[code];
  return known ?? `Twilio could not answer it (error ${code})`;
}

/** Names in the carriers' tables are words of others. */
function plain(facts: LookedUp['facts']): Record<string, string | number | boolean> {
  const entries = Object.entries(facts).map(
    ([key, value]) => [key, typeof value === 'string' ? quoted(value) : value] as const,
  );
  return Object.fromEntries(entries);
}
