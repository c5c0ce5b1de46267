import { toE164 } from '../core/e164.ts';
import { ok, type Result } from '../core/errors.ts';

/** Parameters of tools that are a telephone number, or may be one. */
const numberParameters: ReadonlySet<string> = new Set([
  'To',
  'to',
  'from',
  'phone_number',
  'transfer_number',
]);

/** A number as it is dialled within a country: no plus, no prefix of a channel, and longer than a short code. */
const national = /^[\s()./-]*(?:\d[\s()./-]*){7,}$/;

/**
 * Parameters with their national numbers made E.164 by the country of the call, for tools whose own country is that of the
 * configuration. Fails with a sentence for the agent: what is no number there is not tried by another country's rules.
 */
export function inCountryOfCall(parameters: unknown, country: string | undefined): Result<unknown, string> {
  if (country === undefined || typeof parameters !== 'object' || parameters === null) return ok(parameters);
  const read: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(parameters)) {
    const dialled = typeof value === 'string' && numberParameters.has(name) && national.test(value);
    const number = dialled && !value.trim().startsWith('00') ? toE164(value, country) : ok(value);
    if (!number.ok) return { ok: false, failure: `Parameter ${name} ${number.failure.message}.` };
    read[name] = number.value;
  }
  return ok(read);
}
