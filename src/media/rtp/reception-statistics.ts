import { emptyBlock, type ReportBlock } from './rtcp.ts';
import { sequenceDistance, sequenceModulus, sequencePlus, timestampDistance } from './sequence.ts';

/** A jump forward of this many packets or more is another stream, not a loss (RFC 3550 appendix A.1). */
export const maxDropout = 3000;
/** A packet this far behind is of the past, one that is farther is of another stream (appendix A.1). */
export const maxMisorder = 100;

/** Numbers among which a packet that comes twice is recognised; a power of two. */
const remembered = 256;
/** No next sequence number is expected after a jump. */
const none = -1;

/**
 * How one source is received: sequence validity, loss and jitter after RFC 3550 appendices A.1, A.3 and A.8. Totals
 * (`received`, `lost`) survive a change of source; what goes into reports starts anew with it.
 */
export class ReceptionStatistics {
  readonly #unitsPerMs: number;
  readonly #block = emptyBlock();
  #ssrc = 0;
  #started = false;
  #baseSequence = 0;
  #highest = 0;
  #cycles = 0;
  #badSequence = none;
  #received = 0;
  #receivedBefore = 0;
  #lostBefore = 0;
  #expectedPrior = 0;
  #receivedPrior = 0;
  readonly #recent = new Int32Array(remembered).fill(none);
  #duplicate = false;
  #duplicates = 0;
  #transit = 0;
  #transitKnown = false;
  /** Sixteen times the jitter in clock units, as appendix A.8 keeps it. */
  #jitter16 = 0;
  #lastSenderReport = 0;
  #senderReportMs = 0;

  constructor(clockRate = 8000) {
    this.#unitsPerMs = clockRate / 1000;
  }

  /** Source that is being counted; undefined before the first packet. */
  get ssrc(): number | undefined {
    return this.#started ? this.#ssrc : undefined;
  }

  /** A (new) source begins with this packet, which still has to be given to `receive`. */
  start(ssrc: number, sequence: number): void {
    this.#receivedBefore += this.#received;
    this.#lostBefore += this.#lostNow();
    this.#ssrc = ssrc;
    this.#started = true;
    this.#restart(sequence);
    this.#transitKnown = false;
    this.#jitter16 = 0;
    this.#lastSenderReport = 0;
  }

  #restart(sequence: number): void {
    this.#baseSequence = sequence;
    this.#highest = sequence;
    this.#cycles = 0;
    this.#badSequence = none;
    this.#received = 0;
    this.#expectedPrior = 0;
    this.#receivedPrior = 0;
    this.#recent.fill(none);
  }

  /**
   * Counts a packet. False when its number is so far off that it belongs to something else: it is not to be used then
   * (appendix A.1). Two such in order mean that the source started over.
   */
  receive(sequence: number): boolean {
    const ahead = sequenceDistance(this.#highest, sequence);
    const forward = ahead >= 0 ? ahead : ahead + sequenceModulus;
    if (forward < maxDropout) {
      if (sequence < this.#highest) this.#cycles += sequenceModulus;
      this.#highest = sequence;
    } else if (forward <= sequenceModulus - maxMisorder) {
      if (sequence !== this.#badSequence) {
        this.#badSequence = sequencePlus(sequence, 1);
        return false;
      }
      this.#receivedBefore += this.#received;
      this.#lostBefore += this.#lostNow();
      this.#restart(sequence);
    }
    this.#received++;
    const place = sequence & (remembered - 1);
    this.#duplicate = this.#recent[place] === sequence;
    this.#recent[place] = sequence;
    if (this.#duplicate) this.#duplicates++;
    return true;
  }

  /** Whether the packet last received had come before. */
  get duplicate(): boolean {
    return this.#duplicate;
  }

  /** Packets that came more than once, of all sources so far. */
  get duplicates(): number {
    return this.#duplicates;
  }

  /** Takes the arrival of a packet into the jitter. Only for packets whose timestamp is the time of their first sample. */
  arrival(timestamp: number, nowMs: number): void {
    const transit = timestampDistance(timestamp, Math.round(nowMs * this.#unitsPerMs));
    if (this.#transitKnown) {
      const change = Math.abs(timestampDistance(this.#transit, transit));
      // Appendix A.8, integer form. A jump of the timestamp is not jitter: more than two seconds is left out.
      if (change < this.#unitsPerMs * 2000) this.#jitter16 += change - ((this.#jitter16 + 8) >> 4);
    }
    this.#transit = transit;
    this.#transitKnown = true;
  }

  /** Remembers the peer's sender report for LSR and DLSR. `ntpMiddle` is the middle of its NTP time. */
  senderReport(ssrc: number, ntpMiddle: number, nowMs: number): void {
    if (!this.#started || ssrc !== this.#ssrc) return;
    this.#lastSenderReport = ntpMiddle;
    this.#senderReportMs = nowMs;
  }

  /** The block for the next report, and the start of the next interval; undefined before the first packet. */
  report(nowMs: number): ReportBlock | undefined {
    if (!this.#started) return undefined;
    const expected = this.#expected();
    const expectedInterval = expected - this.#expectedPrior;
    const lostInterval = expectedInterval - (this.#received - this.#receivedPrior);
    this.#expectedPrior = expected;
    this.#receivedPrior = this.#received;
    const block = this.#block;
    block.ssrc = this.#ssrc;
    block.fractionLost =
      expectedInterval === 0 || lostInterval <= 0
        ? 0
        : Math.min(255, Math.floor((lostInterval * 256) / expectedInterval));
    block.cumulativeLost = expected - this.#received;
    block.highestSequence = this.#cycles + this.#highest;
    block.jitter = this.#jitter16 >> 4;
    block.lastSenderReport = this.#lastSenderReport;
    block.delaySinceLastSenderReport =
      this.#lastSenderReport === 0 ? 0 : Math.round(((nowMs - this.#senderReportMs) * 65536) / 1000);
    return block;
  }

  #expected(): number {
    return this.#cycles + this.#highest - this.#baseSequence + 1;
  }

  #lostNow(): number {
    return this.#received === 0 ? 0 : Math.max(0, this.#expected() - this.#received);
  }

  /** Packets of all sources so far. */
  get received(): number {
    return this.#receivedBefore + this.#received;
  }

  /** Packets that never came, of all sources so far. */
  get lost(): number {
    return this.#lostBefore + this.#lostNow();
  }

  /** Interarrival jitter, ms. */
  get jitterMs(): number {
    return this.#jitter16 / 16 / this.#unitsPerMs;
  }
}
