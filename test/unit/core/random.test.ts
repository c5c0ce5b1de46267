import { describe, expect, it } from 'vitest';
import { freshBytes, freshHex } from '../../../src/core/random.ts';

describe('random bytes that are drawn in pieces', () => {
  it('never come twice, over many pieces, and have every value', () => {
    const seen = new Set<string>();
    const values = new Set<number>();
    for (let i = 0; i < 2000; i++) {
      const bytes = freshBytes(12);
      seen.add(bytes.toString('hex'));
      for (const byte of bytes) values.add(byte);
    }
    expect(seen.size).toBe(2000);
    expect(values.size).toBe(256);
  });

  it('are as many as were asked for, and stay what they are', () => {
    expect(freshHex(10)).toMatch(/^[0-9a-f]{20}$/);
    expect(freshBytes(10_000)).toHaveLength(10_000);
    const bytes = freshBytes(16);
    const before = bytes.toString('hex');
    for (let i = 0; i < 1000; i++) freshBytes(16);
    expect(bytes.toString('hex')).toBe(before);
  });
});
