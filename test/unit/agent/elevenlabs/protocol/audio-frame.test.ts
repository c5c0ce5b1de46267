import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AudioFrame } from '../../../../../src/agent/elevenlabs/protocol/audio-frame.ts';

describe('the message of caller sound', () => {
  it('is what JSON and base64 of the platform make of the same bytes, for every length and offset', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 400 }), fc.nat(20), (sound, offset) => {
        const padded = Buffer.concat([Buffer.alloc(offset, 0xaa), sound, Buffer.alloc(3, 0xbb)]);
        const expected = JSON.stringify({ user_audio_chunk: Buffer.from(sound).toString('base64') });
        expect(new AudioFrame(sound.length).write(padded, offset).toString()).toBe(expected);
      }),
    );
  });

  it('is written into the same memory every time', () => {
    const frame = new AudioFrame(160);
    const first = frame.write(Buffer.alloc(160, 1), 0);
    const second = frame.write(Buffer.alloc(160, 2), 0);
    expect(second).toBe(first);
    expect(JSON.parse(second.toString()).user_audio_chunk).toBe(Buffer.alloc(160, 2).toString('base64'));
  });
});
