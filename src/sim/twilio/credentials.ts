import { randomBytes, timingSafeEqual } from 'node:crypto';
import { newSid } from './resource.ts';

/** `main` opens everything, as the auth token does; `standard` everything but the account itself and its keys. */
export type SimKeyKind = 'main' | 'standard';

export interface SimKey {
  readonly sid: string;
  readonly secret: string;
  kind: SimKeyKind;
}

/** What a Standard key may not touch. */
const forMainOnly = /^\/2010-04-01\/Accounts(\.json|\/[^/]+\.json|\/[^/]+\/(Signing)?Keys(\.json|\/.*))$/;

const secret = () => randomBytes(16).toString('hex');

/** Who may ask the stand-in for what: the account with its auth token, and API keys that come and go. */
export class SimCredentials {
  readonly accountSid: string;
  readonly #keys = new Map<string, SimKey>();
  #authToken = secret();

  constructor(accountSid: string, first: Partial<Pick<SimKey, 'sid' | 'secret' | 'kind'>>) {
    this.accountSid = accountSid;
    this.#add({
      sid: first.sid ?? newSid('SK'),
      secret: first.secret ?? secret(),
      kind: first.kind ?? 'main',
    });
  }

  /** The primary auth token of the moment: it signs webhooks too. */
  get authToken(): string {
    return this.#authToken;
  }

  /** Keys that are valid, oldest first. */
  get keys(): readonly SimKey[] {
    return [...this.#keys.values()];
  }

  issue(kind: SimKeyKind): SimKey {
    return this.#add({ sid: newSid('SK'), secret: secret(), kind });
  }

  revoke(sid: string): void {
    this.#keys.delete(sid);
  }

  /** Makes another auth token; the old one is worth nothing at once. */
  rotateAuthToken(): string {
    this.#authToken = secret();
    return this.#authToken;
  }

  /** Whether an Authorization header opens that path. */
  opens(header: string | undefined, path: string): boolean {
    const [scheme, token] = (header ?? '').split(' ');
    if (scheme?.toLowerCase() !== 'basic') return false;
    const given = Buffer.from(token ?? '', 'base64');
    if (same(`${this.accountSid}:${this.#authToken}`, given)) return true;
    const key = this.keys.find(each => same(`${each.sid}:${each.secret}`, given));
    return key !== undefined && (key.kind === 'main' || !forMainOnly.test(path));
  }

  #add(key: SimKey): SimKey {
    this.#keys.set(key.sid, key);
    return key;
  }
}

function same(pair: string, given: Buffer): boolean {
  return pair.length === given.length && timingSafeEqual(Buffer.from(pair), given);
}
