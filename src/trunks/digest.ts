import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { sameSecret } from '../core/constant-time.ts';
import { isToken, quotedEnd, trimBlanks, unquote } from '../sip/embedded/message/characters.ts';
import { splitParts } from '../sip/embedded/message/list.ts';

/** Limits of digest authentication. */
export const digestLimits = {
  /** How long a nonce may be used, ms. */
  nonceMs: 60_000,
  /** Nonces whose counts are remembered; when one more comes, the oldest and all made before it are stale. */
  nonces: 4_096,
  /** Longest Authorization that is read, characters, and most parameters in it. */
  characters: 2_048,
  parameters: 24,
} as const;

export type DigestLimits = { readonly [Name in keyof typeof digestLimits]: number };

/** Algorithms in the order they are offered (RFC 8760 section 2.4): the strongest first. */
const algorithms = [
  { name: 'SHA-256', hash: 'sha256' },
  { name: 'MD5', hash: 'md5' },
] as const;
export type DigestAlgorithm = (typeof algorithms)[number]['name'];
type Hash = (typeof algorithms)[number]['hash'];

/** What a trunk is offered that does not say otherwise. */
export const digestAlgorithms: readonly DigestAlgorithm[] = algorithms.map(({ name }) => name);

const hex = (hash: Hash, text: string) => createHash(hash).update(text).digest('hex');

/** One user: hashes of user, realm and password, so that no password is kept here. */
export interface DigestAccount {
  readonly username: string;
  /** Those it may sign in with. */
  readonly algorithms: readonly DigestAlgorithm[];
  readonly secrets: Readonly<Record<Hash, string>>;
}

/** H(A1) of RFC 7616 section 3.4.2 for each algorithm. */
export function digestAccount(
  username: string,
  realm: string,
  password: string,
  allowed: readonly DigestAlgorithm[] = digestAlgorithms,
): DigestAccount {
  const a1 = `${username}:${realm}:${password}`;
  return { username, algorithms: allowed, secrets: { sha256: hex('sha256', a1), md5: hex('md5', a1) } };
}

/** The parameters of an Authorization by lower-case name, quotes resolved; undefined when it is no digest at all. */
export function parseAuthorization(
  value: string,
  limits: DigestLimits = digestLimits,
): ReadonlyMap<string, string> | undefined {
  if (value.length > limits.characters) return undefined;
  const blank = value.search(/[ \t]/);
  if (blank < 0 || value.slice(0, blank).toLowerCase() !== 'digest') return undefined;
  const parts = splitParts(value.slice(blank));
  if (parts.length > limits.parameters) return undefined;
  const parameters = new Map<string, string>();
  for (const part of parts) {
    const equals = part.indexOf('=');
    const name = trimBlanks(part, 0, Math.max(0, equals)).toLowerCase();
    const given = trimBlanks(part, equals + 1);
    // A parameter that stands twice would be read one way here and another elsewhere.
    if (equals < 0 || !isToken(name) || parameters.has(name)) return undefined;
    const quoted = given.startsWith('"');
    if (quoted ? quotedEnd(given, 0) !== given.length : !isToken(given)) return undefined;
    parameters.set(name, quoted ? unquote(given) : given);
  }
  return parameters;
}

/** What a request proved: who sent it, that it has to be sent again with a new nonce, or nothing. */
export type DigestProof =
  | { readonly proof: 'user'; readonly username: string }
  | { readonly proof: 'stale' }
  /** `guess`: a password was compared. */
  | { readonly proof: 'none'; readonly guess: boolean };

export interface DigestRequest {
  readonly method: string;
  /** Request-URI exactly as sent. */
  readonly uri: string;
  /** IP literal of the sender: a nonce serves nobody else. */
  readonly address: string;
}

/** A well-formed answer to one of our own challenges, before any password was looked at. */
export interface DigestClaim {
  readonly username: string;
  readonly algorithm: DigestAlgorithm;
  readonly hash: Hash;
  readonly nonce: string;
  readonly count: number;
  readonly uri: string;
  readonly response: string;
  /** `nonce:nc:cnonce:qop` as it goes into the hash. */
  readonly middle: string;
}

const nonceBytes = { time: 6, random: 12, tag: 16 } as const;
const signedBytes = nonceBytes.time + nonceBytes.random;

/**
 * The server's side of digest authentication (RFC 7616, RFC 8760). A nonce is `time | random | HMAC`, so handing one
 * out costs no memory; only the counts of nonces that signed somebody in are kept.
 */
export class DigestServer {
  readonly #realm: string;
  readonly #clock: Clock;
  readonly #limits: DigestLimits;
  readonly #key = randomBytes(32);
  /** For users that do not exist: comparing with it costs what comparing with a real one costs. */
  readonly #nobody: DigestAccount;
  /** Highest count of each nonce in use, in the order of their first use. */
  readonly #counts = new Map<string, { readonly made: number; count: number }>();
  /** Nonces made then or earlier are stale: their counts were forgotten. */
  #forgotten = Number.NEGATIVE_INFINITY;

  constructor(realm: string, clock: Clock, limits: Partial<DigestLimits> = {}) {
    this.#realm = realm;
    this.#clock = clock;
    this.#limits = { ...digestLimits, ...limits };
    this.#nobody = digestAccount('', realm, randomBytes(24).toString('hex'));
  }

