import { describe, expect, it } from 'vitest';
import { AdminStream } from '../../../../src/sip/drachtio/admin-stream.ts';

const good = '5#hello12#with # in it11#\u00e4\u00f6\u00fc and';

describe('the stream of a server', () => {
  it('is whole however it is cut', () => {
    const bytes = Buffer.from(good);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const stream = new AdminStream();
      expect(stream.take(bytes.subarray(0, cut)) && stream.take(bytes.subarray(cut))).toBe(true);
    }
    const byByte = new AdminStream();
    expect([...bytes].every(byte => byByte.take(Buffer.from([byte])))).toBe(true);
  });

  it.each([
    ['a length that is none', '5#hellox#'],
    ['no length', '#hello'],
    ['a length of nothing', '0#'],
    ['a message that another ran into', '10#12345678#5#hello'],
    ['more than a message may have', '1048577#'],
    ['a sign', '-5#hello'],
  ])('is broken by %s', (_what, text) => {
    expect(new AdminStream().take(Buffer.from(text))).toBe(false);
  });

  it('holds nothing of what went through it', () => {
    const stream = new AdminStream();
    expect(stream.take(Buffer.from(`1048576#${'x'.repeat(1_048_576)}1#y`))).toBe(true);
  });
});
