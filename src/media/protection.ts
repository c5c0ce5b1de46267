import { type SrtpKeys, sameKey } from '../sdp/srtp-key.ts';
import { SrtpReceiver } from './srtp/receiver.ts';
import { SrtpSender } from './srtp/sender.ts';

/** First and last packet type of RTCP where it shares a port with RTP (RFC 5761 section 4). */
const rtcpFirst = 192;
const rtcpLast = 223;

/** Whether a datagram of the RTP port is RTCP. */
export function isRtcp(packet: Uint8Array): boolean {
  return packet.length > 1 && packet[1]! >= rtcpFirst && packet[1]! <= rtcpLast;
}

/**
 * SRTP of one leg, or none. Keys that stay the same keep everything, counters and replay windows included, so that a
 * re-offer that changes nothing, or holds the call, is not noticed here.
 */
export class Protection {
  /** What protects packets to the peer; undefined while they are sent in the clear. */
  sender: SrtpSender | undefined;
  #receiver: SrtpReceiver | undefined;
  #keys: SrtpKeys | undefined;
  #unauthenticBefore = 0;
  #replayedBefore = 0;

  /** Name of the suite, `none` without one. */
  get suite(): string {
    return this.#keys?.receive.suite ?? 'none';
  }

  /** Packets dropped because nobody with the key sent them. */
  get unauthentic(): number {
    return this.#unauthenticBefore + (this.#receiver?.unauthentic ?? 0);
  }

  /** Packets dropped because they had come before, or were too old to tell. */
  get replayed(): number {
    return this.#replayedBefore + (this.#receiver?.replayed ?? 0);
  }

  /** Takes the keys that SDP settled; none means that packets are sent and taken in the clear. */
  apply(keys: SrtpKeys | undefined): void {
    const before = this.#keys;
    this.#keys = keys;
    if (!sameKey(before?.send, keys?.send)) this.sender = keys && new SrtpSender(keys.send);
    if (sameKey(before?.receive, keys?.receive)) return;
    const former = this.#receiver;
    this.#unauthenticBefore = this.unauthentic;
    this.#replayedBefore = this.replayed;
    this.#receiver = keys && new SrtpReceiver(keys.receive, former);
  }

  /** What the peer sent, RTP or RTCP, opened where it is; undefined when it is to be dropped. */
  open(packet: Buffer, control: boolean): Buffer | undefined {
    const receiver = this.#receiver;
    if (receiver === undefined) return packet;
    const length = control ? receiver.openRtcp(packet) : receiver.openRtp(packet);
    return length === 0 ? undefined : packet.subarray(0, length);
  }
}
