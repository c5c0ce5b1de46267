import { linearToUlaw, ulawToLinear } from '../../../codecs/g711.ts';
import { Resampler } from '../../../codecs/resampler.ts';
import { type AudioFormat, sampleRate } from '../../core/audio.ts';

/** About -12 dBFS. */
const amplitude = 8192;

/** A sine in one of the formats, without a seam from one piece to the next. */
export class Voice {
  readonly #format: AudioFormat;
  readonly #step: number;
  #phase = 0;

  constructor(format: AudioFormat, hz: number) {
    this.#format = format;
    this.#step = (2 * Math.PI * hz) / sampleRate(format);
  }

  /** The next `ms` of it. */
  next(ms: number): Buffer {
    const samples = new Int16Array(Math.round((sampleRate(this.#format) * ms) / 1000));
    for (let i = 0; i < samples.length; i++) {
      samples[i] = Math.round(amplitude * Math.sin(this.#phase));
      this.#phase = (this.#phase + this.#step) % (2 * Math.PI);
    }
    return encode(samples, this.#format);
  }
}

/** Turns sound of one format into another, piece by piece. */
export class Conversion {
  readonly #from: AudioFormat;
  readonly #to: AudioFormat;
  readonly #resampler: Resampler | undefined;

  constructor(from: AudioFormat, to: AudioFormat) {
    this.#from = from;
    this.#to = to;
    const rates = [sampleRate(from), sampleRate(to)] as const;
    this.#resampler = rates[0] === rates[1] ? undefined : new Resampler(...rates);
  }

  convert(bytes: Buffer): Buffer {
    const samples = decode(bytes, this.#from);
    if (this.#resampler === undefined) return encode(samples, this.#to);
    const out = new Int16Array(this.#resampler.maxOutput(samples.length));
    const count = this.#resampler.process(samples, 0, samples.length, out, 0);
    return encode(out.subarray(0, count), this.#to);
  }
}

/** Samples of `bytes`; an odd last byte of 16-bit sound is left out. */
export function decode(bytes: Buffer, format: AudioFormat): Int16Array {
  if (format === 'ulaw_8000') return Int16Array.from(bytes, byte => ulawToLinear[byte]!);
  const samples = new Int16Array(bytes.length >> 1);
  for (let i = 0; i < samples.length; i++) samples[i] = bytes.readInt16LE(2 * i);
  return samples;
}

function encode(samples: Int16Array, format: AudioFormat): Buffer {
  if (format === 'ulaw_8000') return Buffer.from(Uint8Array.from(samples, s => linearToUlaw[s & 0xffff]!));
  const bytes = Buffer.alloc(2 * samples.length);
  for (let i = 0; i < samples.length; i++) bytes.writeInt16LE(samples[i]!, 2 * i);
  return bytes;
}
