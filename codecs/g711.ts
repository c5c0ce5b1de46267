/**
 * G.711: both companding laws as tables, and the loops that use them.
 *
 * The tables are filled once, from the segment arithmetic of ITU-T G.191 (Software Tool Library), whose encoders
 * truncate the magnitude of the one's complement and never round: a linear sample lies in exactly the interval
 * that G.711 tables 1 and 2 give for its code. Linear samples are 16 bit, full scale, as everywhere in `codecs`.
 */

/** The mu-law byte of silence; A-law's is `ALAW_SILENCE`. */
export const ULAW_SILENCE = 0xff;
export const ALAW_SILENCE = 0xd5;

/** Mu-law byte to 16-bit sample. */
export const ulawToLinear: Int16Array = Int16Array.from({ length: 256 }, (_, code) => expandUlaw(code));

/** A-law byte to 16-bit sample. */
export const alawToLinear: Int16Array = Int16Array.from({ length: 256 }, (_, code) => expandAlaw(code));

/** 16-bit sample to mu-law byte; the index is `sample & 0xffff`. */
export const linearToUlaw: Uint8Array = Uint8Array.from({ length: 65_536 }, (_, i) =>
  compressUlaw((i << 16) >> 16),
);

/** 16-bit sample to A-law byte; the index is `sample & 0xffff`. */
export const linearToAlaw: Uint8Array = Uint8Array.from({ length: 65_536 }, (_, i) =>
  compressAlaw((i << 16) >> 16),
);

/** Mu-law byte to the A-law byte of the same sound, without a linear sample in between. */
export const ulawToAlaw: Uint8Array = Uint8Array.from(ulawToLinear, sample => linearToAlaw[sample & 0xffff]!);

/** Decodes `count` mu-law bytes of `src`, beginning at `from`, into `dst` at `at`. */
export function decodeUlaw(src: Uint8Array, from: number, count: number, dst: Int16Array, at: number): void {
  for (let i = 0; i < count; i++) dst[at + i] = ulawToLinear[src[from + i]!]!;
}

/** Encodes `count` samples of `src`, beginning at `from`, into mu-law bytes of `dst` at `at`. */
export function encodeUlaw(src: Int16Array, from: number, count: number, dst: Uint8Array, at: number): void {
  for (let i = 0; i < count; i++) dst[at + i] = linearToUlaw[src[from + i]! & 0xffff]!;
}

/** Decodes `count` A-law bytes of `src`, beginning at `from`, into `dst` at `at`. */
export function decodeAlaw(src: Uint8Array, from: number, count: number, dst: Int16Array, at: number): void {
  for (let i = 0; i < count; i++) dst[at + i] = alawToLinear[src[from + i]!]!;
}

/** Encodes `count` samples of `src`, beginning at `from`, into A-law bytes of `dst` at `at`. */
export function encodeAlaw(src: Int16Array, from: number, count: number, dst: Uint8Array, at: number): void {
  for (let i = 0; i < count; i++) dst[at + i] = linearToAlaw[src[from + i]! & 0xffff]!;
}

/** Mu-law works on 14 bits with a bias of 33, which makes every segment begin at a power of two. */
function compressUlaw(sample: number): number {
  const magnitude = Math.min(((sample < 0 ? ~sample : sample) >> 2) + 33, 0x1fff);
  const segment = 26 - Math.clz32(magnitude);
  const step = (magnitude >> (segment + 1)) & 0x0f;
  // All bits are inverted on the line, so that silence is not a run of zeros.
  return ~((sample < 0 ? 0x80 : 0) | (segment << 4) | step) & 0xff;
}

function expandUlaw(code: number): number {
  const bits = ~code & 0xff;
  const segment = (bits >> 4) & 7;
  const magnitude = ((((bits & 0x0f) << 1) + 33) << segment) - 33;
  return (bits & 0x80 ? -magnitude : magnitude) * 4;
}

/** A-law works on 12 bits of magnitude; its two lowest segments share one step size. */
function compressAlaw(sample: number): number {
  const magnitude = (sample < 0 ? ~sample : sample) >> 4;
  const segment = Math.max(28 - Math.clz32(magnitude), 0);
  const step = (segment > 1 ? magnitude >> (segment - 1) : magnitude) & 0x0f;
  // Every second bit is inverted on the line (G.711 table 1).
  return ((sample < 0 ? 0 : 0x80) | (segment << 4) | step) ^ 0x55;
}

function expandAlaw(code: number): number {
  const bits = code ^ 0x55;
  const segment = (bits >> 4) & 7;
  const midpoint = ((bits & 0x0f) << 1) + 1;
  const magnitude = segment === 0 ? midpoint : (midpoint + 32) << (segment - 1);
  return (bits & 0x80 ? magnitude : -magnitude) * 8;
}
