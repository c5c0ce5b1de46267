import type { Socket } from 'node:dgram';
import type { AudioFormat } from '../../core/audio.ts';
import type { Prompt } from '../../core/prompt.ts';
import type { Direction, MediaPlan, MediaTarget } from '../../sdp/plan.ts';
import type { KeyForm, PlayTime } from '../../worker/legs.ts';
import { Histogram } from '../histogram.ts';
import { mediaLimits } from '../limits.ts';
import type { MediaMeters } from '../meters.ts';
import { rtpHeaderBytes, writeHeader } from '../rtp/packet.ts';
import { telephoneEventBytes, writeTelephoneEvent } from '../rtp/telephone-event.ts';
import type { SrtpSender } from '../srtp/sender.ts';
import type { WireTap } from '../wire-tap.ts';
import { bytesPerMs, createEncoder, type Encoder } from './encoder.ts';
import { Keypad } from './keypad.ts';
import type { TellHeard } from './ledger.ts';
import type { PacedStream } from './pacer.ts';
import { Playout } from './playout.ts';
import { Prompts } from './prompts.ts';
import { StreamClock } from './stream-clock.ts';
import { createVoice, type Voice, type VoiceSource } from './voice.ts';

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
export class Outbound implements PacedStream {
  readonly lateness: Histogram = new Histogram();
  readonly #options: OutboundOptions;
  readonly #clock: StreamClock;
  /** Two, used in turn: a send that the kernel put off still owns the one before. */
  #packets: [Buffer, Buffer] = [Buffer.alloc(0), Buffer.alloc(0)];
  /** The same for telephone-events. */
  #eventPackets: [Buffer, Buffer] = [Buffer.alloc(0), Buffer.alloc(0)];
  readonly #keypad = new Keypad();
  /** Sound of another leg, and whether it takes the place of the agent's. */
  #line: VoiceSource | undefined;
  #lineVoice: Voice | undefined;
  #lineAlone = false;
  /** Bytes of a packet without what SRTP adds. */
  #plainBytes = 0;
  #sender: SrtpSender | undefined;
  #plan: MediaPlan | undefined;
  #encoder: Encoder | undefined;
  #playout: Playout | undefined;
  #voice: Voice | undefined;
  /** What a conversation that was lost had still to say: it is heard before the next one's. */
  #rest: { readonly playout: Playout; voice: Voice } | undefined;
  readonly #prompts = new Prompts();
  /** Sound of the agent has come since the one in the background began. */
  #spoken = false;
  readonly #tone = new Int16Array(16 * mediaLimits.longestPacketMs);
  #opened = false;
  #talking = false;
  /** When the peer stopped listening, ms; NaN while it listens. */
  #heldMs = Number.NaN;
  #cutMs = Number.NaN;
  #firstSoundMs = Number.NaN;
  #firstAudioMs: number | undefined;
  #lastHeardMs = Number.NaN;
  #unheardBefore = 0;
  #overflowBefore = 0;
  #target: MediaTarget | undefined;
  #reachable = false;
  #tap: WireTap | undefined;
  packets = 0;
  octets = 0;

  constructor(options: OutboundOptions) {
    this.#options = options;
    this.#clock = new StreamClock(options.random);
  }

  get ssrc(): number {
    return this.#clock.ssrc;
  }

