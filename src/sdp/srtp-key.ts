import { randomBytes } from 'node:crypto';

/**
 * The suites that are spoken here, by their names in SDP, with the bytes of master key and master salt: RFC 4568
 * section 6.2, RFC 6188 section 7.1, RFC 7714 section 14.2. The order is that of our own offers.
 */
export const srtpSuites = {
  AES_CM_128_HMAC_SHA1_80: { keyBytes: 16, saltBytes: 14 },
  AES_CM_128_HMAC_SHA1_32: { keyBytes: 16, saltBytes: 14 },
  AES_256_CM_HMAC_SHA1_80: { keyBytes: 32, saltBytes: 14 },
  AES_256_CM_HMAC_SHA1_32: { keyBytes: 32, saltBytes: 14 },
  AEAD_AES_128_GCM: { keyBytes: 16, saltBytes: 12 },
} as const;

export type SrtpSuite = keyof typeof srtpSuites;

export const srtpSuiteNames = Object.keys(srtpSuites) as readonly SrtpSuite[];

export function isSrtpSuite(name: string): name is SrtpSuite {
  return Object.hasOwn(srtpSuites, name);
}

/** Master key and salt of one direction. Secret: it stands in SDP and in the message to the worker, nowhere else. */
export interface SrtpKey {
  readonly suite: SrtpSuite;
  readonly key: Uint8Array;
  readonly salt: Uint8Array;
}

/** The keys of both directions (RFC 4568 section 5.1.2: each side gives the key that it sends with). */
export interface SrtpKeys {
  readonly send: SrtpKey;
  readonly receive: SrtpKey;
}

/** A key that nobody has had before. */
export function freshKey(suite: SrtpSuite): SrtpKey {
  const { keyBytes, saltBytes } = srtpSuites[suite];
  return {
    suite,
    key: Uint8Array.from(randomBytes(keyBytes)),
    salt: Uint8Array.from(randomBytes(saltBytes)),
  };
}

export function sameKey(a: SrtpKey | undefined, b: SrtpKey | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.suite === b.suite && Buffer.compare(a.key, b.key) === 0 && Buffer.compare(a.salt, b.salt) === 0;
}

export function sameKeys(a: SrtpKeys | undefined, b: SrtpKeys | undefined): boolean {
  return sameKey(a?.send, b?.send) && sameKey(a?.receive, b?.receive);
}
