import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import { read32, write32 } from '../rtp/packet.ts';
import { encryptedFlag, rtcpClearBytes, rtcpIndexBytes, type Transform } from './transform.ts';

const algorithm = 'aes-128-gcm';
const tag = { authTagLength: 16 } as const;
const nothing = new Uint8Array(0);

/** AEAD_AES_128_GCM (RFC 7714). node:crypto needs a cipher for each packet here: about 5 microseconds of it. */
export class GcmTransform implements Transform {
  readonly tagBytes = tag.authTagLength;
  readonly #key: KeyObject;
  readonly #salt: Uint8Array;
  readonly #iv = new Uint8Array(12);
  readonly #index = new Uint8Array(rtcpIndexBytes);

  /** Session key of 16 bytes, session salt of 12. */
  constructor(key: Uint8Array, salt: Uint8Array) {
    this.#key = createSecretKey(key);
    this.#salt = salt;
  }

  /** RFC 7714 section 8.2: the whole header is authenticated, the payload encrypted. */
  sealRtp(
    packet: Uint8Array,
    start: number,
    length: number,
    ssrc: number,
    roc: number,
    sequence: number,
  ): number {
    this.#prepare(ssrc, roc, sequence);
    return this.#seal(packet, start, length, packet.subarray(0, start));
  }

  openRtp(
    packet: Uint8Array,
    start: number,
    length: number,
    ssrc: number,
    roc: number,
    sequence: number,
  ): number {
    this.#prepare(ssrc, roc, sequence);
    return this.#open(packet, start, length, packet.subarray(0, start));
  }

  /** RFC 7714 section 9.2: the tag comes before E flag and index, which are authenticated. */
  sealRtcp(packet: Uint8Array, length: number, ssrc: number, index: number): number {
    this.#prepare(ssrc, index >>> 16, index & 0xffff);
    write32(this.#index, 0, encryptedFlag + index);
    const end = this.#seal(packet, rtcpClearBytes, length, this.#rtcpData(packet, rtcpClearBytes));
    packet.set(this.#index, end);
    return end + rtcpIndexBytes;
  }

  openRtcp(packet: Uint8Array, length: number, ssrc: number): number {
    const end = length - rtcpIndexBytes;
    const word = read32(packet, end);
    const index = word & ~encryptedFlag;
    this.#prepare(ssrc, index >>> 16, index & 0xffff);
    write32(this.#index, 0, word);
    // RFC 7714 section 9.3: without the E flag all of the packet is only authenticated.
    const start = word >= encryptedFlag ? rtcpClearBytes : end - this.tagBytes;
    return this.#open(packet, start, end, this.#rtcpData(packet, start));
  }

  rtcpIndexAt(length: number): number {
    return length - rtcpIndexBytes;
  }

  /** RFC 7714 sections 8.1 and 9.1: IV = (0, SSRC, 48 bits of index) XOR salt. */
  #prepare(ssrc: number, high: number, low: number): void {
    const iv = this.#iv;
    iv.set(this.#salt);
    for (let i = 0; i < 4; i++) {
      iv[2 + i] = iv[2 + i]! ^ (ssrc >>> (24 - 8 * i));
      iv[6 + i] = iv[6 + i]! ^ (high >>> (24 - 8 * i));
    }
    iv[10] = iv[10]! ^ (low >>> 8);
    iv[11] = iv[11]! ^ low;
  }

  #rtcpData(packet: Uint8Array, end: number): Uint8Array {
    return Buffer.concat([packet.subarray(0, end), this.#index]);
  }

  #seal(packet: Uint8Array, start: number, length: number, data: Uint8Array): number {
    const cipher = createCipheriv(algorithm, this.#key, this.#iv, tag);
    cipher.setAAD(data);
    packet.set(cipher.update(packet.subarray(start, length)), start);
    cipher.final();
    packet.set(cipher.getAuthTag(), length);
    return length + this.tagBytes;
  }

  #open(packet: Uint8Array, start: number, length: number, data: Uint8Array): number {
    const end = length - this.tagBytes;
    const cipher = createDecipheriv(algorithm, this.#key, this.#iv, tag);
    cipher.setAAD(data);
    cipher.setAuthTag(packet.subarray(end, length));
    const plain = end > start ? cipher.update(packet.subarray(start, end)) : nothing;
    try {
      cipher.final();
    } catch {
      return -1; // node:crypto has no other way to say that the tag is wrong
    }
    packet.set(plain, start);
    return end;
  }
}
