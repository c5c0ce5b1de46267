import type { SrtpKey } from '../../sdp/srtp-key.ts';
import { CounterTransform } from './counter-transform.ts';
import { GcmTransform } from './gcm-transform.ts';
import { deriveKeys } from './key-derivation.ts';
import type { Transform } from './transform.ts';

const longTag = 10;
const shortTag = 4;

/**
 * The transform of a key's suite with the session keys of one kind of packet. `_32` shortens the tags of RTP alone: RTCP
 * keeps 80 bits (RFC 4568 section 6.2.2, RFC 6188 section 4).
 */
export function transformOf(master: SrtpKey, kind: 'rtp' | 'rtcp'): Transform {
  const keys = deriveKeys(master, kind);
  if (master.suite === 'AEAD_AES_128_GCM') return new GcmTransform(keys.encryption, keys.salt);
  const short = kind === 'rtp' && master.suite.endsWith('_32');
  return new CounterTransform(keys, short ? shortTag : longTag);
}
