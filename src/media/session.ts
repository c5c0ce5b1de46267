import { randomInt } from 'node:crypto';
import type { AudioFormat, AudioSink } from '../core/audio.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Prompt } from '../core/prompt.ts';
import type { MediaPlan } from '../sdp/plan.ts';
import type { KeyForm, KeyTones, LegStats, LocalMedia, PlayTime } from '../worker/legs.ts';
import { DigitEntry } from './digit-entry.ts';
import { KeySources, type KeyWay } from './key-sources.ts';
import { mediaLimits } from './limits.ts';
import { MediaMeters } from './meters.ts';
import type { PacedHandle, PacedStream, Pacer } from './outbound/pacer.ts';
import type { VoiceSource } from './outbound/voice.ts';
import type { PortPair } from './port.ts';
import { QuietWatch } from './quiet-watch.ts';
import { RtpWire } from './rtp-wire.ts';
import { SilenceWatch } from './silence-watch.ts';
import type { WayIn, WayOut, Wire, WireListener } from './wire.ts';
import type { WireTap } from './wire-tap.ts';

/** What a media session tells its leg. */
export interface MediaListener {
  /** Digits keyed by the caller: `#` (not part of it), 2 s without a digit, or 50 digits end an entry. */
  entry(digits: string): void;
  /** The same in secure mode. `digits` are their characters, which are wiped after this call. */
  keyed?(digits: Uint8Array): void;
  /** No RTP came for `mediaTimeoutMs`; told once per silence. */
  mediaTimeout(): void;
  /** After `agentGone`: everything the agent said was played, or `drainCapMs` went by. */
  drained(): void;
  /** How much of an event of the agent was heard, and how much never will be, ms; the last word on it counts. */
  heard?(eventId: number, heardMs: number, unheardMs: number): void;
  /** A broken invariant: the session sends and hears nothing any more and is to be closed. */
  failed?(error: unknown): void;
}

interface PortCarriage {
  readonly pair: PortPair;
  /** Whether the leg must never carry plain RTP: a plan without keys is then a broken invariant. False unless given. */
  readonly secureOnly?: boolean;
}

/** What carries the sound: a pair of ports for RTP, or whatever makes another wire. */
export type Carriage = PortCarriage | { readonly wire: (listener: WireListener) => Wire };

export type MediaSessionOptions = SessionOptions & Carriage;

interface SessionOptions {
  readonly pacer: Pacer;
  readonly clock: Clock;
  readonly log: Logger;
  readonly listener: MediaListener;
  /** Nothing from the peer for this long after `open`, while the call is not on hold, is a media timeout. Zero switches it off. */
  readonly mediaTimeoutMs: number;
  /** How long what an ended agent said may go on playing, ms. */
  readonly drainCapMs: number;
  /** Whether keys are looked for in the peer's sound: `auto` does where it takes no telephone-events. `auto` unless given. */
  readonly tones?: KeyTones;
  /** Totals of the worker. */
  readonly meters?: MediaMeters;
  /** 0 <= x < 1, for what RFC 3550 wants random. */
  readonly random?: () => number;
}

/** The other side of a leg that is joined with another leg, in the place of its agent. */
export interface FarEnd {
  /** Where the sound of the leg's peer goes. */
  readonly sink: AudioSink;
  /** A key that the peer pressed. */
  digit(digit: string): void;
  /** The leg's plan has changed; the leg is closed. */
  planned(): void;
  gone(): void;
}

/** How often a session adds to the totals of its worker. */
const accountEveryMs = 1000;

/** RFC 3550 section 5.1 wants SSRC, sequence number and timestamp unpredictable. */
const unpredictable = (): number => randomInt(0x1_0000_0000) / 0x1_0000_0000;

