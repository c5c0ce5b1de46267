import type { HeaderField } from '../sip/signalling.ts';
import { headerLimits } from './header-variables.ts';
import { cleanValue } from './text.ts';

const headerName = /^(?:X-[A-Za-z0-9-]{1,62}|User-to-User)$/i;

/**
 * Variables as header fields of our own requests, by the map of a trunk. Values come from callers and agents: one with
 * a control character, or that is too long, stays out, and so does a name that is not ours to write.
 */
export function attributeHeaders(
  map: Readonly<Record<string, string>>,
  variables: Readonly<Record<string, string>>,
): HeaderField[] {
  const fields: HeaderField[] = [];
  for (const [variable, name] of Object.entries(map)) {
    const given = Object.hasOwn(variables, variable) ? variables[variable] : undefined;
    const value = given === undefined ? undefined : cleanValue(given, headerLimits.valueBytes);
    if (value !== undefined && headerName.test(name)) fields.push({ name, value });
  }
  return fields;
}