  /** Agent sound that waits to be played, ms. */
  get queuedMs(): number {
    return (this.#playout?.queuedMs ?? 0) + (this.#rest?.playout.queuedMs ?? 0);
  }

  /** The highest event that the agent's sound has come for. */
  get newestEvent(): number {
    return this.#playout?.newestEvent ?? Number.NEGATIVE_INFINITY;
  }

  /** Agent sound that was not and will not be heard, ms; without what still waits. */
  get unheardMs(): number {
    return this.#unheardBefore + (this.#playout?.unheardMs ?? 0) + (this.#rest?.playout.unheardMs ?? 0);
  }

  /** Of it, what found the queue full. */
  get overflowMs(): number {
    return this.#overflowBefore + (this.#playout?.overflowMs ?? 0) + (this.#rest?.playout.overflowMs ?? 0);
  }

  /** First agent sound received to its first packet sent, ms. */
  get firstAudioMs(): number | undefined {
    return this.#firstAudioMs;
  }

  get onHold(): boolean {
    return !Number.isNaN(this.#heldMs);
  }

  /** Takes what SDP settled. SSRC, sequence numbers and timestamps go on. */
  apply(plan: MediaPlan, nowMs: number): void {
    const before = this.#plan;
    this.#plan = plan;
    if (plan.codec !== before?.codec) {
      this.#encoder = createEncoder(plan.codec);
      this.#prompts.tune(this.#encoder.rate);
      if (this.#playout !== undefined) this.#voice = createVoice(this.#playout, this.#encoder);
      if (this.#rest !== undefined) this.#rest.voice = createVoice(this.#rest.playout, this.#encoder);
      if (this.#line !== undefined) this.#lineVoice = createVoice(this.#line, this.#encoder);
    }
    this.#sender = this.#options.protection?.sender;
    this.#plainBytes = rtpHeaderBytes + plan.packetTime * bytesPerMs;
    const bytes = this.#plainBytes + (this.#sender?.rtpExtraBytes ?? 0);
    if (bytes !== this.#packets[0].length) {
      // Each of its very own size: `send` with an offset and a length would make a view a packet.
      this.#packets = [Buffer.allocUnsafeSlow(bytes), Buffer.allocUnsafeSlow(bytes)];
    }
    const eventBytes = plainEventBytes + (this.#sender?.rtpExtraBytes ?? 0);
    this.#eventPackets = [Buffer.allocUnsafeSlow(eventBytes), Buffer.allocUnsafeSlow(eventBytes)];
    if (sends[plan.direction]) {
      this.#heldMs = Number.NaN;
    } else if (!this.onHold) {
      this.#heldMs = nowMs;
      this.#cutMs = Number.NaN;
      this.#talking = false;
    }
  }

  /** From now on agent sound is played; before, it waits. */
  open(): void {
    this.#opened = true;
  }

  /**
   * A sound that is heard when nobody says anything, until the next sound of the agent comes. Ringback stands for a
   * conversation that failed as it began: what is left of that is not heard any more.
   */
  background(sound: Prompt | undefined): void {
    if (sound === 'ringback') {
      this.#dropRest();
      this.#voice?.cut(false);
      this.#playout?.interrupt(this.#playout.newestEvent);
    }
    this.#spoken = false;
    this.#prompts.loop(sound);
  }

  /** Plays a sound once; what the agent says waits. False when too many wait. */
  prompt(sound: Prompt, when: PlayTime, done?: () => void): boolean {
    return this.#prompts.play(sound, when, done);
  }

  /** Presses keys; false when too many wait. Without telephone-events at the peer they are tones, whatever is wished. */
  press(keys: string, form: KeyForm, done?: () => void): boolean {
    const events = form === 'events' && this.#plan?.sendEventPayloadType !== undefined;
    return this.#keypad.press(keys, events ? 'events' : 'tones', this.#encoder?.rate ?? 8000, done);
  }

  /** Sound of another leg: beside the agent, who goes before it, or alone. Undefined ends it. */
  listen(line: VoiceSource | undefined, alone: boolean): void {
    this.#line = line;
    this.#lineAlone = alone;
    this.#lineVoice = line && this.#encoder && createVoice(line, this.#encoder);
  }

  /** From now on every packet of sound is heard by a tap before it is encrypted and sent. */
  setTap(tap: WireTap | undefined): void {
    this.#tap = tap;
  }

  /**
   * A conversation begins: its sound comes in `format`, and its event ids count from anew. A sentence of the one before it
   * that is being heard is heard to its end.
   */
  begin(format: AudioFormat): void {
    this.#keepRest();
    this.#playout = new Playout(format);
    if (this.#encoder !== undefined) this.#voice = createVoice(this.#playout, this.#encoder);
  }

  push(eventId: number, bytes: Buffer, nowMs: number): void {
    const playout = this.#playout;
    if (playout === undefined) return;
    if (nowMs - this.#heldMs > mediaLimits.holdGraceMs) {
      playout.refuse(eventId, bytes);
      return;
    }
    if (!playout.push(eventId, bytes)) return;
    this.#spoken = true;
    if (Number.isNaN(this.#firstSoundMs)) this.#firstSoundMs = nowMs;
  }

  /** Sound of an event that was interrupted came late: it is counted, and not heard. */
  late(eventId: number, bytes: number): void {
    this.#playout?.miss(eventId, bytes);
  }

  /** Tells how much was heard of what is through by now. */
  tellHeard(): void {
    const { heard } = this.#options;
    if (heard !== undefined) this.#playout?.ledger.tell(heard);
  }

  /**
   * The event, and all before it, is not heard any more: the next packet carries the end of a 5 ms fade and silence.
   * True when there was something to cut off.
   */
  interrupt(eventId: number, nowMs: number): boolean {
    const playout = this.#playout;
    if (playout === undefined) return false;
    const cut = this.#talking || !playout.empty;
    // The fade is that of what is being heard.
    if (this.#rest !== undefined && this.#talking) return this.#cutRest(playout, eventId, nowMs);
    if (this.#talking) this.#cutMs = nowMs;
    this.#voice?.cut(this.#talking);
    playout.interrupt(eventId);
    return cut;
  }

  /** What is being heard is what a lost conversation had said: it fades out, and of the new one nothing was heard yet. */
  #cutRest(playout: Playout, eventId: number, nowMs: number): boolean {
    const rest = this.#rest!;
    this.#cutMs = nowMs;
    rest.voice.cut(true);
    rest.playout.interrupt(rest.playout.newestEvent);
    this.#voice?.cut(false);
    playout.interrupt(eventId);
    return true;
  }

  /** Whether all sound that came was played, and the peer has had the time to hear the end of it. */
  finished(nowMs: number): boolean {
    if (this.queuedMs > 0 || this.#prompts.playing) return false;
    return !this.#talking && !(nowMs - this.#lastHeardMs < mediaLimits.drainTailMs);
  }

  /** The end: what waits will not be heard. */
  close(): void {
    this.#dropRest();
    this.#retire();
  }

  timestampAt(nowMs: number): number {
    return this.#clock.timestampAt(nowMs);
  }

  send(deadlineMs: number, nowMs: number): void {
    const plan = this.#plan;
    const encoder = this.#encoder;
    if (plan === undefined || encoder === undefined || this.onHold) return;
    const target = this.#options.source.target;
    if (target !== this.#target) this.#aim(target);
    if (target === undefined || !this.#reachable) return;
    if (this.#keypad.busy && this.#sendKey(plan, target, deadlineMs)) return;
    const clock = this.#clock;
    const packet = this.#packets[this.packets & 1]!;
    const bytes = this.#plainBytes - rtpHeaderBytes;
    clock.advance(deadlineMs, plan.packetTime);
    const heard = this.#fill(packet, bytes, encoder);
    // RFC 3551 section 4.1: the marker is the first packet after a silence; it also owns up to a gap in the timestamps.
    const marker = !clock.continuous || (heard && !this.#talking);
    writeHeader(packet, plan.sendPayloadType, marker, clock.sequence, clock.timestamp, clock.ssrc);
    this.#tap?.sent(deadlineMs, packet, rtpHeaderBytes, bytes, plan.codec);
    this.#sender?.sealRtp(packet, this.#plainBytes);
    this.#options.socket.send(packet, target.rtpPort, target.address);
    this.packets++;
    this.octets += bytes;
    this.#options.meters.packetsSent++;
    this.#note(heard, nowMs);
    this.lateness.record(nowMs - deadlineMs);
  }

  toString(): string {
    if (this.#plan === undefined) return 'nothing';
    const voice =
      this.#playout === undefined ? 'silence' : `agent(${this.#playout.format}) -> playout -> ${this.#voice}`;
    return `${voice} -> rtp(pt ${this.#plan.sendPayloadType}, ${this.#plan.packetTime}ms, ${this.#plan.direction})`;
  }

  /** Sends what a key that is down has to send; false when the packet that is due is one of sound. */
  #sendKey(plan: MediaPlan, target: MediaTarget, deadlineMs: number): boolean {
    const keypad = this.#keypad;
    const step = keypad.step(plan.packetTime);
    if (step === 'sound') return false;
    const type = plan.sendEventPayloadType;
    // A re-offer in the middle of a key may have taken telephone-event away.
    if (step === 'nothing' || type === undefined) return true;
    const clock = this.#clock;
    // RFC 4733 section 2.5.1.2: all packets of an event have the timestamp of its beginning.
    if (keypad.first) clock.advance(deadlineMs, plan.packetTime);
    else clock.repeat();
    const packet = this.#eventPackets[this.packets & 1]!;
    writeHeader(packet, type, keypad.first, clock.sequence, clock.timestamp, clock.ssrc);
    const { event, end, durationMs } = keypad;
    const duration = durationMs * bytesPerMs;
    writeTelephoneEvent(packet, rtpHeaderBytes, event, end, mediaLimits.keyVolume, duration);
    this.#sender?.sealRtp(packet, plainEventBytes);
    this.#options.socket.send(packet, target.rtpPort, target.address);
    this.packets++;
    this.octets += telephoneEventBytes;
    this.#options.meters.packetsSent++;
    this.#talking = false;
    return true;
  }

  /** Whether sound of the agent is being played, or could be. */
  get #waitingToSpeak(): boolean {
    return this.#talking || (this.#opened && !this.#lineAlone && this.queuedMs > 0);
  }

  /** True when it is sound of the agent. */
  #fill(packet: Buffer, bytes: number, encoder: Encoder): boolean {
    if (this.#keypad.busy || this.#keypad.tone !== undefined) {
      this.#fillKey(packet, bytes, encoder);
      return false;
    }
    const samples = (bytes * encoder.rate) / (1000 * bytesPerMs);
    if (this.#prompts.once(this.#tone, samples, this.#waitingToSpeak)) {
      encoder.encode(this.#tone, packet, rtpHeaderBytes, bytes);
      return false;
    }
    if (!this.#lineAlone && this.#opened && this.#renderRest(packet, bytes)) return true;
    if (!this.#lineAlone && this.#opened && this.#voice?.render(packet, rtpHeaderBytes, bytes)) {
      if (this.#spoken) this.#prompts.drop();
      return true;
    }
    if (this.#lineVoice?.render(packet, rtpHeaderBytes, bytes)) {
      this.#prompts.drop();
      return false;
    }
    if (this.#prompts.background(this.#tone, samples)) {
      encoder.encode(this.#tone, packet, rtpHeaderBytes, bytes);
    } else {
      encoder.silence(packet, rtpHeaderBytes, bytes);
    }
    return false;
  }

  #renderRest(packet: Buffer, bytes: number): boolean {
    const rest = this.#rest;
    if (rest === undefined) return false;
    if (rest.voice.render(packet, rtpHeaderBytes, bytes)) return true;
    this.#dropRest();
    return false;
  }

  /** Only what was let out and has begun to be heard: what waits before the answer belongs to a start that failed. */
  #keepRest(): void {
    const playout = this.#playout;
    const voice = this.#voice;
    if (!this.#talking || playout === undefined || voice === undefined || this.#rest !== undefined) {
      return this.#retire();
    }
    playout.ledger.assume();
    this.tellHeard();
    this.#rest = { playout, voice };
  }

  #dropRest(): void {
    const rest = this.#rest;
    if (rest === undefined) return;
    rest.voice.cut(false);
    this.#unheardBefore += rest.playout.unheardMs + rest.playout.queuedMs;
    this.#overflowBefore += rest.playout.overflowMs;
    this.#rest = undefined;
  }

  #fillKey(packet: Buffer, bytes: number, encoder: Encoder): void {
    const { tone } = this.#keypad;
    if (tone === undefined) return encoder.silence(packet, rtpHeaderBytes, bytes);
    tone.generate(this.#tone, 0, (bytes * encoder.rate) / (1000 * bytesPerMs));
    encoder.encode(this.#tone, packet, rtpHeaderBytes, bytes);
  }

  #note(heard: boolean, nowMs: number): void {
    this.#talking = heard;
    if (!Number.isNaN(this.#cutMs)) {
      this.#options.meters.bargeIn.record(nowMs - this.#cutMs + (heard ? mediaLimits.fadeMs : 0));
      this.#cutMs = Number.NaN;
    }
    if (!heard) return;
    this.#lastHeardMs = nowMs;
    if (this.#firstAudioMs === undefined) this.#firstAudioMs = nowMs - this.#firstSoundMs;
  }

  /** The unspecified address is a hold of old (RFC 3264 section 8.4), and the kernel would take it for this host. */
  #aim(target: MediaTarget | undefined): void {
    this.#target = target;
    this.#reachable =
      target !== undefined && target.rtpPort > 0 && target.address !== '0.0.0.0' && target.address !== '::';
  }

  #retire(): void {
    const playout = this.#playout;
    if (playout === undefined) return;
    this.#voice?.cut(false);
    playout.ledger.cut();
    this.tellHeard();
    this.#unheardBefore += playout.unheardMs + playout.queuedMs;
    this.#overflowBefore += playout.overflowMs;
    this.#playout = undefined;
    this.#voice = undefined;
  }
}
