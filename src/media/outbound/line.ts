import { type AudioFormat, type AudioSink, bytesPerSample, sampleRate } from '../../core/audio.ts';
import { mediaLimits } from '../limits.ts';
import type { VoiceSource } from './voice.ts';

/**
 * Live sound from one leg to another: a ring that one fills every 20 ms and the other empties a packet at a time. It
 * gives nothing before it holds enough to last, and drops its oldest when it holds too much, so that neither side's
 * timing is heard at the other.
 */
export class Line implements AudioSink, VoiceSource {
  readonly format: AudioFormat;
  readonly #ring: Uint8Array;
  readonly #sampleBytes: number;
  readonly #bytesPerMs: number;
  readonly #primeBytes: number;
  readonly #open: () => boolean;
  #head = 0;
  #bytes = 0;
  #flowing = false;
  /** Sound that was dropped because the other side did not take it, ms. */
  droppedMs = 0;

  /** `packetMs` is what the taker takes at once; sound is let in only while `open` says so. */
  constructor(format: AudioFormat, packetMs: number, open: () => boolean = () => true) {
    this.format = format;
    this.#open = open;
    this.#sampleBytes = bytesPerSample(format);
    this.#bytesPerMs = (sampleRate(format) * this.#sampleBytes) / 1000;
    this.#primeBytes = (packetMs + mediaLimits.lineSlackMs) * this.#bytesPerMs;
    this.#ring = new Uint8Array(mediaLimits.lineMs * this.#bytesPerMs);
  }

  /** Sound that waits, ms. */
  get queuedMs(): number {
    return this.#bytes / this.#bytesPerMs;
  }

  write(bytes: Uint8Array, from = 0, to: number = bytes.length): void {
    if (!this.#open()) return;
    const over = this.#bytes + to - from - this.#ring.length;
    // Down to what is wanted at once: one hole is heard less than many.
    if (over > 0) this.#drop(Math.max(over, this.#bytes - this.#primeBytes));
    let at = (this.#head + this.#bytes) % this.#ring.length;
    for (let i = from; i < to; i++) {
      this.#ring[at] = bytes[i]!;
      at = at + 1 === this.#ring.length ? 0 : at + 1;
    }
    this.#bytes += to - from;
  }

  take(dst: Uint8Array, wantedBytes: number, at = 0): number {
    if (!this.#flowing && this.#bytes < this.#primeBytes) return 0;
    const available = Math.min(wantedBytes, this.#bytes);
    const taken = available - (available % this.#sampleBytes);
    for (let i = 0; i < taken; i++) {
      dst[at + i] = this.#ring[this.#head]!;
      this.#head = this.#head + 1 === this.#ring.length ? 0 : this.#head + 1;
    }
    this.#bytes -= taken;
    this.#flowing = taken === wantedBytes;
    return taken;
  }

  toString(): string {
    return `line(${this.format})`;
  }

  #drop(bytes: number): void {
    const whole = Math.min(this.#bytes, bytes - (bytes % this.#sampleBytes));
    this.#head = (this.#head + whole) % this.#ring.length;
    this.#bytes -= whole;
    this.droppedMs += whole / this.#bytesPerMs;
  }
}
