import { describe, expect, it } from 'vitest';
import { SoundBytes, SoundRing } from '../../../../src/media/inbound/sound-ring.ts';

const codec = 2;
const packetOf = (length: number, seed: number) =>
  Uint8Array.from({ length: length + 3 }, (_, i) => (i * 7 + seed) & 0xff);

describe('SoundRing', () => {
  it.each([
    ['by words', 160, 160],
    ['of an odd length', 161, 83],
    ['at its end', SoundRing.units - 80, 160],
    ['at its end, of an odd length', SoundRing.units - 81, 163],
    ['before its beginning', -77, 99],
    ['where a call of days is', 2 ** 31 - 80, 160],
    ['where a call of weeks is', 2 ** 32 + 4, 160],
  ])('gives back what was put in: %s', (_what, at, length) => {
    const ring = new SoundRing();
    const packet = packetOf(length, 11);
    ring.store(packet, 3, at, length, 0, codec);
    expect([ring.has(at - 1), ring.has(at), ring.has(at + length - 1), ring.has(at + length)]).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect([ring.beginsAt(at), ring.beginsAt(at + 1), ring.codecAt(at)]).toEqual([true, false, codec]);
    expect(ring.plain(at + 1, codec, 1000)).toBe(length - 1);
    const sound = new SoundBytes(length);
    ring.move(at, length, sound);
    expect(sound.bytes).toEqual(packet.subarray(3));
    expect([ring.has(at), ring.has(at + length - 1)]).toEqual([false, false]);
    sound.bytes.fill(0);
    ring.copy(at, length, sound);
    expect(sound.bytes).toEqual(packet.subarray(3));
  });

  it('leaves out what was played already, and then no packet begins', () => {
    const ring = new SoundRing();
    ring.store(packetOf(160, 1), 0, 320, 160, 40, codec);
    expect([ring.has(359), ring.has(360), ring.beginsAt(360)]).toEqual([false, true, false]);
  });

  it('ends plain sound where a packet begins, where another codec does, and where none is', () => {
    const ring = new SoundRing();
    ring.store(packetOf(160, 1), 0, 0, 160, 0, codec);
    ring.store(packetOf(160, 1), 0, 160, 160, 0, codec);
    ring.store(packetOf(82, 1), 0, 320, 82, 0, 3);
    expect(ring.plain(1, codec, 1000)).toBe(159);
    expect(ring.plain(161, codec, 1000)).toBe(159);
    expect(ring.plain(161, codec, 70)).toBe(70);
    expect(ring.plain(321, 3, 1000)).toBe(81);
    expect(ring.plain(321, codec, 1000)).toBe(0);
  });

  it('forgets a stretch', () => {
    const ring = new SoundRing();
    ring.store(packetOf(160, 1), 0, 0, 160, 0, codec);
    ring.clear(0, 150);
    expect([ring.has(149), ring.has(150)]).toEqual([false, true]);
  });
});
