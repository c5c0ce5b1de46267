import { createHash, randomBytes } from 'node:crypto';
import type { Challenge, ChallengeAnswer } from '../sip/signalling.ts';
import { parseAuthorization } from './digest.ts';

/** What a trunk knows us by. */
export interface ClientCredentials {
  readonly username: string;
  readonly password: string;
  /** Only challenges of this realm are answered; absent: of any, over this trunk's own connection. */
  readonly realm?: string;
}

/** Algorithms that are computed, by their name in a challenge (RFC 7616 section 3.3, RFC 8760 section 2.4). */
const hashes: Readonly<Record<string, { readonly hash: string; readonly session: boolean; rank: number }>> = {
  'SHA-256': { hash: 'sha256', session: false, rank: 3 },
  'SHA-256-SESS': { hash: 'sha256', session: true, rank: 3 },
  'SHA-512-256': { hash: 'sha512-256', session: false, rank: 2 },
  'SHA-512-256-SESS': { hash: 'sha512-256', session: true, rank: 2 },
  MD5: { hash: 'md5', session: false, rank: 1 },
  'MD5-SESS': { hash: 'md5', session: true, rank: 1 },
};

/** Longest realm, nonce or opaque that is repeated, characters. */
const longestEcho = 1_024;

interface Readable {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  /** As the challenge wrote it; absent means MD5. */
  readonly algorithm: string | undefined;
  readonly qop: boolean;
  readonly stale: boolean;
  readonly how: (typeof hashes)[string];
}

/**
 * Answers the strongest challenge that it can; undefined when there is none. `cnonce` is for tests: 128 random bits
 * otherwise.
 */
export function answerChallenge(
  challenge: Challenge,
  credentials: ClientCredentials,
  cnonce: string = randomBytes(16).toString('hex'),
): ChallengeAnswer | undefined {
  const readable = challenge.values
    .map(read)
    .filter(each => each !== undefined)
    .filter(each => credentials.realm === undefined || each.realm === credentials.realm)
    .sort((a, b) => b.how.rank - a.how.rank);
  const [best] = readable;
  if (best === undefined) return undefined;
  const count = '00000001';
  const response = responseOf(best, challenge, credentials, cnonce, count);
  const parts = [
    `username=${quoted(credentials.username)}`,
    `realm=${quoted(best.realm)}`,
    `nonce=${quoted(best.nonce)}`,
    `uri=${quoted(challenge.uri)}`,
    `response="${response}"`,
  ];
  if (best.algorithm !== undefined) parts.push(`algorithm=${best.algorithm}`);
  if (best.opaque !== undefined) parts.push(`opaque=${quoted(best.opaque)}`);
  if (best.qop || best.how.session) parts.push(`cnonce="${cnonce}"`);
  if (best.qop) parts.push('qop=auth', `nc=${count}`);
  return { value: `Digest ${parts.join(', ')}`, stale: best.stale };
}

function read(value: string): Readable | undefined {
  const parameters = parseAuthorization(value);
  const realm = parameters?.get('realm');
  const nonce = parameters?.get('nonce');
  if (parameters === undefined || realm === undefined || nonce === undefined) return undefined;
  const algorithm = parameters.get('algorithm');
  const how = hashes[(algorithm ?? 'MD5').toUpperCase()];
  const offered = parameters
    .get('qop')
    ?.split(',')
    .map(word => word.trim().toLowerCase());
  const opaque = parameters.get('opaque');
  const long = [realm, nonce, opaque ?? ''].some(text => text.length > longestEcho);
  // RFC 7616 section 3.4: without qop in the challenge there is none in the answer; auth-int alone is not spoken here.
  const usable = offered === undefined || offered.includes('auth');
  if (how === undefined || !usable || long) return undefined;
  return {
    realm,
    nonce,
    opaque,
    algorithm,
    qop: offered !== undefined,
    stale: parameters.get('stale')?.toLowerCase() === 'true',
    how,
  };
}

/** RFC 7616 section 3.4.1; without qop that of RFC 2069, which it keeps. */
function responseOf(
  { realm, nonce, qop, how }: Readable,
  { method, uri }: Challenge,
  { username, password }: ClientCredentials,
  cnonce: string,
  count: string,
): string {
  const hash = (text: string) => createHash(how.hash).update(text).digest('hex');
  const user = hash(`${username}:${realm}:${password}`);
  const a1 = how.session ? hash(`${user}:${nonce}:${cnonce}`) : user;
  const a2 = hash(`${method}:${uri}`);
  return hash(qop ? `${a1}:${nonce}:${count}:${cnonce}:auth:${a2}` : `${a1}:${nonce}:${a2}`);
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
