import type { Attribute } from './description.ts';
import { isSrtpSuite, type SrtpKey, type SrtpSuite, srtpSuites } from './srtp-key.ts';

/** A line a=crypto that can be used (RFC 4568 section 5.1). */
export interface CryptoLine {
  /** 1 to 9 digits, as they were written. */
  readonly tag: string;
  readonly key: SrtpKey;
}

/** Most lines a=crypto of one media line that are looked at. */
const mostLines = 32;
/** RFC 3711 section 9.2: no key may protect more packets than this. */
const longestLifetime = 2n ** 48n;
/** RFC 4568 section 6.3.6: a smaller window of replay protection than 64 makes no sense. */
const smallestWindow = 64;

/**
 * The lines a=crypto that can be used, in their order. What cannot be is left out as RFC 4568 section 5.1.2 wants it:
 * suites that are not spoken here, keys of another length, a master key identifier, session parameters that change what
 * is protected. A tag that stands there twice makes all of them useless.
 */
export function readCrypto(attributes: readonly Attribute[]): readonly CryptoLine[] {
  const values = cryptoValues(attributes).slice(0, mostLines);
  const tags = values.map(value => value.split(' ', 1)[0]);
  if (new Set(tags).size !== tags.length) return [];
  return values.map(readLine).filter(line => line !== undefined);
}

/** Whether there is any a=crypto at all. */
export function hasCrypto(attributes: readonly Attribute[]): boolean {
  return attributes.some(({ name }) => name === 'crypto');
}

/** Our own line: without lifetime and identifier, as peers like it best. */
export function cryptoAttribute(tag: string, { suite, key, salt }: SrtpKey): Attribute {
  const inline = Buffer.concat([key, salt]).toString('base64');
  return { name: 'crypto', value: `${tag} ${suite} inline:${inline}` };
}

function cryptoValues(attributes: readonly Attribute[]): string[] {
  return attributes.filter(({ name }) => name === 'crypto').map(({ value = '' }) => value.trim());
}

function readLine(value: string): CryptoLine | undefined {
  const [tag = '', suite = '', parameters = '', ...session] = value.split(/[ \t]+/);
  // RFC 4568 section 9.1: tag = 1*9DIGIT.
  if (!/^\d{1,9}$/.test(tag) || !isSrtpSuite(suite)) return undefined;
  if (!session.every(isHarmless)) return undefined;
  const key = readKey(suite, parameters);
  return key && { tag, key };
}

/** `inline:<base64>["|"lifetime]["|"MKI:length]` (RFC 4568 section 6.1). Several keys at once need identifiers. */
function readKey(suite: SrtpSuite, parameters: string): SrtpKey | undefined {
  if (!/^inline:/i.test(parameters) || parameters.includes(';')) return undefined;
  const [encoded = '', ...more] = parameters.slice('inline:'.length).split('|');
  if (more.length > 1 || !more.every(isLifetime)) return undefined;
  const { keyBytes, saltBytes } = srtpSuites[suite];
  const bytes = Buffer.from(encoded, 'base64');
  const canonical = bytes.toString('base64');
  // Padding may be left away (RFC 4568 section 6.1); anything else must be what the bytes are written as.
  const exact = encoded === canonical || encoded === canonical.replace(/=+$/, '');
  if (!exact || bytes.length !== keyBytes + saltBytes) return undefined;
  return {
    suite,
    key: Uint8Array.from(bytes.subarray(0, keyBytes)),
    salt: Uint8Array.from(bytes.subarray(keyBytes)),
  };
}

/**
 * A lifetime, `2^n` or a number of packets, is how long the peer will use its key, and its own affair. What has a colon
 * is a master key identifier, which is not spoken here.
 */
function isLifetime(text: string): boolean {
  const [, power, number] = /^(?:2\^(\d{1,2})|(\d{1,15}))$/.exec(text) ?? [];
  if (power !== undefined) return Number(power) <= 48;
  return number !== undefined && BigInt(number) > 0n && BigInt(number) <= longestLifetime;
}

/**
 * Session parameters that leave protection as it is (RFC 4568 section 6.3): a window for replays, no key derivation
 * rate, and those that say themselves that they may be passed over.
 */
function isHarmless(parameter: string): boolean {
  if (parameter === '' || parameter.startsWith('-')) return true;
  const [, window] = /^WSH=(\d{1,5})$/.exec(parameter) ?? [];
  return window === undefined ? parameter === 'KDR=0' : Number(window) >= smallestWindow;
}
