import type { SrtpKey } from '../../sdp/srtp-key.ts';
import { read32 } from '../rtp/packet.ts';
import { extendSequence, sequenceModulus } from '../rtp/sequence.ts';
import { payloadStart } from './header.ts';
import { srtpLimits as limits } from './limits.ts';
import { SourceTable } from './source-table.ts';
import { transformOf } from './suites.ts';
import { rtcpClearBytes, rtcpIndexBytes, type Transform } from './transform.ts';

/** Why a packet was not opened: its tag, or that it has come before or too late to tell. */
const wrong = -1;
const repeated = -2;

/**
 * Opens what a peer protects with one key, and drops everything else: what is no packet, what has no right tag, what has
 * come before. It keeps nothing of a packet that has not proved genuine.
 */
export class SrtpReceiver {
  /** Packets that were not the peer's, and packets that came before or too late to tell. */
  unauthentic = 0;
  replayed = 0;
  readonly #rtp: Transform;
  readonly #rtcp: Transform;
  readonly #sources = new SourceTable();
  /** What the peer used before: its packets may still be under way. */
  #former: SrtpReceiver | undefined;
  /** What came under the last key that anything came under: the rollover counters may go on from there. */
  readonly #before: SourceTable | undefined;

  /** `former` opened the packets of the same peer under its last key. */
  constructor(key: SrtpKey, former?: SrtpReceiver) {
    this.#rtp = transformOf(key, 'rtp');
    this.#rtcp = transformOf(key, 'rtcp');
    this.#former = former;
    if (former === undefined) return;
    this.#before = former.#sources.empty ? former.#before : former.#sources;
    former.#former = undefined;
  }

  /** Opens an RTP packet where it is, and returns the length of what was protected; 0 when it is to be dropped. */
  openRtp(packet: Uint8Array): number {
    const length = packet.length;
    const start = payloadStart(packet, length);
    const fits = start >= 0 && length >= start + this.#rtp.tagBytes && length <= limits.packetBytes;
    if (fits) {
      const opened = this.#openRtp(packet, start);
      if (opened > 0) return opened;
      const before = this.#former?.openRtp(packet) ?? 0;
      if (before > 0) return before;
      if (opened === repeated) {
        this.replayed++;
        return 0;
      }
    }
    this.unauthentic++;
    return 0;
  }

  /** The same for SRTCP. */
  openRtcp(packet: Uint8Array): number {
    const length = packet.length;
    const least = rtcpClearBytes + rtcpIndexBytes + this.#rtcp.tagBytes;
    if (length >= least && length <= limits.packetBytes && packet[0]! >> 6 === 2) {
      const opened = this.#openRtcp(packet);
      if (opened > 0) return opened;
      const before = this.#former?.openRtcp(packet) ?? 0;
      if (before > 0) return before;
      if (opened === repeated) {
        this.replayed++;
        return 0;
      }
    }
    this.unauthentic++;
    return 0;
  }

  #openRtp(packet: Uint8Array, start: number): number {
    const ssrc = read32(packet, 8);
    const sequence = (packet[2]! << 8) | packet[3]!;
    const highest = this.#sources.highest(ssrc, 'rtp');
    if (highest < 0) return this.#openFirst(packet, start, ssrc, sequence);
    // RFC 3711 section 3.3.1: of ROC - 1, ROC and ROC + 1 the one that brings the index nearest to the highest so far.
    const index = extendSequence(highest, sequence);
    const admitted = index >= 0 && this.#sources.admits(ssrc, 'rtp', index);
    if (admitted) {
      const opened = this.#try(packet, start, ssrc, index);
      if (opened > 0) return opened;
    } else if (highest - index < limits.replayWindow) {
      return repeated;
    }
    // A peer that was not heard for more than half a turn of its sequence numbers has gone on by one more.
    const later = this.#try(packet, start, ssrc, index + sequenceModulus);
    if (later > 0) return later;
    return admitted ? wrong : repeated;
  }

  /**
   * The first packet of a source: its counter begins at zero, unless it goes on where it was under a former key (RFC 3711
   * section 3.3.1). What began before there was a key may have wrapped since.
   */
  #openFirst(packet: Uint8Array, start: number, ssrc: number, sequence: number): number {
    if (!this.#sources.hasRoom(ssrc)) return wrong;
    const opened = this.#try(packet, start, ssrc, sequence);
    if (opened > 0) return opened;
    const before = this.#before?.highest(ssrc, 'rtp') ?? -1;
    const wrapped = sequence < sequenceModulus / 2 ? sequence + sequenceModulus : sequence;
    const index = before < 0 ? wrapped : extendSequence(before, sequence);
    return index < sequenceModulus ? wrong : this.#try(packet, start, ssrc, index);
  }

  #try(packet: Uint8Array, start: number, ssrc: number, index: number): number {
    const roc = Math.floor(index / sequenceModulus);
    const sequence = index % sequenceModulus;
    const opened = this.#rtp.openRtp(packet, start, packet.length, ssrc, roc, sequence);
    if (opened < 0) return wrong;
    this.#sources.accept(ssrc, 'rtp', index);
    this.#former = undefined;
    return opened;
  }

  #openRtcp(packet: Uint8Array): number {
    const ssrc = read32(packet, 4);
    const index = read32(packet, this.#rtcp.rtcpIndexAt(packet.length)) & 0x7fff_ffff;
    const known = this.#sources.highest(ssrc, 'rtcp') >= 0;
    if (known ? !this.#sources.admits(ssrc, 'rtcp', index) : !this.#sources.hasRoom(ssrc)) return repeated;
    const opened = this.#rtcp.openRtcp(packet, packet.length, ssrc);
    if (opened < 0) return wrong;
    this.#sources.accept(ssrc, 'rtcp', index);
    return opened;
  }
}
