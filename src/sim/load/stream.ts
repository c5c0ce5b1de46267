import type { Distribution } from './distribution.ts';
import { DriftMeter } from './drift.ts';
import type { Ear } from './ear.ts';
import type { Marks } from './marks.ts';
import { frameMs, packetBytes, payloadBytes } from './profile.ts';
import { type Seal, tagBytes } from './seal.ts';

const rtpHeaderBytes = 12;
/** The RTP clock counts 8 a ms, also for G.722 (RFC 3551 section 4.5.2). */
export const unitsPerMs = 8;
/** A caller says a loud word every 5 s; it lasts 100 ms. */
export const wordEvery = 250;
export const wordFrames = 5;

/** What all streams of a generator write into. */
export interface Tally {
  /** Whether the window of measurement is open. */
  measuring: boolean;
  sent: number;
  received: number;
  lost: number;
  disordered: number;
  gaps: number;
  /** Packets with a wrong tag, where streams are encrypted. */
  unopened: number;
  readonly lateness: Distribution;
  readonly interval: Distribution;
  readonly speech: Marks;
  readonly silence: Marks;
  readonly word: Marks;
}

export interface StreamOptions {
  readonly call: number;
  readonly payloadType: number;
  readonly hum: Buffer;
  readonly word: Buffer;
  /** Where there is one, turns between speech and silence are marked. */
  readonly ear: Ear | undefined;
  readonly tally: Tally;
  /** Where sound is encrypted: each direction has a key of its own. */
  readonly seals?: Seals;
}

export interface Seals {
  readonly send: Seal;
  readonly receive: Seal;
}

/** The sound of one telephone: what it sends, and what it counts of what it hears. */
export class Stream {
  /** Packets heard since the window opened, and whether the stream was there at that time. */
  received = 0;
  sinceMark = false;
  readonly call: number;
  /** Of the far end's clock, in the window. */
  readonly drift = new DriftMeter();
  readonly #options: StreamOptions;
  /** Two, used in turn: the kernel may still own the one before. */
  readonly #packets: readonly [Buffer, Buffer];
  #frames = 0;
  #sequence = 1;
  #timestamp = 160;
  #heard = false;
  #lastSequence = 0;
  #lastAt = 0;
  #firstTimestamp = 0;
  /** The earliest arrival against the grid that the timestamps give. */
  #anchor = Number.POSITIVE_INFINITY;
  #loud = false;

  constructor(options: StreamOptions) {
    this.call = options.call;
    this.#options = options;
    const packet = Buffer.alloc(packetBytes + (options.seals === undefined ? 0 : tagBytes));
    packet[0] = 0x80;
    packet[1] = options.payloadType;
    packet.writeUInt32BE(0x1000_0000 + options.call, 8);
    this.#packets = [packet, Buffer.from(packet)];
    // Words of different calls come at different times.
    this.#frames = (options.call * 37) % wordEvery;
  }

  mark(now: number): void {
    this.received = 0;
    this.sinceMark = true;
    this.drift.clear(now);
  }

  /** The next packet to send; to be used before the one after the next is asked for. */
  next(now: number): Buffer {
    const { hum, word, tally, seals } = this.#options;
    const packet = this.#packets[this.#frames & 1]!;
    const at = this.#frames % wordEvery;
    const loud = at < wordFrames;
    if (at === 0) tally.word.add(this.call, now);
    packet.writeUInt16BE(this.#sequence, 2);
    packet.writeUInt32BE(this.#timestamp, 4);
    packet.set(loud ? word : hum, rtpHeaderBytes);
    seals?.send.seal(packet, packetBytes);
    this.#frames++;
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#timestamp = (this.#timestamp + payloadBytes) >>> 0;
    if (tally.measuring) tally.sent++;
    return packet;
  }

  hear(received: Buffer, now: number): void {
    const { payloadType, tally, seals } = this.#options;
    if (received.length < rtpHeaderBytes || (received[1]! & 0x7f) !== payloadType) return;
    const packet = seals === undefined ? received : seals.receive.open(received);
    if (packet === undefined) {
      tally.unopened++;
      return;
    }
    const sequence = packet.readUInt16BE(2);
    const timestamp = packet.readUInt32BE(4);
    if (!this.#heard) {
      this.#heard = true;
      this.#firstTimestamp = timestamp;
    } else if (!this.#follow(sequence, now)) return;
    this.#lastSequence = sequence;
    this.#lastAt = now;
    this.#place(timestamp, now);
    this.received++;
    if (tally.measuring) tally.received++;
    if (this.#options.ear !== undefined) this.#listen(packet, now);
  }

  /** Compares with the packet before; false for one that came again or out of order. */
  #follow(sequence: number, now: number): boolean {
    const { tally } = this.#options;
    const step = (sequence - this.#lastSequence) & 0xffff;
    const ahead = step > 0 && step < 0x8000;
    if (!tally.measuring) return ahead;
    if (!ahead) {
      tally.disordered++;
      return false;
    }
    tally.lost += step - 1;
    const interval = now - this.#lastAt;
    tally.interval.record(interval);
    if (interval > 2 * frameMs) tally.gaps++;
    return true;
  }

  #place(timestamp: number, now: number): void {
    const { tally } = this.#options;
    const offset = now - ((timestamp - this.#firstTimestamp) >>> 0) / unitsPerMs;
    if (offset < this.#anchor) this.#anchor = offset;
    if (!tally.measuring) return;
    tally.lateness.record(offset - this.#anchor);
    if (this.sinceMark) this.drift.take(offset, now);
  }

  #listen(packet: Buffer, now: number): void {
    const { tally } = this.#options;
    const loud = this.#options.ear!(packet, rtpHeaderBytes, packet.length - rtpHeaderBytes);
    if (loud !== this.#loud) (loud ? tally.speech : tally.silence).add(this.call, now);
    this.#loud = loud;
  }
}
