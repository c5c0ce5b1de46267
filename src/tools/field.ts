import { type ZodType, z } from 'zod';
import { toE164 } from '../core/e164.ts';

/**
 * Fields of what agents give to tools. They are written once: what is checked here is also what `agent setup` tells
 * ElevenLabs. Agents leave out what they do not use, and write it as empty text or null as well; a webhook tool that sends
 * its fields URL-encoded has text for everything.
 */
export interface FieldText {
  /** What the agent is told of it. */
  readonly description: string;
  /** What the agent is to give, where that differs from what is taken as well. */
  readonly type?: 'string' | 'array';
}

const blank = (value: unknown): unknown => {
  const bare = typeof value === 'string' ? value.trim() : value;
  return bare === '' || bare === null ? undefined : bare;
};

/** A field that may be left out. */
export const optional = <T extends ZodType>(inner: T, meta: FieldText) =>
  z
    .preprocess(blank, inner.optional())
    .optional()
    .meta({ ...meta });

/** A field that must be there. */
export const required = <T extends ZodType>(inner: T, meta: FieldText) =>
  z.preprocess(blank, inner).meta({ ...meta });

/** Text as it is, at most so long. */
export const text = (most: number) => z.string().max(most);

/** One of a few words, however they are written. */
export const word = <const T extends readonly [string, ...string[]]>(words: T) =>
  z.preprocess(
    value => (typeof value === 'string' ? value.trim().toLowerCase() : value),
    z.enum(words as unknown as readonly string[] as T),
  );

/** A telephone number as people write it, made E.164. `country` is that of numbers without a country code. */
export const phone = (country: string | undefined) =>
  z.string().transform((given, context) => {
    const number = toE164(given, country);
    if (number.ok) return number.value;
    context.addIssue({ code: 'custom', message: number.failure.message });
    return z.NEVER;
  });

const whatsapp = 'whatsapp:';

/** A telephone number, or one of WhatsApp with `whatsapp:` in front. */
export const phoneOrWhatsApp = (country: string | undefined) =>
  z.string().transform((given, context) => {
    const prefix = given.toLowerCase().startsWith(whatsapp) ? whatsapp : '';
    const number = toE164(given.slice(prefix.length), country);
    if (number.ok) return `${prefix}${number.value}`;
    context.addIssue({ code: 'custom', message: number.failure.message });
    return z.NEVER;
  });

/** Twilio's id of something: two letters and 32 hexadecimal digits. */
export const sid = (...prefixes: readonly string[]) =>
  z.string().transform((given, context) => {
    const upper = `${given.slice(0, 2).toUpperCase()}${given.slice(2).toLowerCase()}`;
    if (prefixes.includes(upper.slice(0, 2)) && /^[A-Z]{2}[0-9a-f]{32}$/.test(upper)) return upper;
    const message = `must be ${prefixes.join(' or ')} and 32 hexadecimal digits`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

/** A day, or a time of a day: ISO 8601, UTC where it says nothing else. */
export const day = () =>
  z.string().transform((given, context) => {
    const form = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?)?$/;
    const timed = given.includes('T') && !/(Z|[+-]\d{2}:\d{2})$/.test(given) ? `${given}Z` : given;
    const date = new Date(timed);
    if (form.test(given) && !Number.isNaN(date.getTime())) return date;
    context.addIssue({
      code: 'custom',
      message: 'must be a date such as 2026-01-31, or 2026-01-31T09:30:00Z',
    });
    return z.NEVER;
  });

const numeric = (value: unknown): unknown =>
  typeof value === 'string' && /^\d{1,9}$/.test(value.trim()) ? Number(value) : (blank(value) ?? undefined);

/** How many rows are wanted at most. */
export const limit = (most: number, usual: number, of: string) =>
  z
    .preprocess(numeric, z.int().min(1).max(most).default(usual))
    .default(usual)
    .meta({ type: 'integer', description: `How many ${of} at most: 1 to ${most}, ${usual} unless given.` });

/** A list, or text with its entries between commas or blanks. */
export const list = <T extends ZodType>(entry: T, most: number) =>
  z.preprocess(
    value => (typeof value === 'string' ? value.split(/[\s,]+/).filter(each => each !== '') : value),
    z.array(entry).min(1).max(most),
  );
