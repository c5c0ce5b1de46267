import { describe, expect, it } from 'vitest';
import {
  clearMessage,
  MediaFrames,
  markMessage,
  mediaMessage,
  textFrame,
} from '../../../../src/streams/protocol/writer.ts';
import { bytesPerCall } from '../../../support/allocation.ts';

const sid = 'MZ00000000000000000000000000000001';
const sound = Uint8Array.from({ length: 160 * 15 }, (_, i) => (i * 31) & 0xff);

describe('what is sent to Twilio', () => {
  it.each([1, 2, 3, 5, 15])('is sound of %i times 20 ms in a whole WebSocket frame', steps => {
    for (const stream of [sid, 'MZ1', 'MZ12', 'MZ123']) {
      const frames = new MediaFrames(stream, 15);
      const frame = frames.frame(sound, steps);
      expect(frame[0]).toBe(0x81);
      expect(frame[1]).toBe(126);
      expect(frame.readUInt16BE(2)).toBe(frame.length - 4);
      const payload = Buffer.from(sound.subarray(0, steps * 160)).toString('base64');
      const message = { event: 'media', streamSid: stream, media: { payload } };
      expect(JSON.parse(frame.subarray(4).toString())).toEqual(message);
      expect(JSON.parse(mediaMessage(stream, sound, steps))).toEqual(message);
    }
  });

  it('is a mark, and the word to throw away what waits', () => {
    expect(JSON.parse(markMessage(sid, '7'))).toEqual({ event: 'mark', streamSid: sid, mark: { name: '7' } });
    expect(JSON.parse(clearMessage(sid))).toEqual({ event: 'clear', streamSid: sid });
  });

  it.each([0, 1, 125, 126, 127, 65_535])('is a frame around a message of %i bytes', bytes => {
    const frame = textFrame('x'.repeat(bytes));
    const header = bytes < 126 ? 2 : 4;
    expect(frame[0]).toBe(0x81);
    expect(header === 2 ? frame[1] : frame.readUInt16BE(2)).toBe(bytes);
    expect(frame.length).toBe(header + bytes);
    expect(frame.toString('latin1', header)).toBe('x'.repeat(bytes));
  });

  it('makes nothing on the way of sound', () => {
    const frames = new MediaFrames(sid, 15);
    expect(bytesPerCall(() => frames.frame(sound, 5))).toBeLessThan(33);
  });
});
