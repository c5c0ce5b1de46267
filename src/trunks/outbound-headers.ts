import { Failure, fail, ok, type Result } from '../core/errors.ts';
import { isFieldText, isToken } from '../sip/embedded/message/characters.ts';
import type { HeaderField } from '../sip/signalling.ts';
import { cleanValue } from './text.ts';

/** Limits on what others may add to an INVITE of ours. */
export const outboundHeaderLimits = {
  /** Longest value, bytes of UTF-8. */
  valueBytes: 1_024,
  headers: 32,
} as const;

/** Names besides `X-…` that may be set: none by which a message is routed, framed, answered or signed. */
const allowed = new Set([
  'alert-info',
  'call-info',
  'diversion',
  'p-asserted-identity',
  'p-charge-info',
  'p-preferred-identity',
  'privacy',
  'remote-party-id',
  'subject',
  'user-to-user',
]);

/**
 * Header fields that a configuration or a request of the API wants on an INVITE, checked. Fails with code
 * `bad-header`: on any name that is not allowed, and on any value that could be read as more than one line. Values come
 * back with white space at their ends removed.
 */
export function outboundHeaders(given: Readonly<Record<string, string>>): Result<readonly HeaderField[]> {
  const entries = Object.entries(given);
  if (entries.length > outboundHeaderLimits.headers) return bad('there are too many of them');
  const fields: HeaderField[] = [];
  const seen = new Set<string>();
  for (const [name, value] of entries) {
    const lower = name.toLowerCase();
    if (!isToken(name) || !(lower.startsWith('x-') || allowed.has(lower)) || lower === 'x-') {
      return bad('a name must be a token that begins with X-, or one of the few others that are allowed');
    }
    if (seen.has(lower)) return bad(`${lower} stands twice`);
    seen.add(lower);
    // Only blanks may be trimmed away: a line break at an end was not put there by accident.
    const bare = value.replace(/^[ \t]+|[ \t]+$/g, '');
    const clean = bare === bare.trim() ? cleanValue(bare, outboundHeaderLimits.valueBytes) : undefined;
    if (clean === undefined || !isFieldText(clean)) {
      return bad(`the value of ${lower} is empty, too long, or has a control character`);
    }
    fields.push({ name, value: clean });
  }
  return ok(fields);
}

function bad(why: string): Result<never> {
  return fail(new Failure('bad-header', `Headers of the INVITE cannot be used: ${why}.`));
}
