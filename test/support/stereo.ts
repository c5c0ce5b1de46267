import { expect } from 'vitest';

/** The two channels of a stereo WAV file of ours, whose header must be right. */
export function readStereo(file: Buffer): {
  readonly rate: number;
  readonly left: Int16Array;
  readonly right: Int16Array;
} {
  expect(file.toString('latin1', 0, 4) + file.toString('latin1', 8, 16)).toBe('RIFFWAVEfmt ');
  expect(file.readUInt16LE(22)).toBe(2);
  expect(file.readUInt16LE(34)).toBe(16);
  expect(file.readUInt32LE(4)).toBe(file.length - 8);
  expect(file.readUInt32LE(40)).toBe(file.length - 44);
  const frames = (file.length - 44) / 4;
  const channel = (which: number) =>
    Int16Array.from({ length: frames }, (_, i) => file.readInt16LE(44 + 4 * i + 2 * which));
  return { rate: file.readUInt32LE(24), left: channel(0), right: channel(1) };
}
