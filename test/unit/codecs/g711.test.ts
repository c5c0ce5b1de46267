import { describe, expect, it } from 'vitest';
import {
  alawToLinear,
  decodeUlaw,
  encodeAlaw,
  linearToAlaw,
  ulawToAlaw,
  ulawToLinear,
} from '../../../codecs/g711.ts';

/** Half the widest step of a law around a sample: how far apart two codes of the same sound may be. */
const tolerance = (sample: number) => Math.max(16, Math.abs(sample) / 16);

describe('the cross table', () => {
  it('translates mu-law to the A-law byte that encoding its sample would give', () => {
    for (let code = 0; code < 256; code++)
      expect(ulawToAlaw[code]).toBe(linearToAlaw[ulawToLinear[code]! & 0xffff]);
  });

  it('keeps the level of every byte within half a step', () => {
    for (let code = 0; code < 256; code++) {
      const mu = ulawToLinear[code]!;
      expect(Math.abs(alawToLinear[ulawToAlaw[code]!]! - mu)).toBeLessThanOrEqual(tolerance(mu));
    }
  });

  it('never changes the order of two levels', () => {
    const codes = Array.from({ length: 256 }, (_, i) => i);
    const byMu = [...codes].sort((x, y) => ulawToLinear[x]! - ulawToLinear[y]!);
    const asA = byMu.map(code => alawToLinear[ulawToAlaw[code]!]!);
    for (let i = 1; i < 256; i++) expect(asA[i]).toBeGreaterThanOrEqual(asA[i - 1]!);
  });
});

describe('the loops', () => {
  it('touch only the part of source and destination that they are given', () => {
    const bytes = Uint8Array.of(1, 0x00, 0x80, 2);
    const samples = new Int16Array(4).fill(7);
    decodeUlaw(bytes, 1, 2, samples, 1);
    expect(Array.from(samples)).toEqual([7, -32_124, 32_124, 7]);
    const encoded = new Uint8Array(4).fill(9);
    encodeAlaw(samples, 1, 2, encoded, 2);
    expect(Array.from(encoded)).toEqual([9, 9, 0x2a, 0xaa]);
  });
});
