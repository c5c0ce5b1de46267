import { randomInt } from 'node:crypto';
import type { RemoteInfo } from 'node:dgram';
import type { AudioFormat, AudioSink } from '../core/audio.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { MediaPlan } from '../sdp/plan.ts';
import type { LegStats, LocalMedia } from '../worker/legs.ts';
import { DigitEntry } from './digit-entry.ts';
import { Inbound } from './inbound/receiver.ts';
import { MediaMeters } from './meters.ts';
import { Outbound } from './outbound/outbound.ts';
import type { PacedHandle, PacedStream, Pacer } from './outbound/pacer.ts';
import { Reports } from './outbound/reports.ts';
import type { PortPair } from './port.ts';
import { SilenceWatch } from './silence-watch.ts';

/** What a media session tells its leg. */
export interface MediaListener {
  /** Digits keyed by the caller: `#` (not part of it), 2 s without a digit, or 50 digits end an entry. */
  entry(digits: string): void;
  /** No RTP came for `mediaTimeoutMs`; told once per silence. */
  mediaTimeout(): void;
  /** After `agentGone`: everything the agent said was played, or `drainCapMs` went by. */
  drained(): void;
  /** A broken invariant: the session sends and hears nothing any more and is to be closed. */
  failed?(error: unknown): void;
}

export interface MediaSessionOptions {
  readonly pair: PortPair;
  readonly pacer: Pacer;
  readonly clock: Clock;
  readonly log: Logger;
  readonly listener: MediaListener;
  /** No RTP for this long after `open`, while the call is not on hold, is a media timeout. Zero switches it off. */
  readonly mediaTimeoutMs: number;
  /** How long what an ended agent said may go on playing, ms. */
  readonly drainCapMs: number;
  /** Totals of the worker. */
  readonly meters?: MediaMeters;
  /** 0 <= x < 1, for what RFC 3550 wants random. */
  readonly random?: () => number;
}

/** How often a session hears, and looks at its times: as often as the agent is given sound. */
const tickMs = 20;

/** How often a session adds to the totals of its worker. */
const accountEveryMs = 1000;

/** RFC 3550 section 5.1 wants SSRC, sequence number and timestamp unpredictable. */
const unpredictable = (): number => randomInt(0x1_0000_0000) / 0x1_0000_0000;

