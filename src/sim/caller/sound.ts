import { decodeAlaw, decodeUlaw, encodeAlaw, encodeUlaw } from '../../../codecs/g711.ts';
import { G722Decoder, G722Encoder } from '../../../codecs/g722.ts';
import { ToneDetector } from '../../../codecs/tones.ts';

export type SimCodec = 'PCMU' | 'PCMA' | 'G722';

export const payloadTypes: Readonly<Record<SimCodec, number>> = { PCMU: 0, PCMA: 8, G722: 9 };

/** Samples a second of what a codec carries, Hz. */
export function rateOf(codec: SimCodec): 8000 | 16000 {
  return codec === 'G722' ? 16000 : 8000;
}

/** Something that speaks: writes the next `count` samples. */
export interface Voice {
  generate(dst: Int16Array, at: number, count: number): void;
}

export const silence: Voice = { generate: (dst, at, count) => void dst.fill(0, at, at + count) };

/** Speaks what is in `samples` once, then is silent. */
export function recording(samples: Int16Array): Voice {
  let position = 0;
  return {
    generate(dst, at, count) {
      for (let i = 0; i < count; i += 1) {
        dst[at + i] = samples[position] ?? 0;
        position += 1;
      }
    },
  };
}

/** Both directions of one codec. */
export class Codec {
  readonly codec: SimCodec;
  readonly rate: number;
  readonly #encoder = new G722Encoder();
  readonly #decoder = new G722Decoder();

  constructor(codec: SimCodec) {
    this.codec = codec;
    this.rate = rateOf(codec);
  }

  encode(samples: Int16Array): Buffer {
    const bytes = Buffer.alloc(this.codec === 'G722' ? samples.length / 2 : samples.length);
    if (this.codec === 'PCMU') encodeUlaw(samples, 0, samples.length, bytes, 0);
    else if (this.codec === 'PCMA') encodeAlaw(samples, 0, samples.length, bytes, 0);
    else this.#encoder.encode(samples, 0, samples.length, bytes, 0);
    return bytes;
  }

  decode(bytes: Buffer): Int16Array {
    const samples = new Int16Array(this.codec === 'G722' ? bytes.length * 2 : bytes.length);
    if (this.codec === 'PCMU') decodeUlaw(bytes, 0, bytes.length, samples, 0);
    else if (this.codec === 'PCMA') decodeAlaw(bytes, 0, bytes.length, samples, 0);
    else this.#decoder.decode(bytes, 0, bytes.length, samples, 0);
    return samples;
  }
}

/** Everything a caller heard or said, on the time line of its own 20 ms clock. */
export class Tape {
  readonly rate: number;
  #samples = new Int16Array(0);
  #length = 0;

  constructor(rate: number) {
    this.rate = rate;
  }

  get samples(): Int16Array {
    return this.#samples.subarray(0, this.#length);
  }

  get ms(): number {
    return (this.#length / this.rate) * 1000;
  }

  append(samples: Int16Array): void {
    const needed = this.#length + samples.length;
    if (needed > this.#samples.length) {
      const grown = new Int16Array(Math.max(needed, this.#samples.length * 2, this.rate * 10));
      grown.set(this.samples);
      this.#samples = grown;
    }
    this.#samples.set(samples, this.#length);
    this.#length = needed;
  }

  /** Level of a frequency between two times of the tape, dBFS. */
  level(frequencyHz: number, fromMs: number, toMs: number): number {
    const from = Math.max(0, Math.floor((fromMs / 1000) * this.rate));
    const to = Math.min(this.#length, Math.floor((toMs / 1000) * this.rate));
    if (to <= from) return -120;
    return new ToneDetector(this.rate, frequencyHz).level(this.samples, from, to - from);
  }

  /** Longest stretch in which a frequency is there, found in steps of 20 ms: from and to in ms of the tape. */
  stretch(
    frequencyHz: number,
    aboveDbfs = -40,
  ): { readonly from: number; readonly to: number; readonly ms: number } {
    let best = { from: 0, to: 0, ms: 0 };
    let from = -1;
    for (let at = 0; at + 20 <= this.ms + 20; at += 20) {
      const there = at + 20 <= this.ms && this.level(frequencyHz, at, at + 20) > aboveDbfs;
      if (there && from < 0) from = at;
      if (!there && from >= 0) {
        if (at - from > best.ms) best = { from, to: at, ms: at - from };
        from = -1;
      }
    }
    return best;
  }

  /** Energy between two times, dBFS. */
  loudness(fromMs: number, toMs: number): number {
    const from = Math.max(0, Math.floor((fromMs / 1000) * this.rate));
    const to = Math.min(this.#length, Math.floor((toMs / 1000) * this.rate));
    let sum = 0;
    for (let i = from; i < to; i += 1) sum += (this.#samples[i] ?? 0) ** 2;
    return sum === 0 ? -120 : 10 * Math.log10(sum / (to - from) / 32767 ** 2) + 3;
  }
}

/** Left and right as a 16-bit stereo WAV file; the shorter one is filled up with silence. */
export function stereoWav(left: Tape, right: Tape): Buffer {
  const frames = Math.max(left.samples.length, right.samples.length);
  const wav = Buffer.alloc(44 + frames * 4);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(36 + frames * 4, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(2, 22);
  wav.writeUInt32LE(left.rate, 24);
  wav.writeUInt32LE(left.rate * 4, 28);
  wav.writeUInt16LE(4, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(frames * 4, 40);
  for (let i = 0; i < frames; i += 1) {
    wav.writeInt16LE(left.samples[i] ?? 0, 44 + i * 4);
    wav.writeInt16LE(right.samples[i] ?? 0, 46 + i * 4);
  }
  return wav;
}
