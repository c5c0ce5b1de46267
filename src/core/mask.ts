/**
 * A phone number as logs, metrics and records may show it: its first digits for the country and its last two.
 * `+14155550123` becomes `+141******23`; anything of six digits or fewer is hidden whole.
 */
export function maskNumber(number: string): string {
  const digits = number.replace(/\D/g, '');
  if (digits.length <= 6) return '*'.repeat(digits.length);
  const plus = number.startsWith('+') ? '+' : '';
  return `${plus}${digits.slice(0, 3)}${'*'.repeat(digits.length - 5)}${digits.slice(-2)}`;
}

/** The agent chooses the name of a tool that it asks for, and could put a code or a number into one that is not there. */
export function toolName(name: string): string {
  return /^[\w.-]{1,64}$/.test(name) && name.replace(/\D/g, '').length < 4 ? name : 'other';
}
