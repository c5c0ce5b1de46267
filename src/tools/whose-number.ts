import { callerNumber } from './caller-number.ts';
import type { ToolContext } from './tool.ts';

/**
 * Whose what is looked for is, for the gate: it goes between two numbers, and where one of them certainly is the caller's it
 * is the caller's. `whatsapp:` does not make another person of a number.
 */
export function numbersOf(
  { facts, verified }: Pick<ToolContext, 'facts' | 'verified'>,
  country: string | undefined,
  ...given: readonly (string | undefined)[]
): string[] {
  const numbers = given.flatMap(each => (each === undefined ? [] : [each.replace(/^whatsapp:/, '')]));
  const caller = callerNumber(facts, country);
  const own = numbers.find(number => number === caller || verified.of(number) !== undefined);
  return own === undefined ? numbers : [own];
}
