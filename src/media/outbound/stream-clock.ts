import { sequencePlus, timestampPlus } from '../rtp/sequence.ts';
import { bytesPerMs } from './encoder.ts';

/**
 * Numbers of one outgoing RTP stream: one SSRC, sequence numbers without a hole, and timestamps that
 * follow the deadlines, so that sound which was skipped or held back leaves its time empty (RFC 3550 section 5.1).
 */
export class StreamClock {
  readonly ssrc: number;
  #sequence: number;
  readonly #firstTimestamp: number;
  /** Time of `#firstTimestamp`, ms of the pacer's clock. */
  #anchorMs = 0;
  /** Where the sound of the last packet ends, ms since the anchor. */
  #endMs = 0;
  #started = false;

  timestamp = 0;
  /** Whether the packet follows on the one before it without a gap. */
  continuous = false;

  /**
   * All three begin at random (RFC 3550 section 5.1); `random` gives 0 up to, not including, 1. Sequence numbers begin in
   * their lower half: a receiver of SRTP that misses the first packets then cannot miss a wrap (RFC 3711 section 3.3.1).
   */
  constructor(random: () => number) {
    this.ssrc = Math.floor(random() * 0x1_0000_0000);
    this.#sequence = Math.floor(random() * 0x8000);
    this.#firstTimestamp = Math.floor(random() * 0x1_0000_0000);
  }

  get started(): boolean {
    return this.#started;
  }

  get sequence(): number {
    return this.#sequence;
  }

  /** Goes on to the packet of `deadlineMs`, which holds `packetMs` of sound. */
  advance(deadlineMs: number, packetMs: number): void {
    if (!this.#started) this.#anchorMs = deadlineMs;
    let at = deadlineMs - this.#anchorMs;
    // The first deadline of a new packet time may lie inside the last packet: sound does not overlap itself.
    if (at < this.#endMs) {
      this.#anchorMs -= this.#endMs - at;
      at = this.#endMs;
    }
    this.continuous = this.#started && at - this.#endMs < 0.5;
    this.timestamp = timestampPlus(this.#firstTimestamp, Math.round(at * bytesPerMs));
    this.#endMs = at + packetMs;
    this.#sequence = sequencePlus(this.#sequence, 1);
    this.#started = true;
  }

  /** Goes on to one more packet of the same timestamp: an event that lasts (RFC 4733 section 2.5.1.2). */
  repeat(): void {
    this.#sequence = sequencePlus(this.#sequence, 1);
  }

  /** The timestamp of an instant, for a sender report. */
  timestampAt(nowMs: number): number {
    return timestampPlus(this.#firstTimestamp, Math.round((nowMs - this.#anchorMs) * bytesPerMs));
  }
}
