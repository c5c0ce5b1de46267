import { linearToAlaw, linearToUlaw, ulawToAlaw, ulawToLinear } from '../../../codecs/g711.ts';
import { Resampler } from '../../../codecs/resampler.ts';
import { type AudioFormat, bytesPerSample, sampleRate } from '../../core/audio.ts';
import { mediaLimits } from '../limits.ts';
import { bytesPerMs, type Encoder } from './encoder.ts';

/** Sound that waits to be played, in the format it came in. */
export interface VoiceSource {
  readonly format: AudioFormat;
  /** Moves up to `wantedBytes` in whole samples to `dst`, from `at` (0) on, and tells how many bytes it were. */
  take(dst: Uint8Array, wantedBytes: number, at?: number): number;
}

/** Makes payload out of what waits in the playout queue: the stages between the agent's format and the codec. */
export interface Voice {
  /** Fills `bytes` bytes of payload at `at`, silence after the last sound. False, and nothing filled, when there is none. */
  render(dst: Uint8Array, at: number, bytes: number): boolean;
  /**
   * Forgets the sound that is on its way. With `fade` the next few ms (`fadeMs`) of the queue are kept for the next
   * `render`, fading out; the caller empties the queue itself.
   */
  cut(fade: boolean): void;
  /** The stages in order, for one log line. */
  toString(): string;
}

/** The cheapest chain there is for a queue and a codec. */
export function createVoice(playout: VoiceSource, encoder: Encoder): Voice {
  if (playout.format === 'ulaw_8000' && encoder.codec !== 'G722') return new CompandedVoice(playout, encoder);
  return new LinearVoice(playout, encoder);
}

/** Mu-law from the agent to a G.711 peer: bytes pass as they are, or through one table. */
class CompandedVoice implements Voice {
  readonly #playout: VoiceSource;
  readonly #encoder: Encoder;
  readonly #scratch = new Uint8Array(mediaLimits.longestPacketMs * bytesPerMs);
  readonly #tail = new Uint8Array(mediaLimits.fadeMs * bytesPerMs);
  #tailBytes = 0;

  constructor(playout: VoiceSource, encoder: Encoder) {
    this.#playout = playout;
    this.#encoder = encoder;
  }

