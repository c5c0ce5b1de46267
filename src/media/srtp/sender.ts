import type { SrtpKey } from '../../sdp/srtp-key.ts';
import { read32 } from '../rtp/packet.ts';
import { extendSequence, sequenceModulus } from '../rtp/sequence.ts';
import { payloadStart } from './header.ts';
import { transformOf } from './suites.ts';
import { rtcpIndexBytes, type Transform } from './transform.ts';

/** One more than the largest index of RTP (RFC 3711 section 3.3.1) and of RTCP (section 3.4). */
const rtpIndices = 2 ** 48;
const rtcpIndices = 2 ** 31;

/**
 * Protects one outgoing stream and its RTCP with one key. A packet index is never used twice, because two packets under
 * one key stream give both away (RFC 3711 section 9.1): what would do so is a fault of ours and throws.
 */
export class SrtpSender {
  readonly #rtp: Transform;
  readonly #rtcp: Transform;
  #ssrc = -1;
  #index = -1;
  #rtcpIndex = 0;

  constructor(key: SrtpKey) {
    this.#rtp = transformOf(key, 'rtp');
    this.#rtcp = transformOf(key, 'rtcp');
  }

  /** Bytes that a protected RTP packet is longer. */
  get rtpExtraBytes(): number {
    return this.#rtp.tagBytes;
  }

  /** Bytes that a protected RTCP packet is longer. */
  get rtcpExtraBytes(): number {
    return this.#rtcp.tagBytes + rtcpIndexBytes;
  }

  /** Whether its rollover counter is no longer zero. */
  get wrapped(): boolean {
    return this.#index >= sequenceModulus;
  }

  /** Protects the first `length` bytes, which are a whole RTP packet, and returns the length with what was added. */
  sealRtp(packet: Uint8Array, length: number): number {
    const start = payloadStart(packet, length);
    if (start < 0) throw new Error('what is to be protected is no RTP packet');
    const ssrc = this.#own(read32(packet, 8));
    const sequence = (packet[2]! << 8) | packet[3]!;
    const index = this.#index < 0 ? sequence : extendSequence(this.#index, sequence);
    if (index <= this.#index) throw new Error('an RTP packet index would be used twice');
    if (index >= rtpIndices) throw new Error('the SRTP key is used up');
    this.#index = index;
    return this.#rtp.sealRtp(packet, start, length, ssrc, Math.floor(index / sequenceModulus), sequence);
  }

  /** The same for a compound RTCP packet. */
  sealRtcp(packet: Uint8Array, length: number): number {
    const ssrc = this.#own(read32(packet, 4));
    if (this.#rtcpIndex >= rtcpIndices) throw new Error('the SRTCP key is used up');
    return this.#rtcp.sealRtcp(packet, length, ssrc, this.#rtcpIndex++);
  }

  #own(ssrc: number): number {
    if (this.#ssrc < 0) this.#ssrc = ssrc;
    if (this.#ssrc !== ssrc) throw new Error('a second source was to be protected with one key');
    return ssrc;
  }
}
