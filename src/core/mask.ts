import { spellsDigits } from './number-words.ts';

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

/** Text in which every run of digits that is long enough for a number is shown as one. */
export const maskDigits = (text: string): string => text.replace(/\+?\d{7,}/g, maskNumber);

/** The agent chooses the name of a tool that it asks for, and could put a code or a number into one that is not there. */
export function toolName(name: string): string {
  const plain = /^[\w.-]{1,64}$/.test(name) && name.replace(/\D/g, '').length < 4 && !spellsDigits(name);
  return plain ? name : 'other';
}

/** Parameters that hold a secret whatever they look like. */
const secretName = /code|otp|pin|pass|secret|token|key|digit|card|cvc|cvv|iban|ssn/i;
const phoneNumber = /^\+?[\d\s().-]{7,24}$/;
/** A number without a plus and with fewer digits may be a code, of which nothing is shown. */
const surelyNumber = 11;
/** Words without digits, the name of a channel, a language, a reason; capitals within a word would be base64. */
const plainWord = /^(?=.{1,32}$)(?:[A-Z]?[a-z]+|[A-Z]+)(?:[_-](?:[A-Z]?[a-z]+|[A-Z]+))*$/;
const camelCase = /^[a-z]{1,20}(?:[A-Z][a-z]{1,20}){1,3}$/;
const mostArguments = 16;

/**
 * Parameters of a tool as records may show them: numbers masked, words that choose something as they are, and of
 * everything else only its kind and length, because an agent may put anything anywhere.
 */
export function maskArguments(parameters: unknown): Record<string, string> {
  if (typeof parameters !== 'object' || parameters === null) return {};
  const shown = Object.entries(parameters)
    .slice(0, mostArguments)
    .map(([name, value], index) => [
      isPlain(name) || (camelCase.test(name) && !spellsDigits(name)) ? name : `parameter${index}`,
      masked(name, value),
    ]);
  return Object.fromEntries(shown) as Record<string, string>;
}

function masked(name: string, value: unknown): string {
  if (typeof value === 'boolean' || value === null) return String(value);
  if (typeof value !== 'string') return `[${Array.isArray(value) ? 'list' : typeof value}]`;
  if (secretName.test(name)) return '[hidden]';
  if (phoneNumber.test(value.trim())) return maskedNumber(value.trim());
  return isPlain(value) ? value : `[text of ${value.length} characters]`;
}

const isPlain = (text: string): boolean => plainWord.test(text) && !spellsDigits(text);

function maskedNumber(text: string): string {
  const digits = text.replace(/\D/g, '').length;
  return text.startsWith('+') || digits >= surelyNumber ? maskNumber(text) : '*'.repeat(digits);
}
