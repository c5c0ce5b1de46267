import type { Socket } from 'node:dgram';
import type { Prompt } from '../../core/prompt.ts';
import { isUnspecified } from '../../sdp/address.ts';
import type { Direction, MediaPlan, MediaTarget } from '../../sdp/plan.ts';
import type { PlayTime } from '../../worker/legs.ts';
import { Histogram } from '../histogram.ts';
import { mediaLimits } from '../limits.ts';
import type { MediaMeters } from '../meters.ts';
import { rtpHeaderBytes, writeHeader } from '../rtp/packet.ts';
import { telephoneEventBytes, writeTelephoneEvent } from '../rtp/telephone-event.ts';
import type { SrtpSender } from '../srtp/sender.ts';
import type { WayOut } from '../wire.ts';
import type { WireTap } from '../wire-tap.ts';
import { bytesPerMs, type Encoder } from './encoder.ts';
import type { TellHeard } from './ledger.ts';
import { Mix } from './mix.ts';
import { StreamClock } from './stream-clock.ts';
import type { VoiceSource } from './voice.ts';

export interface OutboundOptions {
  readonly socket: Socket;
  /** Where packets go now; asked for each of them. */
  readonly source: { readonly target: MediaTarget | undefined };
  readonly meters: MediaMeters;
  readonly random: () => number;
  /** Told how much of each event of the agent was heard. */
  readonly heard?: TellHeard;
  /** What encrypts packets, as it is when a plan is applied; plain RTP unless given. */
  readonly protection?: { readonly sender: SrtpSender | undefined };
}

/** Bytes of a telephone-event packet without what SRTP adds. */
const plainEventBytes = rtpHeaderBytes + telephoneEventBytes;

/** Directions in which this bridge sends (RFC 3264 section 6.1). */
const sends: Readonly<Record<Direction, boolean>> = {
  sendrecv: true,
  sendonly: true,
  recvonly: false,
  inactive: false,
};

/**
 * The sound towards the peer: one packet a period, from the moment a plan is applied until the end, silence when there
 * is nothing to say. Only a hold stops it: a peer that does not want to receive is sent nothing (RFC 3264 section 8.4).
 * What was queued then waits and is heard after the hold; what the agent says into the hold is not kept.
 */
export class Outbound implements WayOut {
  readonly mix: Mix;
  readonly lateness: Histogram = new Histogram();
  readonly #options: OutboundOptions;
  readonly #socket: Socket;
  readonly #source: { readonly target: MediaTarget | undefined };
  readonly #meters: MediaMeters;
  #clock: StreamClock;
  /** Two, used in turn: a send that the kernel put off still owns the one before. */
  #packets: [Buffer, Buffer] = [Buffer.alloc(0), Buffer.alloc(0)];
  #turn = 0;
  /** Packets in a row that were silence and lie in the clear: from two on both of them hold it already. */
  #silent = 0;
  /** The same for telephone-events. */
  #eventPackets: [Buffer, Buffer] = [Buffer.alloc(0), Buffer.alloc(0)];
  /** Bytes of a packet without what SRTP adds. */
  #plainBytes = 0;
  #sender: SrtpSender | undefined;
  #plan: MediaPlan | undefined;
  #encoder: Encoder | undefined;
  #target: MediaTarget | undefined;
  #reachable = false;
  #tap: WireTap | undefined;
  packets = 0;
  octets = 0;
  /** How many of the packets had another SSRC; the octets are those of the present one. */
  packetsBefore = 0;

  constructor(options: OutboundOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.#source = options.source;
    this.#meters = options.meters;
    this.mix = new Mix({ meters: options.meters, heard: options.heard, fades: true });
    this.#clock = new StreamClock(options.random);
  }

  get ssrc(): number {
    return this.#clock.ssrc;
  }

