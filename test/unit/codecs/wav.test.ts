import { describe, expect, it } from 'vitest';
import { readWav } from '../../../codecs/wav.ts';
import { writeWav } from '../../support/wav.ts';

const limits = { rates: [8000, 16_000], seconds: 1 };
const samples = Int16Array.from([1, -2, 300, -32_768]);
const good = writeWav(samples, 8000);

function changed(at: number, value: number): Buffer {
  const file = Buffer.from(good);
  file.writeUInt16LE(value, at);
  return file;
}

describe('a WAV file', () => {
  it('gives its samples and their rate', () => {
    expect(readWav(good, limits)).toEqual({ rateHz: 8000, samples });
  });

  it('is read past chunks that nobody knows, and to its end where its length is wrong', () => {
    const odd = Buffer.concat([
      good.subarray(0, 12),
      Buffer.from('LIST\x03\0\0\0abc\0', 'latin1'),
      good.subarray(12),
    ]);
    odd.writeUInt32LE(0xffff_ffff, odd.length - 12);
    expect(readWav(odd, limits)).toEqual({ rateHz: 8000, samples });
  });

  it.each([
    ['is no WAV file', Buffer.from('hello, this is text')],
    ['must have linear samples of 16 bits', changed(20, 7)],
    ['must have linear samples of 16 bits', changed(34, 8)],
    ['must have one channel', changed(22, 2)],
    ['has 44100 samples a second, and must have 8000, 16000', writeWav(samples, 44_100)],
    ['is longer than 1 seconds', writeWav(new Int16Array(8001), 8000)],
    ['holds no sound', good.subarray(0, 40)],
    ['holds no sound', writeWav(new Int16Array(0), 8000)],
  ])('%s', (what, file) => {
    expect(readWav(file, limits)).toBe(what);
  });

  it('never throws, wherever it is cut', () => {
    for (let length = 0; length <= good.length; length++) {
      expect(() => readWav(good.subarray(0, length), limits)).not.toThrow();
    }
  });
});
