import type { Socket } from 'node:dgram';
import type { Clock } from '../../core/clock.ts';
import { isUnspecified } from '../../sdp/address.ts';
import type { MediaTarget } from '../../sdp/plan.ts';
import { newCname, type ReportBlock, rtcpInterval, rtcpMaxBytes, writeReport } from '../rtp/rtcp.ts';
import { srtpMostExtraBytes } from '../srtp/limits.ts';
import type { SrtpSender } from '../srtp/sender.ts';

/** What reports say of the stream we send. */
export interface ReportedStream {
  readonly ssrc: number;
  readonly packets: number;
  /** How many of them had another SSRC; none unless given. */
  readonly packetsBefore?: number;
  /** Octets under this SSRC. */
  readonly octets: number;
  timestampAt(nowMs: number): number;
}

/** What they say of the stream we receive, and where they go. */
export interface ReportedSource {
  readonly target: MediaTarget | undefined;
  report(nowMs: number): ReportBlock | undefined;
}

/** Sends a sender or receiver report about every five seconds, on the ticks of its session: it has no timer. */
export class Reports {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #stream: ReportedStream;
  readonly #source: ReportedSource;
  readonly #protection: { readonly sender: SrtpSender | undefined };
  readonly #cname = newCname();
  readonly #packet = Buffer.alloc(rtcpMaxBytes + srtpMostExtraBytes);
  #nextMs: number;
  /** Packets sent when the last report, and the one before it, were written. */
  #packetsLast = 0;
  #packetsBefore = 0;

  constructor(
    socket: Socket,
    clock: Clock,
    random: () => number,
    stream: ReportedStream,
    source: ReportedSource,
    protection: { readonly sender: SrtpSender | undefined } = { sender: undefined },
  ) {
    this.#socket = socket;
    this.#clock = clock;
    this.#random = random;
    this.#stream = stream;
    this.#source = source;
    this.#protection = protection;
    // RFC 3550 section 6.2: the first report goes out after half an interval.
    this.#nextMs = clock.now() + rtcpInterval(random) / 2;
  }

  tick(nowMs: number): void {
    if (nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + rtcpInterval(this.#random);
    this.#send(nowMs, false);
  }

  /** The last report, with BYE (RFC 3550 section 6.6). Nothing when the stream was never heard of. */
  bye(nowMs: number): void {
    if (this.#stream.packets > 0) this.#send(nowMs, true);
  }

  #send(nowMs: number, bye: boolean): void {
    const target = this.#source.target;
    if (target === undefined || target.rtcpPort === 0 || isUnspecified(target.address)) return;
    const { packets: total, packetsBefore = 0, octets } = this.#stream;
    // Section 6.4.1: another SSRC counts from zero.
    const packets = total - packetsBefore;
    // Section 6.4: a sender is who has sent since the report before last.
    const sending = packets > 0 && total > this.#packetsBefore;
    this.#packetsBefore = this.#packetsLast;
    this.#packetsLast = total;
    const timestamp = this.#stream.timestampAt(nowMs);
    const sender = sending ? { wallMs: this.#clock.wall(), timestamp, packets, octets } : undefined;
    const block = this.#source.report(nowMs);
    const report = { ssrc: this.#stream.ssrc, cname: this.#cname, sender, block, bye };
    const plain = writeReport(this.#packet, report);
    const length = this.#protection.sender?.sealRtcp(this.#packet, plain) ?? plain;
    this.#socket.send(this.#packet, 0, length, target.rtcpPort, target.address);
  }
}
