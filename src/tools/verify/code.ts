import { z } from 'zod';

/** Digits in a code: Verify allows 4 to 10. */
const digits = /^\d{4,10}$/;

/**
 * A code as it was spoken or typed ("1 2 3-4 5 6"), made the digits alone; undefined when there is more than digits
 * and the marks between them, or not 4 to 10 digits.
 */
export function normalizeCode(text: string): string | undefined {
  // NFKC turns full-width digits into plain ones; the rest are the marks that speech-to-text puts between digits.
  const bare = text
    .slice(0, 64)
    .normalize('NFKC')
    .replace(/[\s\-.,_/\u2010-\u2015]+/g, '');
  return digits.test(bare) ? bare : undefined;
}

/** A code as a field of a tool. Text only: a JSON number has lost the zeros in front. */
export const codeField = z.string().transform((given, context) => {
  const code = normalizeCode(given);
  if (code !== undefined) return code;
  context.addIssue({ code: 'custom', message: 'must be the 4 to 10 digits of the code' });
  return z.NEVER;
});
