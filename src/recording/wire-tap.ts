import { alawToLinear, ulawToLinear } from '../../codecs/g711.ts';
import { G722Decoder } from '../../codecs/g722.ts';
import { Resampler } from '../../codecs/resampler.ts';
import type { CodecName } from '../sdp/plan.ts';
import { type Side, sides, type Timeline } from './timeline.ts';

/** Most samples that come at once: 60 ms at 16 kHz, and room for what a resampler adds. */
const roomSamples = 2048;

/** Listens on both wires of a leg and puts what it hears on a timeline. Makes nothing per packet. */
export class WireTap {
  readonly #timeline: Timeline;
  readonly #caller: Track;
  readonly #agent: Track;
  readonly #g722 = new G722Decoder();
  readonly #samples = new Int16Array(roomSamples);

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
    this.#caller = new Track(timeline, sides.caller);
    this.#agent = new Track(timeline, sides.agent);
  }

  /** What the agent is given of the caller: `count` samples at `rate`, of the tick that was due at `atMs`. */
  heard(atMs: number, samples: Int16Array, count: number, rate: number): void {
    this.#caller.put(atMs, samples, count, rate);
  }

  /** Payload that leaves for the caller with the packet that was due at `atMs`. */
  sent(atMs: number, packet: Uint8Array, at: number, bytes: number, codec: CodecName): void {
    const samples = this.#samples;
    if (codec === 'G722') {
      const made = this.#g722.decode(packet, at, bytes, samples, 0);
      return this.#agent.put(atMs, samples, made, 16_000);
    }
    const table = codec === 'PCMU' ? ulawToLinear : alawToLinear;
    for (let i = 0; i < bytes; i++) samples[i] = table[packet[at + i]!]!;
    this.#agent.put(atMs, samples, bytes, 8000);
  }

  /** What was to leave for the caller from `atMs` on was thrown away. */
  withdrawn(atMs: number): void {
    this.#timeline.withdraw(sides.agent, atMs);
  }

  toString(): string {
    return `recording(${this.#timeline.rate})`;
  }
}

/** One side, at whatever rate it comes, on a timeline that has one rate. */
class Track {
  readonly #timeline: Timeline;
  readonly #side: Side;
  readonly #converted = new Int16Array(2 * roomSamples);
  #resampler: Resampler | undefined;

  constructor(timeline: Timeline, side: Side) {
    this.#timeline = timeline;
    this.#side = side;
  }

  put(atMs: number, samples: Int16Array, count: number, rate: number): void {
    if (rate === this.#timeline.rate) {
      this.#resampler = undefined;
      return this.#timeline.put(this.#side, atMs, samples, count);
    }
    if (this.#resampler?.fromHz !== rate) this.#resampler = new Resampler(rate, this.#timeline.rate);
    const made = this.#resampler.process(samples, 0, count, this.#converted, 0);
    this.#timeline.put(this.#side, atMs, this.#converted, made);
  }
}