  /** Nonces whose counts are held. */
  get size(): number {
    return this.#counts.size;
  }

  /** Values of WWW-Authenticate, the preferred one first, for the algorithms that are `wanted`. */
  challenge(
    address: string,
    stale: boolean,
    wanted: readonly DigestAlgorithm[] = digestAlgorithms,
  ): string[] {
    const nonce = this.#newNonce(address);
    const end = stale ? ', stale=true' : '';
    const offered = digestAlgorithms.filter(name => wanted.includes(name));
    return offered.map(
      name =>
        `Digest realm="${this.#realm}", nonce="${nonce}", algorithm=${name}, qop="auth", opaque="${opaque}"${end}`,
    );
  }

  /** Takes the first value that answers our realm. No password is compared, and next to nothing is computed. */
  claim(
    values: readonly string[],
    request: DigestRequest,
  ): DigestClaim | Exclude<DigestProof, { proof: 'user' }> {
    for (const value of values) {
      const parameters = parseAuthorization(value, this.#limits);
      if (parameters?.get('realm') === this.#realm) return this.#read(parameters, request);
    }
    return { proof: 'none', guess: false };
  }

  /** Compares the claim with the account of its user. Without an account it takes as long and finds nothing. */
  prove(claim: DigestClaim, account: DigestAccount | undefined, request: DigestRequest): DigestProof {
    const { secrets } = account ?? this.#nobody;
    const a2 = hex(claim.hash, `${request.method}:${claim.uri}`);
    const wanted = hex(claim.hash, `${secrets[claim.hash]}:${claim.middle}:${a2}`);
    const equal = sameSecret(wanted, claim.response);
    const allowed = account?.algorithms.includes(claim.algorithm) === true;
    if (!equal || !allowed) return { proof: 'none', guess: true };
    this.#remember(claim);
    return { proof: 'user', username: account.username };
  }

  #read(from: ReadonlyMap<string, string>, { uri, address }: DigestRequest) {
    const field = (name: string) => from.get(name) ?? '';
    const algorithm = algorithms.find(({ name }) => name === (from.get('algorithm') ?? 'MD5').toUpperCase());
    const [nonce, nc, cnonce, qop] = ['nonce', 'nc', 'cnonce', 'qop'].map(field);
    const response = field('response').toLowerCase();
    const wellFormed =
      algorithm !== undefined &&
      qop === 'auth' &&
      /^[0-9a-f]{8}$/i.test(nc ?? '') &&
      cnonce !== '' &&
      /^[0-9a-f]{32,64}$/.test(response) &&
      field('opaque') === opaque &&
      // RFC 7616 section 3.4.6: the resource asked for is the one that was signed.
      field('uri') === uri;
    if (!wellFormed) return { proof: 'none', guess: false } as const;
    const made = this.#made(nonce ?? '', address);
    const count = Number.parseInt(nc ?? '', 16);
    const used = this.#counts.get(nonce ?? '')?.count ?? 0;
    const usable =
      made !== undefined && made > this.#forgotten && made >= this.#clock.wall() - this.#limits.nonceMs;
    // RFC 7616 section 3.4: a count that does not rise is a replay.
    if (!usable || count <= used) return { proof: 'stale' } as const;
    const middle = `${nonce}:${nc}:${cnonce}:${qop}`;
    return {
      username: field('username'),
      algorithm: algorithm.name,
      hash: algorithm.hash,
      nonce: nonce ?? '',
      count,
      uri,
      response,
      middle,
    };
  }

  #remember({ nonce, count }: DigestClaim): void {
    const known = this.#counts.get(nonce);
    if (known !== undefined) {
      known.count = count;
      return;
    }
    const oldest = this.#clock.wall() - this.#limits.nonceMs;
    for (const [old, { made }] of this.#counts) {
      const full = this.#counts.size >= this.#limits.nonces;
      if (made >= oldest && !full) break;
      this.#counts.delete(old);
      if (full) this.#forgotten = Math.max(this.#forgotten, made);
    }
    this.#counts.set(nonce, { made: madeAt(Buffer.from(nonce, 'base64url')), count });
  }

  #newNonce(address: string): string {
    const signed = Buffer.alloc(signedBytes);
    signed.writeUIntBE(Math.floor(this.#clock.wall()), 0, nonceBytes.time);
    randomBytes(nonceBytes.random).copy(signed, nonceBytes.time);
    return Buffer.concat([signed, this.#tag(signed, address)]).toString('base64url');
  }

  /** When we made a nonce for that address, ms since the epoch; undefined when we never did. */
  #made(nonce: string, address: string): number | undefined {
    const bytes = Buffer.from(nonce, 'base64url');
    // Another spelling of the same bytes would have a count of its own.
    if (bytes.length !== signedBytes + nonceBytes.tag || bytes.toString('base64url') !== nonce)
      return undefined;
    const tag = this.#tag(bytes.subarray(0, signedBytes), address);
    return timingSafeEqual(tag, bytes.subarray(signedBytes)) ? madeAt(bytes) : undefined;
  }

  #tag(signed: Buffer, address: string): Buffer {
    return createHmac('sha256', this.#key)
      .update(signed)
      .update(address)
      .digest()
      .subarray(0, nonceBytes.tag);
  }
}

/** Echoed by clients; it says nothing. */
const opaque = '0';

const madeAt = (nonce: Buffer): number => nonce.readUIntBE(0, nonceBytes.time);
