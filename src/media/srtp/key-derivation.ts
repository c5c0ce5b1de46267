import { createCipheriv } from 'node:crypto';
import type { SrtpKey } from '../../sdp/srtp-key.ts';
import { hmacBytes } from './hmac-sha1.ts';

/** Keys of one kind of packet, made from the master key. `authentication` is empty for GCM, which needs none. */
export interface SessionKeys {
  readonly encryption: Uint8Array;
  readonly authentication: Uint8Array;
  readonly salt: Uint8Array;
}

/** RFC 3711 section 4.3.1 and 4.3.2. */
const labels = {
  rtp: { encryption: 0, authentication: 1, salt: 2 },
  rtcp: { encryption: 3, authentication: 4, salt: 5 },
} as const;

/**
 * Session keys for RTP or RTCP with the key derivation rate zero, which is the only one of SDES without KDR: they are
 * derived once (RFC 3711 section 4.3.1). For AES-256 the function is AES_256_CM_PRF (RFC 6188 section 3).
 */
export function deriveKeys(master: SrtpKey, kind: 'rtp' | 'rtcp'): SessionKeys {
  const label = labels[kind];
  const aead = master.suite.startsWith('AEAD');
  return {
    encryption: derive(master, label.encryption, master.key.length),
    authentication: aead ? new Uint8Array(0) : derive(master, label.authentication, hmacBytes),
    salt: derive(master, label.salt, master.salt.length),
  };
}

/**
 * RFC 3711 section 4.3.3: AES in counter mode over zeros, starting at (salt XOR label * 2^48) * 2^16. A salt of 12 bytes
 * is taken as the upper 96 of 112 bits (RFC 7714 section 11).
 */
function derive({ key, salt }: SrtpKey, label: number, length: number): Uint8Array {
  const start = new Uint8Array(16);
  start.set(salt);
  start[7] = start[7]! ^ label;
  const cipher = createCipheriv(key.length === 32 ? 'aes-256-ctr' : 'aes-128-ctr', key, start);
  return Uint8Array.from(cipher.update(new Uint8Array(length)));
}
