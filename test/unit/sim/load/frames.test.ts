import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { carriesSound, endsLoud, soundBytes } from '../../../../src/sim/load/caller-message.ts';
import { type Frame, FrameReader, frameOf, opcodes, payloadOf } from '../../../../src/sim/load/frames.ts';

/** A frame as a client sends it: masked. */
function masked(opcode: number, payload: Buffer, mask = Buffer.from([1, 0x80, 0x55, 0xfe])): Buffer {
  const plain = frameOf(opcode, payload);
  const headBytes = plain.length - payload.length;
  const head = Buffer.from(plain.subarray(0, headBytes));
  head[1] = head[1]! | 0x80;
  return Buffer.concat([head, mask, payload.map((byte, i) => byte ^ mask[i & 3]!)]);
}

function read(chunks: readonly Buffer[]): { opcode: number; payload: string }[] {
  const reader = new FrameReader();
  const found: { opcode: number; payload: string }[] = [];
  for (const chunk of chunks) {
    reader.push(chunk, frame => {
      found.push({ opcode: frame.opcode, payload: payloadOf(frame).toString('latin1') });
    });
  }
  return found;
}

function taken<T>(data: Buffer, look: (frame: Frame) => T): T {
  let seen: T | undefined;
  new FrameReader().push(data, frame => {
    seen = look(frame);
  });
  if (seen === undefined) throw new Error('no frame');
  return seen;
}

describe('the reader of frames', () => {
  it('finds frames of every length class, masked and not', () => {
    const payloads = [0, 1, 125, 126, 400, 65_535, 65_536].map(length => Buffer.alloc(length, 'x'));
    const data = payloads.flatMap(payload => [masked(opcodes.text, payload), frameOf(opcodes.ping, payload)]);
    const expected = payloads.flatMap(payload => {
      const text = payload.toString('latin1');
      return [
        { opcode: opcodes.text, payload: text },
        { opcode: opcodes.ping, payload: text },
      ];
    });
    expect(read([Buffer.concat(data)])).toEqual(expected);
  });

  it('finds the same however the stream is cut', () => {
    const texts = ['one', '', 'x'.repeat(300), 'end'];
    const data = Buffer.concat(texts.map(text => masked(opcodes.text, Buffer.from(text))));
    fc.assert(
      fc.property(fc.array(fc.nat(data.length), { maxLength: 8 }), cuts => {
        const edges = [0, ...cuts.toSorted((a, b) => a - b), data.length];
        const chunks = edges.slice(1).map((end, i) => data.subarray(edges[i], end));
        expect(read(chunks).map(({ payload }) => payload)).toEqual(texts);
      }),
    );
  });
});

describe("a message with the caller's sound", () => {
  const message = (sound: Buffer) =>
    masked(opcodes.text, Buffer.from(`{"user_audio_chunk":"${sound.toString('base64')}"}`));

  it('is told from every other message', () => {
    expect(taken(message(Buffer.alloc(160)), carriesSound)).toBe(true);
    for (const other of [
      '{"type":"pong","event_id":123456789012345}',
      '{"type":"user_message","text":"abcdef"}',
    ]) {
      expect(taken(masked(opcodes.text, Buffer.from(other)), carriesSound)).toBe(false);
    }
  });

  it('tells how many bytes of sound it has, whatever the padding', () => {
    for (const bytes of [160, 161, 162, 640, 320])
      expect(taken(message(Buffer.alloc(bytes, 7)), soundBytes)).toBe(bytes);
  });

  it('is loud when its end is, in mu-law', () => {
    const quiet = Buffer.alloc(160, 0xff);
    const loud = Buffer.from(quiet).fill(0x80, 150);
    expect(taken(message(quiet), frame => endsLoud(frame, true))).toBe(false);
    expect(taken(message(loud), frame => endsLoud(frame, true))).toBe(true);
    const before = Buffer.from(quiet).fill(0x80, 0, 140);
    expect(taken(message(before), frame => endsLoud(frame, true))).toBe(false);
  });

  it('is loud when its end is, in 16-bit samples of either sign and any alignment', () => {
    for (const bytes of [640, 642, 644]) {
      const sound = Buffer.alloc(bytes);
      for (let at = 0; at < bytes; at += 2) sound.writeInt16LE(-300, at);
      expect(taken(message(sound), frame => endsLoud(frame, false))).toBe(false);
      for (let at = bytes - 12; at < bytes; at += 2) sound.writeInt16LE(-9000, at);
      expect(taken(message(sound), frame => endsLoud(frame, false))).toBe(true);
    }
  });
});
