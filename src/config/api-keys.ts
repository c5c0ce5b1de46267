import { fail, ok, type Result } from '../core/errors.ts';
import type { ApiKey, Role } from '../http/keys.ts';

/** What a key may do, weakest first. */
export const roles = ['read', 'pii', 'operator', 'admin'] as const satisfies readonly Role[];

/** Shortest secret that is taken, characters. */
export const shortestSecret = 16;

const isRole = (text: string): text is Role => (roles as readonly string[]).includes(text);

/** Reads one `name:role:secret`. The secret may hold colons. No message repeats any part of what was given. */
export function readApiKey(text: string): Result<ApiKey, string> {
  const [name = '', role = '', ...rest] = text.split(':');
  const secret = rest.join(':');
  if (rest.length === 0)
    return fail('must be name:role:secret, for instance ops:admin:<32 random characters>');
  if (!/^[\w.-]{1,64}$/.test(name))
    return fail('must begin with a name of 1 to 64 letters, digits, dots or dashes');
  if (!isRole(role)) return fail(`must give each key one of the roles ${roles.join(', ')}`);
  if (!/^[\x21-\x7e]+$/.test(secret) || secret.length < shortestSecret) {
    return fail(`must give each key a secret of at least ${shortestSecret} printable ASCII characters`);
  }
  return ok({ name, role, secret });
}
