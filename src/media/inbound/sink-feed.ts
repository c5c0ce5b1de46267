import { linearToUlaw } from '../../../codecs/g711.ts';
import { Resampler } from '../../../codecs/resampler.ts';
import { type AudioSink, sampleRate } from '../../core/audio.ts';

/**
 * Hands sound of one rate to a sink in the sink's own format. The resampler keeps its state from one piece to the next.
 * pcm formats are little-endian, as every machine is that this runs on.
 */
export class SinkFeed {
  readonly sink: AudioSink;
  readonly rate: number;
  readonly #resampler: Resampler | undefined;
  readonly #samples: Int16Array;
  readonly #bytes: Uint8Array;
  /** Views of the beginning of the output by their length in bytes, so that none is made per piece. */
  readonly #views = new Map<number, Uint8Array>();
  readonly #ulaw: boolean;

  constructor(sink: AudioSink, rate: number, maxSamples: number) {
    this.sink = sink;
    this.rate = rate;
    this.#ulaw = sink.format === 'ulaw_8000';
    const wanted = sampleRate(sink.format);
    this.#resampler = wanted === rate ? undefined : new Resampler(rate, wanted);
    this.#samples = new Int16Array(this.#resampler?.maxOutput(maxSamples) ?? maxSamples);
    this.#bytes = this.#ulaw ? new Uint8Array(this.#samples.length) : new Uint8Array(this.#samples.buffer);
  }

  /** Sound as samples at `rate`. */
  write(samples: Int16Array, count: number): void {
    const made = this.#convert(samples, count);
    if (!this.#ulaw) return this.#emit(made * 2);
    for (let i = 0; i < made; i++) this.#bytes[i] = linearToUlaw[this.#samples[i]! & 0xffff]!;
    this.#emit(made);
  }

  /** Sound that is mu-law already, passed through; only for a sink of ulaw_8000. */
  writeCodes(codes: Uint8Array, count: number): void {
    for (let i = 0; i < count; i++) this.#bytes[i] = codes[i]!;
    this.#emit(count);
  }

  #convert(samples: Int16Array, count: number): number {
    if (this.#resampler !== undefined) return this.#resampler.process(samples, 0, count, this.#samples, 0);
    for (let i = 0; i < count; i++) this.#samples[i] = samples[i]!;
    return count;
  }

  #emit(length: number): void {
    if (length === 0) return;
    let view = this.#views.get(length);
    if (view === undefined) {
      view = this.#bytes.subarray(0, length);
      this.#views.set(length, view);
    }
    this.sink.write(view);
  }
}