/** The sound of one call between its RTP ports and its agent. Nothing is called on its listener after `close`. */
export class MediaSession {
  readonly local: LocalMedia;
  readonly #options: MediaSessionOptions;
  // What every packet asks for is together, so that it lies so.
  readonly #pacer: Pacer;
  readonly #wire: Wire;
  readonly #inbound: WayIn;
  readonly #outbound: WayOut;
  #ticks: PacedHandle | undefined;
  #closed = false;
  /** When the session looks at its own times again, ms. */
  #lookMs = 0;
  readonly #entry: DigitEntry;
  readonly #silence: SilenceWatch;
  readonly #meters: MediaMeters;
  readonly #ticking: PacedStream = {
    send: (deadlineMs, nowMs) => this.#tick(deadlineMs, nowMs),
    failed: error => this.#fail(error),
  };
  readonly #sending: PacedStream = {
    send: (deadlineMs, nowMs) => this.#outbound.send(deadlineMs, nowMs),
    failed: error => this.#fail(error),
  };
  #plan: MediaPlan | undefined;
  /** What the agent hears through. */
  #input: AudioSink | undefined;
  #far: FarEnd | undefined;
  readonly #quiet = new QuietWatch();
  /** `ending`: keys are still nobody's, until none has come for as long as one entry may pause. */
  #secrecy: 'off' | 'on' | 'ending' = 'off';
  #secrecyMs = 0;
  #sends: PacedHandle | undefined;
  #open = false;
  readonly #keys = new KeySources();
  #digits = 0;
  #interruptions = 0;
  /** When the agent went, ms; NaN while it is there, or once `drained` was told. */
  #goneMs = Number.NaN;
  #accountMs = 0;
  #seenLate = 0;
  #seenStrangers = 0;
  #seenOverflow = 0;
  #seenUnauthentic = 0;
  #seenReplayed = 0;

  constructor(options: MediaSessionOptions) {
    this.#options = options;
    this.#pacer = options.pacer;
    this.#meters = options.meters ?? new MediaMeters();
    this.#entry = new DigitEntry(digits => this.#entered(digits));
    this.#silence = new SilenceWatch(options.mediaTimeoutMs);
    this.#wire = this.#connect({
      key: (key, way) => this.#press(key, way),
      came: (nowMs, passed) => {
        this.#pass(nowMs, passed);
        options.pacer.between(nowMs);
      },
      heard: (eventId, heardMs, unheardMs) => options.listener.heard?.(eventId, heardMs, unheardMs),
      failed: error => this.#fail(error),
    });
    this.#inbound = this.#wire.inbound;
    this.#outbound = this.#wire.outbound;
    this.local = this.#wire.local;
  }

  /** Takes what SDP settled, at the answer and at every re-offer. Packets flow from the first one on. */
  apply(plan: MediaPlan): void {
    if (this.#closed) return;
    const now = this.#options.clock.now();
    const { log } = this.#options;
    this.#wire.apply(plan, now);
    this.#plan = plan;
    this.#pace();
    this.#listenForTones();
    this.#start();
    this.#expect(now);
    this.#far?.planned();
    log.info('media applied', {
      inbound: this.#inbound.toString(),
      outbound: this.#outbound.toString(),
      encryption: this.#wire.encryption,
    });
  }

  /** The peer has said again what is in force: it may send from elsewhere now. */
  reapply(): void {
    if (!this.#closed && this.#plan !== undefined) this.#wire.apply(this.#plan, this.#options.clock.now());
  }

  /** From now on what the agent says is played, from its first sample; before that it is held. */
  open(): void {
    this.#open = true;
    this.#mix.open();
    this.#expect(this.#options.clock.now());
  }

  /** A sound of ours towards the peer until sound of the agent comes or it is switched off. */
  tone(tone: Prompt | 'off'): void {
    this.#mix.background(tone === 'off' ? undefined : tone);
  }

  /** Plays a sound of ours once; `done` is called at its end. False when too many wait. */
  prompt(prompt: Prompt, when: PlayTime, done?: () => void): boolean {
    return !this.#closed && this.#outbound.prompt(prompt, when, done);
  }

  /** A conversation begins, also after one that failed. From now on `input` gets 20 ms every 20 ms. */
  agentReady(outputFormat: AudioFormat, input: AudioSink): void {
    if (this.#closed) return;
    this.#goneMs = Number.NaN;
    this.#mix.begin(outputFormat);
    this.#input = input;
    this.#route();
    this.#start();
  }

  /** Sound of the agent; `bytes` is kept. While digits are being keyed it is not heard. */
  audio(eventId: number, bytes: Buffer): void {
    if (this.#closed) return;
    const now = this.#options.clock.now();
    // The agent does not know of the digits yet: what comes now still belongs to what they stopped.
    if (this.#entry.open) this.#outbound.interrupt(eventId, now);
    this.#mix.push(eventId, bytes, now);
  }

  /** Sound of an event that was interrupted before it came. */
  late(eventId: number, bytes: number): void {
    if (!this.#closed) this.#mix.late(eventId, bytes);
  }

  /** The caller spoke over the event: it and what was before it is not heard any more. */
  interrupted(eventId: number): void {
    if (this.#closed) return;
    this.#interruptions++;
    this.#outbound.interrupt(eventId, this.#options.clock.now());
  }

  /** No more sound of the agent will come: `drained` is told when the rest was played. */
  agentGone(): void {
    this.#input = undefined;
    this.#route();
    this.#goneMs = this.#options.clock.now();
  }

  /** What is in force; undefined before the first plan. */
  get plan(): MediaPlan | undefined {
    return this.#plan;
  }

  /** Whether the peer was ever heard. */
  get heard(): boolean {
    return this.#inbound.packetsReceived > 0;
  }

  /** From now on the peer's sound and keys go to `far` and not to the agent; undefined takes that back. */
  link(far: FarEnd | undefined): void {
    this.#far = far;
    this.#route();
  }

  /** Sound of another leg for the peer: beside the agent's, which goes before it, or alone. */
  listen(line: VoiceSource | undefined, alone: boolean): void {
    this.#outbound.listen(line, alone, this.#options.clock.now());
    if (!this.#closed) this.#pace();
  }

  /** From now on `tap` hears both sides as they are on the wire; undefined ends that. */
  tap(tap: WireTap | undefined): void {
    this.#inbound.setTap(tap);
    this.#outbound.setTap(tap);
  }

  /** Presses keys towards the peer; `done` is called when the last one is through. False when too many wait. */
  pressKeys(keys: string, form: KeyForm, done?: () => void): boolean {
    return !this.#closed && this.#mix.press(keys, form, done);
  }

  /** Calls `done` once everything the agent had to say has been played, or after `longestMs`. */
  whenQuiet(longestMs: number, done: () => void): void {
    const now = this.#options.clock.now();
    if (this.#closed || this.#ticks === undefined) return done();
    this.#quiet.add(now, longestMs, done);
  }

  /** A digit that came by SIP INFO. */
  digit(digit: string): void {
    this.#press(digit, 'info');
  }

  /** Secure mode: what is keyed is told by `keyed`, and its tones are taken out of the sound that goes on from here. */
  secure(on: boolean): void {
    if (this.#closed || on === (this.#secrecy === 'on') || (!on && this.#secrecy === 'off')) return;
    this.#secrecy = on ? 'on' : 'ending';
    this.#secrecyMs = this.#options.clock.now();
    if (!on) return;
    this.#inbound.shield(true);
    this.#inbound.listenForTones(true);
  }

  /** Agent sound that waits to be played, ms. */
  get queuedMs(): number {
    return this.#mix.queuedMs;
  }

  /** The numbers so far; what waits to be played counts as unheard only after `close`. */
  stats(): LegStats {
    const lateness = this.#outbound.lateness?.summary();
    const { firstAudioMs } = this.#mix;
    return {
      codec: this.#plan?.codec ?? 'none',
      encryption: this.#wire.encryption,
      packetsReceived: this.#inbound.packetsReceived,
      packetsSent: this.#outbound.packets,
      packetsLost: this.#inbound.lost,
      packetsLate: this.#inbound.late,
      packetsFromStrangers: this.#inbound.strangers,
      packetsUnauthentic: this.#wire.unauthentic + this.#wire.replayed,
      framesConcealed: this.#inbound.framesConcealed,
      jitterMs: this.#inbound.jitterMs,
      bufferDelayMs: this.#inbound.bufferDelayMs,
      ...(lateness === undefined ? {} : { lateness }),
      digits: this.#digits,
      interruptions: this.#interruptions,
      unheardMs: this.#mix.unheardMs,
      overflowMs: this.#mix.overflowMs,
      ...(firstAudioMs === undefined ? {} : { firstAudioMs }),
    };
  }

  /** Says goodbye on RTCP, frees the ports, and returns the numbers. Idempotent. */
  close(): LegStats {
    if (this.#closed) return this.stats();
    const now = this.#options.clock.now();
    this.#wire.bye(now);
    this.#account();
    this.#stop();
    this.#outbound.close(now);
    return this.stats();
  }

  toString(): string {
    return `in: ${this.#inbound}; out: ${this.#outbound}`;
  }

  get #mix() {
    return this.#outbound.mix;
  }

  #connect(listener: WireListener): Wire {
    const options = this.#options;
    if ('wire' in options) return options.wire(listener);
    const { pair, clock, log, secureOnly = false, random = unpredictable } = options;
    return new RtpWire({ pair, clock, log, meters: this.#meters, secureOnly, random, listener });
  }

  /** Whether and how often packets leave by the clock. */
  #pace(): void {
    const pacer = this.#pacer;
    const paced = this.#wire.paced || this.#mix.joined;
    const periodMs = paced ? this.#plan?.packetTime : undefined;
    if (this.#sends?.periodMs === periodMs) return;
    if (this.#sends !== undefined) pacer.remove(this.#sends);
    this.#sends = periodMs === undefined ? undefined : pacer.add(this.#sending, periodMs);
  }

  #start(): void {
    this.#ticks ??= this.#pacer.add(this.#ticking, this.#wire.tickMs, {
      measured: false,
      burst: mediaLimits.burstTicks,
    });
  }

  /** Passes on what is there. The next tick by the clock is for sound that does not come: it waits for what may be late. */
  #pass(nowMs: number, passed: boolean): void {
    const ticks = this.#ticks;
    if (this.#closed || ticks === undefined) return;
    if (passed) this.#look(nowMs);
    else if (this.#inbound.ready(nowMs)) this.#passWaiting(nowMs);
    else return;
    this.#pacer.postpone(ticks, nowMs + this.#wire.tickMs + this.#inbound.patienceMs);
  }

  #passWaiting(nowMs: number): void {
    do this.#tick(nowMs, nowMs);
    while (!this.#closed && this.#inbound.ready(nowMs));
  }

  #tick(deadlineMs: number, nowMs: number): void {
    this.#inbound.tick(nowMs, deadlineMs);
    this.#look(nowMs);
  }

  /** What the time brings besides sound. */
  #look(nowMs: number): void {
    if (nowMs < this.#lookMs) return;
    this.#lookMs = nowMs + mediaLimits.lookEveryMs;
    this.#wire.tick(nowMs);
    this.#outbound.tellHeard(nowMs);
    if (nowMs >= this.#accountMs) {
      this.#accountMs = nowMs + accountEveryMs;
      this.#account();
    }
    // What the listener is told may make it close the session.
    this.#entry.tick(nowMs);
    this.#watchSecrecy(nowMs);
    if (this.#closed) return;
    this.#quiet.tick(nowMs, this.#outbound.finished(nowMs));
    if (this.#closed) return;
    if (this.#silence.tick(nowMs, this.#inbound.lastPacketMs)) this.#options.listener.mediaTimeout();
    if (this.#closed) return;
    this.#watchDrain(nowMs);
  }

  /** A caller who keys a code twice is still at it when the first one was right: the rest of that is nobody's. */
  #entered(digits: Uint8Array): void {
    const { listener } = this.#options;
    if (this.#secrecy === 'on') listener.keyed?.(digits);
    else if (this.#secrecy === 'off') listener.entry(Buffer.from(digits).toString('latin1'));
  }

  /** Keys are heard as tones where the peer has no better way, or the operator says that it does not use it. */
  #listenForTones(): void {
    const { tones = 'auto' } = this.#options;
    const events = this.#plan?.receiveEventPayloadType !== undefined;
    this.#inbound.listenForTones(this.#secrecy !== 'off' || tones === 'on' || (tones === 'auto' && !events));
  }

  #watchSecrecy(nowMs: number): void {
    if (this.#secrecy !== 'ending' || this.#entry.open) return;
    if (nowMs - this.#secrecyMs < mediaLimits.entryGapMs) return;
    this.#secrecy = 'off';
    this.#inbound.shield(false);
    this.#listenForTones();
  }

  #press(digit: string, way: KeyWay): void {
    if (this.#closed || !this.#keys.admits(way, digit, this.#options.clock.now())) return;
    this.#digits++;
    if (this.#secrecy !== 'off') this.#secrecyMs = this.#options.clock.now();
    else if (this.#far !== undefined) return this.#far.digit(digit);
    const now = this.#options.clock.now();
    if (!this.#entry.press(digit, now)) return;
    if (this.#outbound.interrupt(this.#mix.newestEvent, now)) this.#interruptions++;
  }

  /** RTP is expected unless the call is not open yet or is on hold. */
  #expect(nowMs: number): void {
    this.#silence.expect(this.#open && this.#plan?.direction === 'sendrecv', nowMs);
  }

  #route(): void {
    this.#inbound.setSink(this.#far?.sink ?? this.#input);
    this.#inbound.eager(this.#far === undefined);
  }

  #watchDrain(nowMs: number): void {
    if (Number.isNaN(this.#goneMs)) return;
    const capped = nowMs - this.#goneMs >= this.#options.drainCapMs;
    if (!capped && !this.#outbound.finished(nowMs)) return;
    this.#goneMs = Number.NaN;
    this.#options.listener.drained();
  }

  /** Adds what happened since the last time to the totals of the worker. */
  #account(): void {
    const { late, strangers } = this.#inbound;
    const { overflowMs } = this.#mix;
    this.#meters.packetsLate += late - this.#seenLate;
    this.#meters.packetsFromStrangers += strangers - this.#seenStrangers;
    this.#meters.overflowMs += overflowMs - this.#seenOverflow;
    this.#seenLate = late;
    this.#seenStrangers = strangers;
    this.#seenOverflow = overflowMs;
    const { unauthentic, replayed } = this.#wire;
    this.#meters.packetsUnauthentic += unauthentic - this.#seenUnauthentic;
    this.#meters.packetsReplayed += replayed - this.#seenReplayed;
    this.#seenUnauthentic = unauthentic;
    this.#seenReplayed = replayed;
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    this.#stop();
    this.#options.log.error('media session failed', { error: messageOf(error) });
    this.#options.listener.failed?.(error);
  }

  #stop(): void {
    this.#closed = true;
    this.#far?.gone();
    this.#quiet.stop();
    const pacer = this.#pacer;
    if (this.#sends !== undefined) pacer.remove(this.#sends);
    if (this.#ticks !== undefined) pacer.remove(this.#ticks);
    this.#inbound.setSink(undefined);
    this.#wire.close();
  }
}
