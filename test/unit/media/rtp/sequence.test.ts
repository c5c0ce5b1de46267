import { describe, expect, it } from 'vitest';
import {
  extendSequence,
  sequenceDistance,
  sequencePlus,
  timestampDistance,
  timestampPlus,
} from '../../../../src/media/rtp/sequence.ts';

describe('sequence numbers', () => {
  it('wrap from 65535 to 0 and back', () => {
    expect(sequencePlus(65_535, 1)).toBe(0);
    expect(sequencePlus(0, -1)).toBe(65_535);
    expect(sequencePlus(65_000, 1000)).toBe(464);
  });

  it('have a signed distance along the shorter way round', () => {
    expect(sequenceDistance(65_530, 4)).toBe(10);
    expect(sequenceDistance(4, 65_530)).toBe(-10);
    expect(sequenceDistance(0, 32_767)).toBe(32_767);
    expect(sequenceDistance(0, 32_769)).toBe(-32_767);
  });

  it('extend to an index that counts through many wraps, out of order too', () => {
    let index = 65_000;
    for (let true_ = 65_000; true_ < 400_000; true_ += 997) {
      const shuffled = true_ + ((true_ * 7) % 40) - 20;
      const extended = extendSequence(index, shuffled & 0xffff);
      expect(extended).toBe(shuffled);
      index = extended;
    }
  });

  it('extend below zero just before a first wrap, instead of jumping ahead', () => {
    expect(extendSequence(3, 65_535)).toBe(-1);
  });
});

describe('timestamps', () => {
  it('wrap at 32 bits without becoming negative', () => {
    expect(timestampPlus(0xffff_ff60, 160)).toBe(0);
    expect(timestampPlus(0x7fff_ffff, 1)).toBe(0x8000_0000);
  });

  it('have a signed distance over the wrap', () => {
    expect(timestampDistance(0xffff_ff60, 160)).toBe(320);
    expect(timestampDistance(160, 0xffff_ff60)).toBe(-320);
  });
});
