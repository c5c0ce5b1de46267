import { freshBytes } from '../../core/random.ts';
import { read32, write32 } from './packet.ts';

/** RTCP packet types (RFC 3550 section 12.1). */
export const rtcpTypes = { senderReport: 200, receiverReport: 201, sdes: 202, bye: 203, app: 204 } as const;

/** Largest compound packet that `writeReport` makes, bytes: SR with one block, SDES with a CNAME of 63, BYE. */
export const rtcpMaxBytes = 160;

/** Mean time between two reports of a stream, ms (RFC 3550 section 6.2: five seconds is the least it recommends). */
export const rtcpMeanIntervalMs = 5000;

/** How one source was received (RFC 3550 section 6.4.1). */
export interface ReportBlock {
  ssrc: number;
  /** Lost since the previous report, in 1/256 of what was expected. */
  fractionLost: number;
  /** Lost since the beginning; negative when duplicates outnumber losses. */
  cumulativeLost: number;
  /** Highest sequence number received, with its cycles above the low 16 bits. */
  highestSequence: number;
  /** Interarrival jitter in clock units. */
  jitter: number;
  /** Middle 32 bits of the NTP time in the last sender report; 0 when there was none. */
  lastSenderReport: number;
  /** Time since that report in 1/65536 s; 0 when there was none. */
  delaySinceLastSenderReport: number;
}

/** What a sender says of its own stream. */
export interface SenderInfo {
  /** Wall-clock time of the report in ms since the Unix epoch. */
  readonly wallMs: number;
  /** RTP timestamp of the same instant. */
  readonly timestamp: number;
  readonly packets: number;
  readonly octets: number;
}

export interface Report {
  readonly ssrc: number;
  readonly cname: string;
  /** Absent when nothing was sent since the last two reports: a receiver report is written then (section 6.4). */
  readonly sender?: SenderInfo | undefined;
  readonly block?: ReportBlock | undefined;
  /** Whether the stream ends with this report. */
  readonly bye?: boolean;
}

/** Seconds between the NTP epoch (1900) and the Unix epoch. */
const ntpOffset = 2_208_988_800;

/** Writes SR or RR, SDES with CNAME and, if asked for, BYE as one compound packet (section 6.1). Returns its length. */
export function writeReport(packet: Uint8Array, report: Report): number {
  let at = report.sender === undefined ? 8 : 28;
  if (report.sender !== undefined) writeSenderInfo(packet, 8, report.sender);
  const blocks = report.block === undefined ? 0 : 1;
  if (report.block !== undefined) {
    writeBlock(packet, at, report.block);
    at += 24;
  }
  const type = report.sender === undefined ? rtcpTypes.receiverReport : rtcpTypes.senderReport;
  writeRtcpHeader(packet, 0, blocks, type, at);
  write32(packet, 4, report.ssrc);
  at = writeSdes(packet, at, report.ssrc, report.cname);
  if (report.bye !== true) return at;
  writeRtcpHeader(packet, at, 1, rtcpTypes.bye, 8);
  write32(packet, at + 4, report.ssrc);
  return at + 8;
}

function writeRtcpHeader(packet: Uint8Array, at: number, count: number, type: number, bytes: number): void {
  packet[at] = 0x80 | count;
  packet[at + 1] = type;
  const words = bytes / 4 - 1;
  packet[at + 2] = words >> 8;
  packet[at + 3] = words & 0xff;
}

function writeSenderInfo(packet: Uint8Array, at: number, sender: SenderInfo): void {
  const seconds = Math.floor(sender.wallMs / 1000);
  write32(packet, at, seconds + ntpOffset);
  write32(packet, at + 4, Math.floor((sender.wallMs / 1000 - seconds) * 0x1_0000_0000));
  write32(packet, at + 8, sender.timestamp);
  write32(packet, at + 12, sender.packets);
  write32(packet, at + 16, sender.octets);
}

function writeBlock(packet: Uint8Array, at: number, block: ReportBlock): void {
  write32(packet, at, block.ssrc);
  // Appendix A.3: the count is a signed 24-bit number that stays at its limits.
  const lost = Math.max(-0x800000, Math.min(0x7fffff, block.cumulativeLost));
  write32(packet, at + 4, (block.fractionLost << 24) | (lost & 0xffffff));
  write32(packet, at + 8, block.highestSequence);
  write32(packet, at + 12, block.jitter);
  write32(packet, at + 16, block.lastSenderReport);
  write32(packet, at + 20, block.delaySinceLastSenderReport);
}

