import { linearToUlaw } from '../../../codecs/g711.ts';
import { Resampler } from '../../../codecs/resampler.ts';
import { type AudioSink, sampleRate } from '../../core/audio.ts';

/**
 * Hands sound of one rate to a sink in the sink's own format, from where it lies when it has that format already. The
 * resampler keeps its state from one piece to the next. pcm formats are little-endian, as every machine is that this
 * runs on.
 */
export class SinkFeed {
  readonly sink: AudioSink;
  readonly rate: number;
  readonly #resampler: Resampler | undefined;
  /** What was resampled, and what was made mu-law. */
  readonly #samples: Int16Array;
  readonly #codes: Uint8Array;
  /** Samples that were written last, and the same memory as bytes, so that no view of it is made per piece. */
  #seen: Int16Array | undefined;
  #seenBytes: Uint8Array = new Uint8Array(0);
  readonly #ulaw: boolean;

  constructor(sink: AudioSink, rate: number, maxSamples: number) {
    this.sink = sink;
    this.rate = rate;
    this.#ulaw = sink.format === 'ulaw_8000';
    const wanted = sampleRate(sink.format);
    this.#resampler = wanted === rate ? undefined : new Resampler(rate, wanted);
    this.#samples = new Int16Array(this.#resampler?.maxOutput(maxSamples) ?? 0);
    this.#codes = new Uint8Array(this.#ulaw ? (this.#resampler?.maxOutput(maxSamples) ?? maxSamples) : 0);
  }

  /** Sound as samples at `rate`. */
  write(samples: Int16Array, count: number): void {
    const resampler = this.#resampler;
    if (resampler === undefined) return this.#hand(samples, count);
    this.#hand(this.#samples, resampler.process(samples, 0, count, this.#samples, 0));
  }

  /** Sound that is mu-law already, passed through; only for a sink of ulaw_8000. */
  writeCodes(codes: Uint8Array, count: number): void {
    this.#emit(codes, count);
  }

  #hand(samples: Int16Array, count: number): void {
    if (!this.#ulaw) return this.#emit(this.#bytesOf(samples), count * 2);
    const codes = this.#codes;
    for (let i = 0; i < count; i++) codes[i] = linearToUlaw[samples[i]! & 0xffff]!;
    this.#emit(codes, count);
  }

  #bytesOf(samples: Int16Array): Uint8Array {
    if (samples !== this.#seen) {
      this.#seen = samples;
      this.#seenBytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
    }
    return this.#seenBytes;
  }

  #emit(memory: Uint8Array, bytes: number): void {
    if (bytes > 0) this.sink.write(memory, 0, bytes);
  }
}
