import { type ZodType, z } from 'zod';
import { TwilioFailure } from './failure.ts';

/** What the SDK made of an answer, as far as it is used here. Throws a `TwilioFailure` where it is something else. */
export function shaped<T>(shape: ZodType<T>, answer: unknown): T {
  const parsed = shape.safeParse(answer);
  if (!parsed.success) throw new TwilioFailure('twilio-bad-answer');
  return parsed.data;
}

/** Text that Twilio leaves null where there is none. */
export const text = z
  .string()
  .nullish()
  .transform(value => value ?? undefined);

/** Counts come as numbers, and as text. */
export const count = z
  .union([z.number(), z.string().regex(/^-?\d{1,15}(\.\d{1,15})?$/)])
  .nullish()
  .transform(value => (value === undefined || value === null ? undefined : Number(value)));

/** ISO 8601. The SDK makes dates of dates, and leaves as text what it cannot read: then there is none. */
export const moment = z
  .unknown()
  .transform(value =>
    value instanceof Date && !Number.isNaN(value.getTime()) ? value.toISOString() : undefined,
  );
