import { alawFromPCM, alawToPCM, ulawFromPCM, ulawToPCM } from 'g711';
import { describe, expect, it } from 'vitest';
import {
  alawToLinear,
  decodeAlaw,
  decodeUlaw,
  encodeAlaw,
  encodeUlaw,
  linearToAlaw,
  linearToUlaw,
  ulawToLinear,
} from '../../codecs/g711.ts';

/** Every 16-bit sample there is, from the lowest to the highest. */
const everySample = Int16Array.from({ length: 65_536 }, (_, i) => i - 32_768);
const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i);

/** G.191's mu-law compressor, step by step as its text describes it; it knows nothing of the tables under test. */
function g191Ulaw(sample: number): number {
  let absolute = sample < 0 ? (~sample >> 2) + 33 : (sample >> 2) + 33;
  if (absolute > 0x1fff) absolute = 0x1fff;
  let segment = 1;
  for (let rest = absolute >> 6; rest !== 0; rest >>= 1) segment++;
  const high = 8 - segment;
  const low = 15 - ((absolute >> segment) & 15);
  return (high << 4) | low | (sample >= 0 ? 0x80 : 0);
}

/** G.191's A-law compressor. */
function g191Alaw(sample: number): number {
  let value = (sample < 0 ? ~sample : sample) >> 4;
  if (value > 15) {
    let exponent = 1;
    while (value > 31) {
      value >>= 1;
      exponent++;
    }
    value += exponent * 16 - 16;
  }
  return (value | (sample >= 0 ? 0x80 : 0)) ^ 0x55;
}

/** G.191's mu-law expander. */
function g191UlawExpand(code: number): number {
  const inverted = ~code;
  const exponent = (inverted >> 4) & 7;
  const step = 4 << (exponent + 1);
  return (code < 0x80 ? -1 : 1) * ((0x80 << exponent) + step * (inverted & 15) + step / 2 - 4 * 33);
}

/** G.191's A-law expander. */
function g191AlawExpand(code: number): number {
  const toggled = code ^ 0x55;
  const exponent = (toggled & 0x7f) >> 4;
  let mantissa = toggled & 15;
  if (exponent > 0) mantissa += 16;
  mantissa = (mantissa << 4) + 8;
  if (exponent > 1) mantissa <<= exponent - 1;
  return toggled > 127 ? mantissa : -mantissa;
}

function differences(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let count = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) count++;
  return count;
}

const laws = [
  {
    name: 'mu-law',
    encode: encodeUlaw,
    decode: decodeUlaw,
    compress: g191Ulaw,
    expand: g191UlawExpand,
    encodeTable: linearToUlaw,
    decodeTable: ulawToLinear,
    packageEncode: ulawFromPCM,
    packageDecode: ulawToPCM,
    // Negative samples: the package takes the two's complement, G.191 the one's, so those that lie exactly on a
    // decision level fall on its other side.
    packageDiffersOn: 127,
  },
  {
    name: 'A-law',
    encode: encodeAlaw,
    decode: decodeAlaw,
    compress: g191Alaw,
    expand: g191AlawExpand,
    encodeTable: linearToAlaw,
    decodeTable: alawToLinear,
    packageEncode: alawFromPCM,
    packageDecode: alawToPCM,
    // Negative samples: the package makes the magnitude smaller by 8, G.191's one's complement by 1, so seven samples
    // beside every decision level fall on its other side.
    packageDiffersOn: 896,
  },
];

describe.each(laws)('$name', law => {
  it('encodes all 65,536 samples as the arithmetic of ITU-T G.191 does', () => {
    const encoded = new Uint8Array(65_536);
    law.encode(everySample, 0, 65_536, encoded, 0);
    expect(differences(encoded, Array.from(everySample, law.compress))).toBe(0);
  });

  it('has its encode table indexed by the sample modulo 65,536', () => {
    expect(
      differences(
        Array.from(everySample, s => law.encodeTable[s & 0xffff]!),
        Array.from(everySample, law.compress),
      ),
    ).toBe(0);
  });

  it('decodes all 256 bytes as the arithmetic of ITU-T G.191 does', () => {
    const decoded = new Int16Array(256);
    law.decode(everyByte, 0, 256, decoded, 0);
    expect(Array.from(decoded)).toEqual(Array.from(Int16Array.from(everyByte, law.expand)));
  });

  it('decodes all 256 bytes as the g711 package does', () => {
    expect(Array.from(law.decodeTable)).toEqual(Array.from(law.packageDecode(everyByte)));
  });

  it('is the law that the g711 package encodes but for the samples that it rounds differently', () => {
    const theirs = law.packageEncode(everySample);
    const ours = Array.from(everySample, s => law.encodeTable[s & 0xffff]!);
    expect(differences(ours, theirs)).toBe(law.packageDiffersOn);
  });

  it('gives every byte back after decoding and encoding it, but for the second zero of mu-law', () => {
    const again = Array.from(law.decodeTable, s => law.encodeTable[s & 0xffff]!);
    const changed = Array.from(everyByte).filter(code => again[code] !== code);
    expect(changed).toEqual(law.name === 'mu-law' ? [0x7f] : []);
  });
});
