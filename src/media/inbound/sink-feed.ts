import { linearToUlaw } from '../../../codecs/g711.ts';
import { Resampler } from '../../../codecs/resampler.ts';
import { type AudioSink, sampleRate } from '../../core/audio.ts';

/** Views of the beginning of one memory by their length in bytes, so that none is made per piece. */
class Views {
  #memory: Int16Array | Uint8Array | undefined;
  readonly #views = new Map<number, Uint8Array>();

  of(memory: Int16Array | Uint8Array, bytes: number): Uint8Array {
    if (memory !== this.#memory) {
      this.#memory = memory;
      this.#views.clear();
    }
    let view = this.#views.get(bytes);
    if (view === undefined) {
      view = new Uint8Array(memory.buffer, memory.byteOffset, bytes);
      this.#views.set(bytes, view);
    }
    return view;
  }
}

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
  readonly #views = new Views();
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
    if (!this.#ulaw) return this.#emit(samples, count * 2);
    const codes = this.#codes;
    for (let i = 0; i < count; i++) codes[i] = linearToUlaw[samples[i]! & 0xffff]!;
    this.#emit(codes, count);
  }

  #emit(memory: Int16Array | Uint8Array, bytes: number): void {
    if (bytes > 0) this.sink.write(this.#views.of(memory, bytes));
  }
}
