import { describe, expect, it } from 'vitest';
import { FrameTrack } from '../../../../src/streams/protocol/frame-track.ts';
import { bytesPerCall } from '../../../support/allocation.ts';
import { clientFrame } from '../../../support/client-frame.ts';

const text = 0x1;
const binary = 0x2;
const close = 0x8;
const ping = 0x9;
const most = 4096;

const says = (length: number) => 'abcdefghij'.repeat(Math.ceil(length / 10)).slice(0, length);

/** Where the frames end that are gone past, when `bytes` come in pieces of `size`. */
function endsOf(bytes: Buffer, size: number): number[] {
  const track = new FrameTrack();
  const ends: number[] = [];
  for (let from = 0; from < bytes.length; from += size) {
    const chunk = bytes.subarray(from, from + size);
    for (let at = 0; at < chunk.length; ) {
      at = track.pass(chunk, at, chunk.length);
      // Only at the end of a frame a whole one can follow.
      if (track.whole(probe, 0, probe.length, most)) ends.push(from + at);
    }
  }
  return ends;
}
const probe = clientFrame('what comes next');

describe('the frames of a client', () => {
  it.each([0, 1, 125, 126, 127, 400, 4096])(
    'that lie whole are found, with %i bytes of text in them',
    length => {
      // A payload may lie at a multiple of four, or not.
      for (const before of ['', 'b', 'be', 'bef', 'befo', 'before']) {
        const came = Buffer.concat([Buffer.from(before), clientFrame(says(length)), Buffer.from('behind')]);
        const words = new Int32Array(Math.ceil(came.length / 4));
        const chunk = Buffer.from(words.buffer, 0, came.length);
        came.copy(chunk);
        const track = new FrameTrack();
        expect(track.whole(chunk, before.length, chunk.length, most)).toBe(true);
        track.mask(chunk, words);
        expect(chunk.toString('latin1', track.from, track.to)).toBe(says(length));
        expect(track.to).toBe(chunk.length - 'behind'.length);
        // Nothing else was touched, and it can be put on again.
        track.mask(chunk, words);
        expect(chunk.equals(came)).toBe(true);
      }
    },
  );

  it.each([
    ['binary', clientFrame('abc', { opcode: binary })],
    ['a ping', clientFrame('abcd', { opcode: ping })],
    ['the beginning of a longer message', clientFrame('abcd', { fin: false })],
    ['without a mask', clientFrame('abcdefgh', { masked: false })],
    ['compressed, which nobody agreed to', clientFrame('abcd', { reserved: 0x40 })],
    ['longer than is wanted', clientFrame(says(most + 1))],
    ['of a length in eight bytes', clientFrame(says(70_000))],
    ['cut off', clientFrame(says(400)).subarray(0, -1)],
    ['cut off in its header', clientFrame(says(400)).subarray(0, 7)],
  ])('are not offered when they are %s', (_what, frame) => {
    expect(new FrameTrack().whole(frame, 0, frame.length, most)).toBe(false);
  });

  it('are not offered inside of a message, nor after the end', () => {
    const track = new FrameTrack();
    const pass = (frame: Buffer) => expect(track.pass(frame, 0, frame.length)).toBe(frame.length);
    const offered = () => track.whole(probe, 0, probe.length, most);
    expect(offered()).toBe(true);
    pass(clientFrame('half', { fin: false }));
    expect(offered()).toBe(false);
    pass(clientFrame('', { opcode: ping }));
    expect(offered()).toBe(false);
    pass(clientFrame('', { opcode: 0, fin: false }));
    expect(offered()).toBe(false);
    pass(clientFrame('the rest', { opcode: 0 }));
    expect(offered()).toBe(true);
    pass(clientFrame('', { opcode: close }));
    expect(offered()).toBe(false);
  });

  it('end where they end, in whatever pieces they come', () => {
    const lengths = [0, 3, 125, 126, 300, 65_535, 65_600];
    const frames = Array.from({ length: 35 }, (_, i) => {
      const opcode = i % 3 === 2 ? ping : text;
      return clientFrame(says(lengths[(i * 3) % lengths.length]!), { opcode, masked: i % 5 !== 4 });
    });
    const ends = frames.map((_, i) => frames.slice(0, i + 1).reduce((sum, each) => sum + each.length, 0));
    const bytes = Buffer.concat(frames);
    for (const size of [1, 2, 3, 7, 100, 1460, bytes.length]) expect(endsOf(bytes, size)).toEqual(ends);
  });

  it('make nothing on their way', () => {
    const words = new Int32Array(100);
    const frame = Buffer.from(words.buffer);
    const { length } = frame.fill(clientFrame(says(330)), 0, 338).subarray(0, 338);
    const track = new FrameTrack();
    const read = () => track.whole(frame, 0, length, most) && track.mask(frame, words);
    expect(bytesPerCall(read)).toBeLessThan(33);
  });
});
