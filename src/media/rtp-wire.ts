import type { RemoteInfo } from 'node:dgram';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { MediaPlan } from '../sdp/plan.ts';
import type { LocalMedia } from '../worker/legs.ts';
import { Inbound } from './inbound/receiver.ts';
import type { MediaMeters } from './meters.ts';
import { Outbound } from './outbound/outbound.ts';
import { Reports } from './outbound/reports.ts';
import type { PortPair } from './port.ts';
import { isRtcp, Protection } from './protection.ts';
import type { Wire, WireListener } from './wire.ts';

export interface RtpWireParts {
  readonly pair: PortPair;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meters: MediaMeters;
  /** A plan without keys is a broken invariant. */
  readonly secureOnly: boolean;
  /** 0 <= x < 1, for what RFC 3550 wants random. */
  readonly random: () => number;
  readonly listener: WireListener;
}

/** RTP and RTCP of one leg over its pair of ports, encrypted where the plan says so. */
export class RtpWire implements Wire {
  readonly local: LocalMedia;
  readonly tickMs = 20;
  readonly paced = true;
  readonly inbound: Inbound;
  readonly outbound: Outbound;
  readonly #parts: RtpWireParts;
  readonly #clock: Clock;
  readonly #meters: MediaMeters;
  readonly #listener: WireListener;
  readonly #reports: Reports;
  readonly #protection = new Protection();

  constructor(parts: RtpWireParts) {
    const { pair, clock, log, meters, random, listener } = parts;
    this.#parts = parts;
    this.#clock = clock;
    this.#meters = meters;
    this.#listener = listener;
    this.local = { rtpPort: pair.rtpPort, rtcpPort: pair.rtcpPort };
    this.inbound = new Inbound({
      onDigit: digit => listener.key(digit, 'event'),
      onTone: key => listener.key(key, 'tone'),
      log,
    });
    this.outbound = new Outbound({
      socket: pair.rtp,
      source: this.inbound.route,
      meters,
      random,
      heard: (eventId, heardMs, unheardMs) => listener.heard(eventId, heardMs, unheardMs),
      protection: this.#protection,
    });
    this.#reports = new Reports(pair.rtcp, clock, random, this.outbound, this.inbound, this.#protection);
    pair.rtp.on('message', this.#onRtp);
    pair.rtcp.on('message', this.#onRtcp);
  }

  get encryption(): string {
    return this.#protection.suite;
  }

  get unauthentic(): number {
    return this.#protection.unauthentic;
  }

  get replayed(): number {
    return this.#protection.replayed;
  }

  apply(plan: MediaPlan, nowMs: number): void {
    if (this.#parts.secureOnly && plan.srtp === undefined)
      throw new Error('plain RTP on a leg that must have SRTP');
    this.#protection.apply(plan.srtp);
    this.inbound.configure(plan);
    this.outbound.apply(plan, nowMs);
  }

  tick(nowMs: number): void {
    this.#reports.tick(nowMs);
  }

  bye(nowMs: number): void {
    this.#reports.bye(nowMs);
  }

  close(): void {
    const { pair } = this.#parts;
    pair.rtp.off('message', this.#onRtp);
    pair.rtcp.off('message', this.#onRtcp);
    pair.close();
  }

  readonly #onRtp = (packet: Buffer, from: RemoteInfo): void => {
    this.#meters.packetsReceived++;
    this.#take(packet, from, isRtcp(packet));
  };

  readonly #onRtcp = (packet: Buffer, from: RemoteInfo): void => this.#take(packet, from, true);

  /** Who has sent it counts only once it has proved genuine: nothing is learned from a packet with a wrong tag. */
  #take(packet: Buffer, from: RemoteInfo, control: boolean): void {
    try {
      const plain = this.#protection.open(packet, control);
      if (plain === undefined) return;
      const now = this.#clock.now();
      if (control) this.inbound.rtcp(plain, from.address, from.port, now);
      else this.#listener.came(now, this.inbound.rtp(plain, from.address, from.port, now));
    } catch (error) {
      this.#listener.failed(error);
    }
  }
}
