import { type AudioSink, sampleRate } from '../../core/audio.ts';
import { type Logger, silentLogger } from '../../core/logger.ts';
import type { CodecName, MediaPlan, MediaTarget } from '../../sdp/plan.ts';
import { parseRtp, RtpView } from '../rtp/packet.ts';
import { ReceptionStatistics } from '../rtp/reception-statistics.ts';
import { parseRtcp, type ReportBlock, RtcpView } from '../rtp/rtcp.ts';
import { sequencePlus } from '../rtp/sequence.ts';
import { keyOfEvent, readTelephoneEvent, TelephoneEventView } from '../rtp/telephone-event.ts';
import type { WireTap } from '../wire-tap.ts';
import { unitsPerMs } from './delay-estimate.ts';
import { EventGate } from './event-gate.ts';
import { JitterBuffer } from './jitter-buffer.ts';
import { KeyShield } from './key-shield.ts';
import { inboundLimits as limits } from './limits.ts';
import { codecMarks, Playout } from './playout.ts';
import { SinkFeed } from './sink-feed.ts';
import { type Route, SourceLatch } from './source-latch.ts';

export interface InboundOptions {
  /** A key was pressed: `0`..`9`, `*`, `#`, `A`..`D`, once each, when its first packet is seen. */
  onDigit(digit: string): void;
  /** A key was found in the sound; told where that is listened for, and in secure mode. */
  onTone?(key: string): void;
  /** The first packet of the peer was accepted. Called once. */
  onFirstPacket?(nowMs: number): void;
  readonly log?: Logger;
}

/** What was read of the packet that is being taken: one at a time, so all legs of a thread share them. */
const view = new RtpView();
const event = new TelephoneEventView();
const control = new RtcpView();

/** What a payload number means, beside the codecs' marks. */
const kinds = { unknown: 0, event: 100, comfortNoise: 101 } as const;
/** How long before the clock has come as far one more tick may go on; a sum of fractions is held against it. */
const mostFollowedMs = limits.bufferMs / limits.followShare - 1;
/** Static payload number of comfort noise (RFC 3389 section 4). */
const comfortNoisePayloadType = 13;

/**
 * The way in of one leg: datagrams of the peer become 20 ms of sound for the agent in every tick, whatever the network
 * did to them, and pressed keys become digits.
 */
export class Inbound {
  readonly #options: InboundOptions;
  readonly #log: Logger;
  // What every packet asks for is together, so that it lies so.
  readonly #latch = new SourceLatch();
  readonly #statistics = new ReceptionStatistics();
  readonly #buffer = new JitterBuffer();
  readonly #playout = new Playout(this.#buffer);
  readonly #kinds = new Uint8Array(128);
  #deaf = false;
  /** The peer sends and does not listen: it plays music, which is for an ear. */
  #holds = false;
  /** Whether sound of the peer may go to the sink as it comes, byte for byte. */
  #straight = false;
  #sink: AudioSink | undefined;
  /** First packet of a source that may take over from the current one. */
  #challenger: Buffer | undefined;
  #lastPacketMs = -1;
  /** When the clock will have come as far as what was passed on, ms. */
  #evenMs = -1;
  /** Sound in the last packet, ms. */
  #packetMs: number = limits.tickMs;
  readonly #gate = new EventGate();
  readonly #shield = new KeyShield();
  #codec: CodecName = 'PCMU';
  #feed: SinkFeed | undefined;
  #tap: WireTap | undefined;
  #challengerSsrc = 0;
  #challengerNext = 0;
  #late = 0;
  #strangers = 0;
  #malformed = 0;
  #digits = 0;
  #shielded = false;
  /** Where the sound that the tap has heard ends, ms. */
  #tappedMs = Number.NEGATIVE_INFINITY;
  /** The buffer's `takenMs` as of the last tick. */
  #takenMs = Number.NEGATIVE_INFINITY;

  constructor(options: InboundOptions) {
    this.#options = options;
    this.#log = options.log ?? silentLogger;
  }

