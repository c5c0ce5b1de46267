import { read32, write32 } from '../rtp/packet.ts';
import { CounterMode } from './counter-mode.ts';
import { HmacSha1 } from './hmac-sha1.ts';
import type { SessionKeys } from './key-derivation.ts';
import { encryptedFlag, rtcpClearBytes, rtcpIndexBytes, type Transform } from './transform.ts';

/** AES in counter mode with HMAC-SHA1 (RFC 3711 section 4, RFC 6188). */
export class CounterTransform implements Transform {
  readonly tagBytes: number;
  readonly #cipher: CounterMode;
  readonly #hmac: HmacSha1;

  constructor(keys: SessionKeys, tagBytes: number) {
    this.#cipher = new CounterMode(keys.encryption, keys.salt);
    this.#hmac = new HmacSha1(keys.authentication);
    this.tagBytes = tagBytes;
  }

  /** RFC 3711 section 4.2: the tag is over the packet as it is sent and the ROC, which is not sent. */
  sealRtp(
    packet: Uint8Array,
    start: number,
    length: number,
    ssrc: number,
    roc: number,
    sequence: number,
  ): number {
    this.#cipher.apply(packet, start, length, ssrc, roc, sequence);
    this.#hmac.compute(packet, length, roc);
    return this.#tag(packet, length);
  }

  openRtp(
    packet: Uint8Array,
    start: number,
    length: number,
    ssrc: number,
    roc: number,
    sequence: number,
  ): number {
    const end = length - this.tagBytes;
    this.#hmac.compute(packet, end, roc);
    if (!this.#hmac.matches(packet, end, this.tagBytes)) return -1;
    this.#cipher.apply(packet, start, end, ssrc, roc, sequence);
    return end;
  }

  sealRtcp(packet: Uint8Array, length: number, ssrc: number, index: number): number {
    this.#cipher.apply(packet, rtcpClearBytes, length, ssrc, index >>> 16, index & 0xffff);
    write32(packet, length, encryptedFlag + index);
    const end = length + rtcpIndexBytes;
    this.#hmac.compute(packet, end);
    return this.#tag(packet, end);
  }

  openRtcp(packet: Uint8Array, length: number, ssrc: number): number {
    const end = length - this.tagBytes;
    this.#hmac.compute(packet, end);
    if (!this.#hmac.matches(packet, end, this.tagBytes)) return -1;
    const plainEnd = end - rtcpIndexBytes;
    const word = read32(packet, plainEnd);
    if (word >= encryptedFlag) {
      const index = word - encryptedFlag;
      this.#cipher.apply(packet, rtcpClearBytes, plainEnd, ssrc, index >>> 16, index & 0xffff);
    }
    return plainEnd;
  }

  rtcpIndexAt(length: number): number {
    return length - this.tagBytes - rtcpIndexBytes;
  }

  #tag(packet: Uint8Array, at: number): number {
    const { digest } = this.#hmac;
    for (let i = 0; i < this.tagBytes; i++) packet[at + i] = digest[i]!;
    return at + this.tagBytes;
  }
}
