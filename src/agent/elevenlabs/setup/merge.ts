import { isDeepStrictEqual } from 'node:util';

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What an operator has worded or narrowed down stays. */
const theirs = new Set(['description', 'enum']);
/** What gives a parameter its value: of these a parameter has one, a description among them. */
const sources = ['dynamic_variable', 'constant_value', 'is_system_provided'];

const isSet = (value: unknown) => value !== undefined && value !== null && value !== '' && value !== false;

/** `wanted` laid over `present`: whatever is there and not wanted otherwise is kept. */
export function merged(present: unknown, wanted: unknown): unknown {
  if (!isObject(present) || !isObject(wanted)) return wanted;
  const given = sources.some(key => isSet(present[key]));
  const result: Record<string, unknown> = { ...present };
  for (const [key, value] of Object.entries(wanted)) {
    if (theirs.has(key) && (given || isSet(present[key]))) continue;
    result[key] = merged(present[key], value);
  }
  return result;
}

/** Whether `present` already is what laying `wanted` over it would make of it. */
export const covers = (present: unknown, wanted: unknown): boolean =>
  isDeepStrictEqual(merged(present, wanted), present);