/** One chunk with a CNAME, closed by one to four zero octets up to a word's end (section 6.5). */
function writeSdes(packet: Uint8Array, at: number, ssrc: number, cname: string): number {
  const name = cname.slice(0, 63);
  const end = at + 8 + ((2 + name.length + 4) & ~3);
  packet.fill(0, at, end);
  write32(packet, at + 4, ssrc);
  packet[at + 8] = 1;
  packet[at + 9] = name.length;
  for (let i = 0; i < name.length; i++) packet[at + 10 + i] = name.charCodeAt(i) & 0x7f;
  writeRtcpHeader(packet, at, 1, rtcpTypes.sdes, end - at);
  return end;
}

/** What `parseRtcp` found in a compound packet; one object is reused. */
export class RtcpView {
  /** Source of the first report in the packet. */
  ssrc = 0;
  senderReport = false;
  /** Middle 32 bits of the sender report's NTP time. */
  ntpMiddle = 0;
  senderTimestamp = 0;
  senderPackets = 0;
  senderOctets = 0;
  bye = false;
  /** Whether a report block about `aboutSsrc` was there; the fields below are of that block. */
  hasBlock = false;
  readonly block: ReportBlock = emptyBlock();
}

export function emptyBlock(): ReportBlock {
  return {
    ssrc: 0,
    fractionLost: 0,
    cumulativeLost: 0,
    highestSequence: 0,
    jitter: 0,
    lastSenderReport: 0,
    delaySinceLastSenderReport: 0,
  };
}

/**
 * Reads a compound packet into `view`, looking for a report about `aboutSsrc` (what we send). False when the packet
 * fails the checks of RFC 3550 appendix A.2; `view` is then in no defined state.
 */
export function parseRtcp(packet: Uint8Array, view: RtcpView, aboutSsrc = -1): boolean {
  view.senderReport = false;
  view.bye = false;
  view.hasBlock = false;
  if (packet.length < 8) return false;
  // A.2: the first packet is a report without padding.
  if (packet[0]! >> 5 !== 0b100) return false;
  if (packet[1] !== rtcpTypes.senderReport && packet[1] !== rtcpTypes.receiverReport) return false;
  view.ssrc = read32(packet, 4);
  let at = 0;
  while (at < packet.length) {
    if (at + 4 > packet.length || packet[at]! >> 6 !== 2) return false;
    const end = at + 4 + ((packet[at + 2]! << 8) | packet[at + 3]!) * 4;
    if (end > packet.length) return false;
    // A.2: padding only in the last packet.
    if ((packet[at]! & 0x20) !== 0 && end !== packet.length) return false;
    if (!parseOne(packet, at, end, view, aboutSsrc)) return false;
    at = end;
  }
  return true;
}

function parseOne(packet: Uint8Array, at: number, end: number, view: RtcpView, aboutSsrc: number): boolean {
  const type = packet[at + 1]!;
  if (type === rtcpTypes.bye) view.bye = true;
  const sender = type === rtcpTypes.senderReport;
  if (!sender && type !== rtcpTypes.receiverReport) return true;
  const blocks = at + (sender ? 28 : 8);
  const count = packet[at]! & 0x1f;
  if (blocks + count * 24 > end) return false;
  if (sender) {
    view.senderReport = true;
    view.ssrc = read32(packet, at + 4);
    view.ntpMiddle = ((read32(packet, at + 8) << 16) | (read32(packet, at + 12) >>> 16)) >>> 0;
    view.senderTimestamp = read32(packet, at + 16);
    view.senderPackets = read32(packet, at + 20);
    view.senderOctets = read32(packet, at + 24);
  }
  for (let i = 0; i < count; i++) {
    if (read32(packet, blocks + i * 24) === aboutSsrc) parseBlock(packet, blocks + i * 24, view);
  }
  return true;
}

function parseBlock(packet: Uint8Array, at: number, view: RtcpView): void {
  const block = view.block;
  view.hasBlock = true;
  block.ssrc = read32(packet, at);
  block.fractionLost = packet[at + 4]!;
  block.cumulativeLost = (read32(packet, at + 4) << 8) >> 8;
  block.highestSequence = read32(packet, at + 8);
  block.jitter = read32(packet, at + 12);
  block.lastSenderReport = read32(packet, at + 16);
  block.delaySinceLastSenderReport = read32(packet, at + 20);
}

/**
 * Time to the next report in ms: the mean, spread over 0.5 to 1.5 times itself so that streams do not fall into step
 * (RFC 3550 section 6.3.1). There are always two members, so timer reconsideration and its factor are left out.
 * `random` gives 0 up to, not including, 1.
 */
export function rtcpInterval(random: () => number): number {
  return rtcpMeanIntervalMs * (0.5 + random());
}

/** A canonical name that says nothing of this machine (RFC 7022 section 4.2): 96 random bits, base64. */
export function newCname(): string {
  return freshBytes(12).toString('base64');
}