  /** Takes what SDP settled: at the answer and at every re-offer, also at one that changes nothing. */
  configure(plan: MediaPlan): void {
    // RFC 3264 section 6.1: on a stream that we only send or that is inactive, nothing is expected from the peer.
    this.#deaf = plan.direction === 'sendonly' || plan.direction === 'inactive';
    this.#holds = plan.direction === 'recvonly';
    this.#latch.apply(plan.target, plan.signallingAddress, {
      peerSends: !this.#deaf,
      genuine: plan.srtp !== undefined,
    });
    this.#kinds.fill(kinds.unknown);
    this.#kinds[comfortNoisePayloadType] = kinds.comfortNoise;
    for (const [type, codec] of Object.entries(plan.receivePayloadTypes)) {
      this.#kinds[Number(type)] = codecMarks[codec];
    }
    if (plan.receiveEventPayloadType !== undefined) this.#kinds[plan.receiveEventPayloadType] = kinds.event;
    this.#codec = plan.codec;
    this.#playout.prepare(plan.codec);
  }

  /** Where the peer's sound goes from now on; undefined: nowhere. The rate follows `sink.format`. */
  setSink(sink: AudioSink | undefined): void {
    this.#sink = sink;
    this.#feed = undefined;
    this.#want();
  }

  /** Secure mode: keys are taken out of the sound before anybody gets that. */
  shield(on: boolean): void {
    if (on) this.#shield.raise();
    else this.#shield.lower();
    this.#want();
  }

  /** Whether keys are looked for in the sound. */
  listenForTones(on: boolean): void {
    this.#shield.listen(on);
    this.#want();
  }

  /** From now on what the sink gets is heard by a tap as well, whether there is a sink or not. */
  setTap(tap: WireTap | undefined): void {
    this.#tap = tap;
    this.#want();
  }

  /**
   * One datagram of the RTP port. `nowMs` is the injected clock's monotonic time. True when 20 ms of sound have gone to the
   * sink with it: what else comes waits for `tick`.
   */
  rtp(packet: Buffer, address: string, port: number, nowMs: number): boolean {
    if (packet.length > limits.maxPacketBytes || packet.length < 2) return this.#reject();
    // RFC 5761 section 4: RTCP that shares the port is told by its packet types, 192 to 223.
    if (packet[1]! >= 192 && packet[1]! <= 223) return this.rtcp(packet, address, port, nowMs);
    if (!parseRtp(packet, view)) return this.#reject();
    if (this.#kinds[view.payloadType] === kinds.unknown) return this.#reject();
    const before = this.#latch.state;
    const verdict = this.#latch.judge(packet, view, address, port, nowMs);
    if (verdict === 'held') return false;
    if (verdict === 'stranger') {
      if (this.#strangers++ === 0) this.#log.info('RTP from an unknown source is ignored', { address, port });
      return false;
    }
    if (verdict === 'learned' || this.#latch.state !== before) this.#announce(address, port);
    if (verdict === 'learned') this.#replay();
    if (verdict === 'learned') parseRtp(packet, view);
    return this.#accept(packet, nowMs);
  }

  /** One datagram of the RTCP port; it has no sound. */
  rtcp(packet: Buffer, address: string, port: number, nowMs: number): false {
    if (packet.length > limits.maxPacketBytes || !parseRtcp(packet, control)) return this.#reject();
    if (!this.#latch.judgeControl(address, port)) this.#strangers++;
    // BYE says nothing that SIP does not say better: it does not end a call.
    else if (control.senderReport) this.#statistics.senderReport(control.ssrc, control.ntpMiddle, nowMs);
    return false;
  }

  /**
   * To be called every 20 ms: hands the sink the next 20 ms of the peer's sound, or of silence. `deadlineMs` is when
   * they were due.
   */
  tick(nowMs: number, deadlineMs: number = nowMs): void {
    this.#latch.tick(nowMs);
    const playout = this.#playout;
    const { silent } = playout;
    playout.render(nowMs);
    const count = (playout.rate / 1000) * limits.tickMs;
    const sound = this.#shield.pass(playout.samples, count, playout.rate);
    const sink = this.#sink;
    if (sink !== undefined) {
      const feed = this.#feedOf(sink, playout.rate);
      if (playout.coded) feed.writeCodes(playout.codes, count);
      else feed.write(sound, count);
    }
    this.#tap?.heard(this.#place(deadlineMs, silent), playout.samples, count, playout.rate);
    playout.shift(count);
    if (this.#shield.up !== this.#shielded) this.#want();
    if (this.#shield.begun !== '') this.#options.onTone?.(this.#shield.begun);
    // What was made up for a peer that was not heard is not charged to it.
    if (playout.sounding) this.#passedOn(nowMs);
  }

  /** From now on sound is passed on as it comes, or at an even pace. */
  eager(on: boolean): void {
    this.#buffer.eager = on;
    this.#want();
  }

  /** Whether the next 20 ms are there and may be passed on: a peer that sends faster than it speaks is not followed. */
  ready(nowMs: number): boolean {
    return this.#buffer.eager && this.#mayFollow(nowMs) && this.#playout.ready;
  }

  /** What a packet brings beyond 20 ms lasts that much longer. */
  get patienceMs(): number {
    return this.#buffer.targetMs + Math.max(0, this.#packetMs - limits.tickMs);
  }

  /** Block about the peer's stream for our next report (see `writeReport`); undefined before its first packet. */
  report(nowMs: number): ReportBlock | undefined {
    return this.#statistics.report(nowMs);
  }

  /** Where to send. */
  get route(): Route {
    return this.#latch.route;
  }

  /** Same object as long as nothing changes. */
  get target(): MediaTarget | undefined {
    return this.#latch.target;
  }

  get packetsReceived(): number {
    return this.#statistics.received;
  }

  get lost(): number {
    return this.#statistics.lost;
  }

  /** Packets that came when their sound had been made up for already. */
  get late(): number {
    return this.#late;
  }

  get duplicates(): number {
    return this.#statistics.duplicates;
  }

  /** Packets of sources that are not the peer. */
  get strangers(): number {
    return this.#strangers;
  }

  /** Datagrams that are neither RTP of a negotiated payload type nor RTCP. */
  get malformed(): number {
    return this.#malformed;
  }

  get framesConcealed(): number {
    return this.#playout.framesConcealed;
  }

  /** Interarrival jitter (RFC 3550 section 6.4.1), ms. */
  get jitterMs(): number {
    return this.#statistics.jitterMs;
  }

  /** Delay added by the jitter buffer, mean over all sound played, ms. */
  get bufferDelayMs(): number {
    return this.#buffer.meanDelayMs;
  }

  /** Time of the last packet accepted; undefined before the first. */
  get lastPacketMs(): number | undefined {
    return this.#lastPacketMs < 0 ? undefined : this.#lastPacketMs;
  }

  get digits(): number {
    return this.#digits;
  }

  /** The way as one log line shows it: `latch(sdp) -> jitter(60ms) -> pcmu(decode) -> 8000>16000 -> agent(pcm_16000)`. */
  toString(): string {
    const codec = this.#codec.toLowerCase();
    const head = `latch(${this.#latch.state}) -> jitter(${Math.round(this.#buffer.targetMs)}ms)`;
    const sink = this.#sink;
    if (sink === undefined) return `${head} -> ${codec}(decode) -> nowhere`;
    if (this.#codec === 'PCMU' && sink.format === 'ulaw_8000') return `${head} -> pcmu(pass) -> ${sink}`;
    const rate = this.#codec === 'G722' ? 16000 : 8000;
    const wanted = sampleRate(sink.format);
    return `${head} -> ${codec}(decode) -> ${rate === wanted ? '' : `${rate}>${wanted} -> `}${sink}`;
  }

  /** Bytes as they came are passed on only where nothing has to be taken out of them. */
  #want(): void {
    this.#shielded = this.#shield.up;
    const codes = this.#sink?.format === 'ulaw_8000' && !this.#shielded;
    const samples = this.#tap !== undefined || this.#shield.attends;
    this.#straight = codes && !samples && this.#buffer.eager;
    this.#playout.want(codes, samples);
  }

  /** A tick of the peer's has gone on. A clock that is a little fast never brings it ahead; what a stall held up may follow. */
  #passedOn(nowMs: number): void {
    const soonest = this.#evenMs < 0 ? nowMs : nowMs - limits.followLateMs;
    this.#evenMs = Math.max(soonest, this.#evenMs) + limits.tickMs / limits.followShare;
  }

  /** A peer that sends faster than it speaks is followed for so long only. */
  #mayFollow(nowMs: number): boolean {
    return this.#evenMs - nowMs < mostFollowedMs;
  }

  /**
   * When the sound of a tick was, ms; `silent`: it was silent before. What comes unevenly was spoken evenly: it follows on what was
   * before it. What stands for sound that has not come is of the time that was waited for, lest the next word lie under it.
   */
  #place(deadlineMs: number, silent: boolean): number {
    const { eager, takenMs, targetMs } = this.#buffer;
    const fresh = eager && takenMs !== undefined && takenMs > this.#takenMs;
    const due = fresh ? takenMs : eager ? deadlineMs - targetMs : deadlineMs;
    this.#takenMs = takenMs ?? this.#takenMs;
    const begins = fresh && silent && due > this.#tappedMs;
    const follows = eager && !begins && Math.abs(due - this.#tappedMs) < limits.tapSlackMs;
    const at = follows ? this.#tappedMs : due;
    this.#tappedMs = at + limits.tickMs;
    return at;
  }

  #reject(): false {
    this.#malformed++;
    return false;
  }

  #announce(address: string, port: number): void {
    this.#log.info('RTP source known', { address, port, state: this.#latch.state });
  }

  #replay(): void {
    for (const held of this.#latch.takeHeld()) {
      if (parseRtp(held.packet, view)) this.#accept(held.packet, held.nowMs);
    }
  }

  /** A packet of the peer, parsed into the view; true when its sound has gone on. */
  #accept(packet: Buffer, nowMs: number): boolean {
    const ssrc = this.#statistics.ssrc;
    if (ssrc === undefined) this.#begin(nowMs);
    else if (ssrc !== view.ssrc) return this.#challenge(packet, nowMs);
    this.#challenger = undefined;
    this.#lastPacketMs = nowMs;
    if (!this.#statistics.receive(view.sequence) || this.#statistics.duplicate) return false;
    const kind = this.#kinds[view.payloadType]!;
    if (kind === kinds.event) this.#press(packet);
    else if (kind === kinds.comfortNoise) this.#buffer.pause();
    else return this.#hear(packet, kind, nowMs);
    return false;
  }

  #begin(nowMs: number): void {
    this.#statistics.start(view.ssrc, view.sequence);
    this.#options.onFirstPacket?.(nowMs);
  }

  /**
   * Another SSRC from the peer's own address takes over with its second packet in order (MIN_SEQUENTIAL of RFC 3550
   * appendix A.1), unless the present source is heard in between. The first one is kept so that nothing is missing.
   */
  #challenge(packet: Buffer, nowMs: number): boolean {
    const first = this.#challenger;
    const follows = view.ssrc === this.#challengerSsrc && view.sequence === this.#challengerNext;
    if (first === undefined || !follows) {
      this.#challenger = Buffer.from(packet);
      this.#challengerSsrc = view.ssrc;
      this.#challengerNext = sequencePlus(view.sequence, 1);
      return false;
    }
    this.#log.info('RTP source changed its SSRC');
    this.#gate.reset();
    this.#buffer.remap();
    parseRtp(first, view);
    this.#statistics.start(view.ssrc, view.sequence);
    this.#accept(first, nowMs);
    parseRtp(packet, view);
    return this.#accept(packet, nowMs);
  }

  #hear(packet: Buffer, mark: number, nowMs: number): boolean {
    this.#statistics.arrival(view.timestamp, nowMs);
    // RFC 3264 section 8.4: whoever holds a call may play music. An agent would take it for the caller.
    if (this.#deaf || (this.#holds && this.#buffer.eager) || view.payloadLength === 0) return false;
    this.#packetMs = Math.min(limits.bufferMs, view.payloadLength / unitsPerMs);
    if (this.#straight && this.#mayFollow(nowMs) && this.#playout.follow(packet, view, mark, nowMs)) {
      this.#sink?.write(packet, view.payloadStart, view.payloadStart + view.payloadLength);
      this.#passedOn(nowMs);
      return true;
    }
    if (!this.#buffer.put(packet, view, mark, nowMs)) this.#late++;
    return false;
  }

  #press(packet: Buffer): void {
    this.#buffer.pause();
    this.#shield.event(this.#buffer.targetMs);
    if (!readTelephoneEvent(packet, view.payloadStart, view.payloadLength, event)) return;
    const key = keyOfEvent(event.event);
    if (key === undefined || !this.#gate.opens(view.timestamp, event)) return;
    this.#digits++;
    this.#options.onDigit(key);
  }

  #feedOf(sink: AudioSink, rate: number): SinkFeed {
    if (this.#feed === undefined || this.#feed.rate !== rate) {
      this.#feed = new SinkFeed(sink, rate, (rate / 1000) * limits.tickMs);
    }
    return this.#feed;
  }
}
