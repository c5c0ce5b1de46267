import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** What a key may do. A role may do all that the ones before it may. */
export type Role = 'read' | 'pii' | 'operator' | 'admin';

/** One key of the HTTP API. */
export interface ApiKey {
  /** Who holds it: for the log. */
  readonly name: string;
  readonly role: Role;
  readonly secret: string;
}

/** Who sent a request. */
export type KeyHolder = Pick<ApiKey, 'name' | 'role'>;

const rank: Readonly<Record<Role, number>> = { read: 0, pii: 1, operator: 2, admin: 3 };

export const mayDo = (role: Role, needed: Role): boolean => rank[role] >= rank[needed];

const digest = (text: string) => createHash('sha256').update(text).digest();

/** The keys of the API, held as digests: comparing those takes the same time whatever was sent. */
export class KeyRing {
  readonly #keys: readonly { readonly holder: KeyHolder; readonly digest: Buffer }[];

  constructor(keys: readonly ApiKey[]) {
    this.#keys = keys.map(({ name, role, secret }) => ({ holder: { name, role }, digest: digest(secret) }));
  }

  get isEmpty(): boolean {
    return this.#keys.length === 0;
  }

  /** Who holds the key in these headers: `xi-api-key`, else `Authorization: Bearer`. Looks at every key, always. */
  holder(headers: IncomingHttpHeaders): KeyHolder | undefined {
    const sent = digest(keyOf(headers) ?? '');
    let found: KeyHolder | undefined;
    for (const key of this.#keys) if (timingSafeEqual(key.digest, sent)) found = key.holder;
    return found;
  }
}

/** The key that was sent; undefined where none was. */
export function keyOf(headers: IncomingHttpHeaders): string | undefined {
  const own = headers['xi-api-key'];
  if (typeof own === 'string') return own;
  // RFC 9110 section 11.1: the scheme is compared without case.
  return /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
}