/** The sound of one call between its RTP ports and its agent. Nothing is called on its listener after `close`. */
export class MediaSession {
  readonly local: LocalMedia;
  readonly #options: MediaSessionOptions;
  readonly #inbound: Inbound;
  readonly #outbound: Outbound;
  readonly #reports: Reports;
  readonly #entry: DigitEntry;
  readonly #silence: SilenceWatch;
  readonly #meters: MediaMeters;
  readonly #ticking: PacedStream = {
    send: (_deadlineMs, nowMs) => this.#tick(nowMs),
    failed: error => this.#fail(error),
  };
  readonly #sending: PacedStream = {
    send: (deadlineMs, nowMs) => this.#outbound.send(deadlineMs, nowMs),
    failed: error => this.#fail(error),
  };
  #plan: MediaPlan | undefined;
  #ticks: PacedHandle | undefined;
  #sends: PacedHandle | undefined;
  #open = false;
  #closed = false;
  #infoDigits = 0;
  #interruptions = 0;
  /** When the agent went, ms; NaN while it is there, or once `drained` was told. */
  #goneMs = Number.NaN;
  #accountMs = 0;
  #seenLate = 0;
  #seenStrangers = 0;
  #seenOverflow = 0;

  constructor(options: MediaSessionOptions) {
    const { pair, clock, log } = options;
    const random = options.random ?? unpredictable;
    this.#options = options;
    this.#meters = options.meters ?? new MediaMeters();
    this.local = { rtpPort: pair.rtpPort, rtcpPort: pair.rtcpPort };
    this.#entry = new DigitEntry(digits => options.listener.entry(digits));
    this.#silence = new SilenceWatch(options.mediaTimeoutMs);
    this.#inbound = new Inbound({ onDigit: digit => this.#press(digit), log });
    const source = this.#inbound;
    this.#outbound = new Outbound({ socket: pair.rtp, source, meters: this.#meters, random });
    this.#reports = new Reports(pair.rtcp, clock, random, this.#outbound, source);
    pair.rtp.on('message', this.#onRtp);
    pair.rtcp.on('message', this.#onRtcp);
  }

  /** Takes what SDP settled, at the answer and at every re-offer. Packets flow from the first one on. */
  apply(plan: MediaPlan): void {
    if (this.#closed) return;
    const now = this.#options.clock.now();
    const { pacer, log } = this.#options;
    this.#inbound.configure(plan);
    this.#outbound.apply(plan, now);
    if (this.#sends === undefined || this.#sends.periodMs !== plan.packetTime) {
      if (this.#sends !== undefined) pacer.remove(this.#sends);
      this.#sends = pacer.add(this.#sending, plan.packetTime);
    }
    this.#plan = plan;
    this.#start();
    this.#expect(now);
    log.info('media applied', { inbound: this.#inbound.toString(), outbound: this.#outbound.toString() });
  }

  /** From now on what the agent says is played, from its first sample; before that it is held. */
  open(): void {
    this.#open = true;
    this.#outbound.open();
    this.#expect(this.#options.clock.now());
  }

  /** Ringback towards the peer until sound of the agent comes or it is switched off. */
  tone(tone: 'ringback' | 'off'): void {
    this.#outbound.ringback(tone === 'ringback');
  }

  /** A conversation begins, also after one that failed. From now on `input` gets 20 ms every 20 ms. */
  agentReady(outputFormat: AudioFormat, input: AudioSink): void {
    if (this.#closed) return;
    this.#goneMs = Number.NaN;
    this.#outbound.begin(outputFormat);
    this.#inbound.setSink(input);
    this.#start();
  }

  /** Sound of the agent; `bytes` is kept. While digits are being keyed it is not heard. */
  audio(eventId: number, bytes: Buffer): void {
    if (this.#closed) return;
    const now = this.#options.clock.now();
    // The agent does not know of the digits yet: what comes now still belongs to what they stopped.
    if (this.#entry.open) this.#outbound.interrupt(eventId, now);
    this.#outbound.push(eventId, bytes, now);
  }

  /** The caller spoke over the event: it and what was before it is not heard any more. */
  interrupted(eventId: number): void {
    if (this.#closed) return;
    this.#interruptions++;
    this.#outbound.interrupt(eventId, this.#options.clock.now());
  }

  /** No more sound of the agent will come: `drained` is told when the rest was played. */
  agentGone(): void {
    this.#inbound.setSink(undefined);
    this.#goneMs = this.#options.clock.now();
  }

  /** A digit that came by SIP INFO. Peers that send both ways mean one key: what came in RTP counts alone then. */
  digit(digit: string): void {
    if (this.#closed || this.#inbound.digits > 0) return;
    this.#infoDigits++;
    this.#press(digit);
  }

  /** Agent sound that waits to be played, ms. */
  get queuedMs(): number {
    return this.#outbound.queuedMs;
  }

  /** The numbers so far; what waits to be played counts as unheard only after `close`. */
  stats(): LegStats {
    const { lateness, firstAudioMs } = this.#outbound;
    return {
      codec: this.#plan?.codec ?? 'none',
      packetsReceived: this.#inbound.packetsReceived,
      packetsSent: this.#outbound.packets,
      packetsLost: this.#inbound.lost,
      packetsLate: this.#inbound.late,
      packetsFromStrangers: this.#inbound.strangers,
      framesConcealed: this.#inbound.framesConcealed,
      jitterMs: this.#inbound.jitterMs,
      bufferDelayMs: this.#inbound.bufferDelayMs,
      lateness: { p50: lateness.percentile(0.5), p99: lateness.percentile(0.99), max: lateness.max },
      digits: this.#inbound.digits + this.#infoDigits,
      interruptions: this.#interruptions,
      unheardMs: this.#outbound.unheardMs,
      ...(firstAudioMs === undefined ? {} : { firstAudioMs }),
    };
  }

  /** Says goodbye on RTCP, frees the ports, and returns the numbers. Idempotent. */
  close(): LegStats {
    if (this.#closed) return this.stats();
    this.#reports.bye(this.#options.clock.now());
    this.#account();
    this.#stop();
    this.#outbound.close();
    return this.stats();
  }

  toString(): string {
    return `in: ${this.#inbound}; out: ${this.#outbound}`;
  }

  readonly #onRtp = (packet: Buffer, from: RemoteInfo): void => {
    this.#meters.packetsReceived++;
    try {
      this.#inbound.rtp(packet, from.address, from.port, this.#options.clock.now());
    } catch (error) {
      this.#fail(error);
    }
  };

  readonly #onRtcp = (packet: Buffer, from: RemoteInfo): void => {
    try {
      this.#inbound.rtcp(packet, from.address, from.port, this.#options.clock.now());
    } catch (error) {
      this.#fail(error);
    }
  };

  #start(): void {
    this.#ticks ??= this.#options.pacer.add(this.#ticking, tickMs, { measured: false });
  }

  #tick(nowMs: number): void {
    this.#inbound.tick(nowMs);
    this.#reports.tick(nowMs);
    if (nowMs >= this.#accountMs) {
      this.#accountMs = nowMs + accountEveryMs;
      this.#account();
    }
    // What the listener is told may make it close the session.
    this.#entry.tick(nowMs);
    if (this.#closed) return;
    if (this.#silence.tick(nowMs, this.#inbound.lastPacketMs)) this.#options.listener.mediaTimeout();
    if (this.#closed) return;
    this.#watchDrain(nowMs);
  }

  #press(digit: string): void {
    if (this.#closed) return;
    const now = this.#options.clock.now();
    if (!this.#entry.press(digit, now)) return;
    if (this.#outbound.interrupt(this.#outbound.newestEvent, now)) this.#interruptions++;
  }

  /** RTP is expected unless the call is not open yet or is on hold. */
  #expect(nowMs: number): void {
    this.#silence.expect(this.#open && this.#plan?.direction === 'sendrecv', nowMs);
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
    const { overflowMs } = this.#outbound;
    this.#meters.packetsLate += late - this.#seenLate;
    this.#meters.packetsFromStrangers += strangers - this.#seenStrangers;
    this.#meters.overflowMs += overflowMs - this.#seenOverflow;
    this.#seenLate = late;
    this.#seenStrangers = strangers;
    this.#seenOverflow = overflowMs;
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    this.#stop();
    this.#options.log.error('media session failed', { error: messageOf(error) });
    this.#options.listener.failed?.(error);
  }

  #stop(): void {
    this.#closed = true;
    const { pacer, pair } = this.#options;
    if (this.#sends !== undefined) pacer.remove(this.#sends);
    if (this.#ticks !== undefined) pacer.remove(this.#ticks);
    this.#inbound.setSink(undefined);
    pair.rtp.off('message', this.#onRtp);
    pair.rtcp.off('message', this.#onRtcp);
    pair.close();
  }
}