  render(dst: Uint8Array, at: number, bytes: number): boolean {
    const tail = this.#tailBytes;
    const from = at + tail;
    if (tail > 0) this.#putTail(dst, at);
    const taken = this.#playout.take(dst, bytes - tail, from);
    if (taken + tail === 0) return false;
    if (this.#encoder.codec === 'PCMA') toAlaw(dst, from, taken);
    if (taken + tail < bytes) this.#encoder.silence(dst, from + taken, bytes - tail - taken);
    return true;
  }

  cut(fade: boolean): void {
    const wanted = fade ? this.#tail.length : 0;
    const taken = this.#playout.take(this.#scratch, wanted);
    const toWire = this.#encoder.codec === 'PCMA' ? linearToAlaw : linearToUlaw;
    for (let i = 0; i < taken; i++) {
      this.#tail[i] =
        toWire[Math.round((ulawToLinear[this.#scratch[i]!]! * (wanted - i)) / (wanted + 1)) & 0xffff]!;
    }
    this.#tailBytes = taken;
  }

  toString(): string {
    return this.#encoder.codec === 'PCMU' ? 'pcmu(pass)' : 'ulaw>alaw';
  }

  #putTail(dst: Uint8Array, at: number): void {
    for (let i = 0; i < this.#tailBytes; i++) dst[at + i] = this.#tail[i]!;
    this.#tailBytes = 0;
  }
}

function toAlaw(bytes: Uint8Array, from: number, count: number): void {
  for (let i = from; i < from + count; i++) bytes[i] = ulawToAlaw[bytes[i]!]!;
}

/** Any other format and codec: expand or read, resample, encode. */
class LinearVoice implements Voice {
  readonly #playout: VoiceSource;
  readonly #encoder: Encoder;
  readonly #rate: number;
  readonly #companded: boolean;
  readonly #sampleBytes: number;
  readonly #samplesPerByte: number;
  readonly #flushSamples: number;
  readonly #resampler: Resampler | undefined;
  /** Sound as the agent sent it; one memory seen as bytes and, since pcm is little-endian as this machine is, as samples. */
  readonly #source: Uint8Array;
  readonly #input: Int16Array;
  /** Sound at the codec's rate that is not encoded yet; the resampler gives a few samples more or fewer than were asked. */
  readonly #fifo: Int16Array;
  #held = 0;
  /** Input samples of silence that still have to follow the last sound, so that the resampler lets go of its end. */
  #flush = 0;

  constructor(playout: VoiceSource, encoder: Encoder) {
    this.#playout = playout;
    this.#encoder = encoder;
    this.#rate = sampleRate(playout.format);
    this.#companded = playout.format === 'ulaw_8000';
    this.#sampleBytes = bytesPerSample(playout.format);
    this.#resampler = this.#rate === encoder.rate ? undefined : new Resampler(this.#rate, encoder.rate);
    this.#samplesPerByte = encoder.rate / (bytesPerMs * 1000);
    const delay = this.#resampler?.delaySamples ?? 0;
    this.#flushSamples = delay === 0 ? 0 : this.#inputFor(delay) * 2 + 2;
    const frame = Math.ceil((this.#rate * mediaLimits.longestPacketMs) / 1000) + 2;
    this.#input = new Int16Array(frame);
    this.#source = this.#companded ? new Uint8Array(frame) : new Uint8Array(this.#input.buffer);
    const made = this.#resampler?.maxOutput(frame) ?? frame;
    this.#fifo = new Int16Array((encoder.rate * mediaLimits.longestPacketMs) / 1000 + made);
  }

  render(dst: Uint8Array, at: number, bytes: number): boolean {
    const frame = bytes * this.#samplesPerByte;
    let heard = this.#flush > 0;
    while (this.#held < frame) {
      const wanted = this.#inputFor(frame - this.#held);
      let samples = this.#read(wanted);
      if (samples > 0) {
        heard = true;
        this.#flush = this.#flushSamples;
      } else {
        if (!heard) return false;
        samples = wanted;
        this.#input.fill(0, 0, samples);
        this.#flush = Math.max(0, this.#flush - samples);
      }
      this.#held += this.#convert(samples);
    }
    this.#encoder.encode(this.#fifo, dst, at, bytes);
    this.#fifo.copyWithin(0, frame, this.#held);
    this.#held -= frame;
    return true;
  }

  cut(fade: boolean): void {
    const wanted = fade ? (this.#encoder.rate * mediaLimits.fadeMs) / 1000 : 0;
    while (this.#held < wanted) {
      const samples = this.#read(this.#inputFor(wanted - this.#held));
      if (samples === 0) break;
      this.#held += this.#convert(samples);
    }
    this.#held = Math.min(this.#held, wanted);
    for (let i = 0; i < this.#held; i++) {
      this.#fifo[i] = Math.round((this.#fifo[i]! * (wanted - i)) / (wanted + 1));
    }
    this.#resampler?.reset();
    this.#flush = this.#held > 0 ? 1 : 0;
  }

  toString(): string {
    const stages: string[] = [];
    if (this.#companded) stages.push('ulaw(decode)');
    if (this.#resampler !== undefined) stages.push(`${this.#rate}>${this.#encoder.rate}`);
    stages.push(`${this.#encoder.codec.toLowerCase()}(encode)`);
    return stages.join(' -> ');
  }

  /** Input samples that make at least `samples` of the codec's rate. A whole number, so that V8 makes no box for it. */
  #inputFor(samples: number): number {
    return Math.ceil((samples * this.#rate) / this.#encoder.rate) | 0;
  }

  #read(samples: number): number {
    const bytes = this.#playout.take(this.#source, samples * this.#sampleBytes);
    if (this.#companded) for (let i = 0; i < bytes; i++) this.#input[i] = ulawToLinear[this.#source[i]!]!;
    return this.#companded ? bytes : bytes >> 1;
  }

  #convert(samples: number): number {
    if (this.#resampler !== undefined)
      return this.#resampler.process(this.#input, 0, samples, this.#fifo, this.#held);
    const input = this.#input;
    const fifo = this.#fifo;
    const held = this.#held;
    for (let i = 0; i < samples; i++) fifo[held + i] = input[i]!;
    return samples;
  }
}