  /** Takes what SDP settled. SSRC, sequence numbers and timestamps go on, unless a key ends that has seen a wrap. */
  apply(plan: MediaPlan, nowMs: number): void {
    this.#plan = plan;
    this.#encoder = this.mix.tune(plan.codec);
    this.mix.keyEvents = plan.sendEventPayloadType !== undefined;
    const sender = this.#options.protection?.sender;
    if (sender !== this.#sender && this.#sender?.wrapped === true) this.#startAnew();
    this.#sender = sender;
    this.#silent = 0;
    this.#plainBytes = rtpHeaderBytes + plan.packetTime * bytesPerMs;
    const bytes = this.#plainBytes + (this.#sender?.rtpExtraBytes ?? 0);
    if (bytes !== this.#packets[0].length) {
      // Each of its very own size: `send` with an offset and a length would make a view a packet.
      this.#packets = [Buffer.allocUnsafeSlow(bytes), Buffer.allocUnsafeSlow(bytes)];
    }
    const eventBytes = plainEventBytes + (this.#sender?.rtpExtraBytes ?? 0);
    this.#eventPackets = [Buffer.allocUnsafeSlow(eventBytes), Buffer.allocUnsafeSlow(eventBytes)];
    if (sends[plan.direction]) this.mix.unhold();
    else this.mix.hold(nowMs);
  }

  /** From now on every packet of sound is heard by a tap before it is encrypted and sent. */
  setTap(tap: WireTap | undefined): void {
    this.#tap = tap;
  }

  interrupt(eventId: number, nowMs: number): boolean {
    return this.mix.interrupt(eventId, nowMs);
  }

  listen(line: VoiceSource | undefined, alone: boolean): void {
    this.mix.listen(line, alone);
  }

  prompt(sound: Prompt, when: PlayTime, done?: () => void): boolean {
    return this.mix.prompt(sound, when, done);
  }

  tellHeard(): void {
    this.mix.tellHeard();
  }

  finished(nowMs: number): boolean {
    return this.mix.finished(nowMs);
  }

  close(): void {
    this.mix.close();
  }

  timestampAt(nowMs: number): number {
    return this.#clock.timestampAt(nowMs);
  }

  send(deadlineMs: number, nowMs: number): void {
    const plan = this.#plan;
    const encoder = this.#encoder;
    const { mix } = this;
    const { still } = mix;
    if (plan === undefined || encoder === undefined || (!still && mix.onHold)) return;
    const { target } = this.#source;
    if (target !== this.#target) this.#aim(target);
    if (target === undefined || !this.#reachable) return;
    if (!still && mix.keypad.busy && this.#sendKey(plan, target, deadlineMs)) return;
    const clock = this.#clock;
    this.#turn = 1 - this.#turn;
    const packet = this.#packets[this.#turn]!;
    const bytes = this.#plainBytes - rtpHeaderBytes;
    clock.advance(deadlineMs, plan.packetTime);
    const filled = still && this.#silent > 1;
    const heard = !filled && mix.fill(packet, rtpHeaderBytes, bytes, encoder);
    // RFC 3551 section 4.1: the marker is the first packet after a silence; it also owns up to a gap in the timestamps.
    const marker = !clock.continuous || (heard && !mix.talking);
    writeHeader(packet, plan.sendPayloadType, marker, clock.sequence, clock.timestamp, clock.ssrc);
    this.#tap?.sent(deadlineMs, packet, rtpHeaderBytes, bytes, plan.codec);
    this.#sender?.sealRtp(packet, this.#plainBytes);
    this.#socket.send(packet, target.rtpPort, target.address);
    this.packets++;
    this.octets += bytes;
    this.#meters.packetsSent++;
    if (!filled) this.#note(heard, encoder, nowMs);
    this.lateness.record(nowMs - deadlineMs);
  }

  toString(): string {
    if (this.#plan === undefined) return 'nothing';
    return `${this.mix} -> rtp(pt ${this.#plan.sendPayloadType}, ${this.#plan.packetTime}ms, ${this.#plan.direction})`;
  }

  /**
   * Another SSRC. RFC 3711 section 3.3.1 has the rollover counter go on under a new key, and some peers begin it anew: that
   * of a source which begins is zero for all of them.
   */
  #startAnew(): void {
    this.#clock = new StreamClock(this.#options.random);
    this.packetsBefore = this.packets;
    this.octets = 0;
  }

  #note(heard: boolean, encoder: Encoder, nowMs: number): void {
    const { mix } = this;
    mix.note(heard, nowMs);
    const stays = mix.source === 'silence' && encoder.plain && this.#sender === undefined;
    this.#silent = stays ? this.#silent + 1 : 0;
  }

  /** Sends what a key that is down has to send; false when the packet that is due is one of sound. */
  #sendKey(plan: MediaPlan, target: MediaTarget, deadlineMs: number): boolean {
    const { keypad } = this.mix;
    const step = keypad.step(plan.packetTime);
    if (step === 'sound') return false;
    const type = plan.sendEventPayloadType;
    // A re-offer in the middle of a key may have taken telephone-event away.
    if (step === 'nothing' || type === undefined) return true;
    const clock = this.#clock;
    // RFC 4733 section 2.5.1.2: all packets of an event have the timestamp of its beginning.
    if (keypad.first || !clock.started) clock.advance(deadlineMs, plan.packetTime);
    else clock.repeat();
    const packet = this.#eventPackets[this.packets & 1]!;
    writeHeader(packet, type, keypad.first, clock.sequence, clock.timestamp, clock.ssrc);
    const { event, end, durationMs } = keypad;
    const duration = durationMs * bytesPerMs;
    writeTelephoneEvent(packet, rtpHeaderBytes, event, end, mediaLimits.keyVolume, duration);
    this.#sender?.sealRtp(packet, plainEventBytes);
    this.#socket.send(packet, target.rtpPort, target.address);
    this.packets++;
    this.octets += telephoneEventBytes;
    this.#meters.packetsSent++;
    this.mix.quiet();
    return true;
  }

  /** The unspecified address is a hold of old (RFC 3264 section 8.4), and the kernel would take it for this host. */
  #aim(target: MediaTarget | undefined): void {
    this.#target = target;
    this.#reachable = target !== undefined && target.rtpPort > 0 && !isUnspecified(target.address);
  }
}
