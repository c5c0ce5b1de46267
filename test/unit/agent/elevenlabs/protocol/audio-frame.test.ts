import type { Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as ws from 'ws';
import { AudioFrame } from '../../../../../src/agent/elevenlabs/protocol/audio-frame.ts';

describe('the message of caller sound', () => {
  it('is what JSON and base64 of the platform make of the same bytes, for every length and offset', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 400 }), fc.nat(20), (sound, offset) => {
        const padded = Buffer.concat([Buffer.alloc(offset, 0xaa), sound, Buffer.alloc(3, 0xbb)]);
        const expected = JSON.stringify({ user_audio_chunk: Buffer.from(sound).toString('base64') });
        expect(new AudioFrame(sound.length).text(padded, offset).toString()).toBe(expected);
      }),
    );
  });

  it('is written into the same memory every time', () => {
    const frame = new AudioFrame(160);
    const first = frame.text(Buffer.alloc(160, 1), 0);
    const second = frame.text(Buffer.alloc(160, 2), 0);
    expect(second).toBe(first);
    expect(JSON.parse(second.toString()).user_audio_chunk).toBe(Buffer.alloc(160, 2).toString('base64'));
  });

  it('leaves a frame as it was that still waits to leave', () => {
    const frame = new AudioFrame(160);
    const waiting = frame.masked(Buffer.alloc(160, 1), 0);
    const before = Buffer.from(waiting);
    frame.text(Buffer.alloc(160, 2), 0);
    expect(waiting.equals(before)).toBe(true);
  });

  it('is framed and masked as a server reads it, with every length that has a form of its own', () => {
    for (const bytes of [1, 2, 60, 75, 76, 77, 78, 79, 160, 1000, 49_000, 60_000]) {
      const frame = new AudioFrame(bytes);
      for (const fill of [1, 0xff]) {
        const sound = Buffer.alloc(bytes + 1, fill);
        const { opcode, fin, payload } = readFrame(frame.masked(sound, 1));
        expect([opcode, fin]).toEqual([1, true]);
        expect(payload.toString()).toBe(
          JSON.stringify({ user_audio_chunk: sound.subarray(1).toString('base64') }),
        );
      }
    }
  });

  it('has another key every time, for more frames than keys are drawn at once', () => {
    const frame = new AudioFrame(160);
    const keys = Array.from({ length: 3000 }, () => frame.masked(Buffer.alloc(160), 0).readUInt32LE(4));
    expect(new Set(keys).size).toBeGreaterThan(2990);
  });
});

/** In the package, not in its types. */
const { Receiver } = ws as unknown as { Receiver: new (options: { isServer: boolean }) => Writable };

/** The receiver of the `ws` package, which knows nothing of how the frame was made. */
function readFrame(frame: Buffer): { opcode: number; fin: boolean; payload: Buffer } {
  const messages: Buffer[] = [];
  const receiver = new Receiver({ isServer: true });
  receiver.on('message', (data: Buffer, isBinary: boolean) => {
    if (!isBinary) messages.push(data);
  });
  receiver.write(frame);
  expect(messages).toHaveLength(1);
  return { opcode: frame[0]! & 0x0f, fin: frame[0]! >= 0x80, payload: messages[0]! };
}
