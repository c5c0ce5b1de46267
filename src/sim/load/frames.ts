/** Opcodes of RFC 6455 section 5.2. */
export const opcodes = { text: 1, close: 8, ping: 9, pong: 10 } as const;

/** Payload of a frame at the most, bytes; LONGEST_FRAME in agent/limits.h. */
export const longestFrame = 128 * 1024;
/** What reading says of a frame that is not all there, and of one that is longer. */
const [unfinished, tooLong] = [-1, -2];

/** One whole frame inside of a chunk; `maskAt` is -1 when it is not masked. */
export interface Frame {
  data: Buffer;
  opcode: number;
  maskAt: number;
  start: number;
  length: number;
}

/**
 * Finds the frames in a stream and leaves them where they lie: unmasking ten thousand messages a second only to throw
 * them away would cost more than what is to be measured. Messages in fragments are not taken apart, nobody here sends
 * them.
 */
export class FrameReader {
  #held: Buffer | undefined;
  readonly #frame: Frame = { data: Buffer.alloc(0), opcode: 0, maskAt: -1, start: 0, length: 0 };

  /** Takes what arrived; `take` borrows each frame that is now complete. False when the next one is too long to wait for. */
  push(chunk: Buffer, take: (frame: Frame) => void): boolean {
    const data = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk]);
    let at = 0;
    let next = this.#read(data, at);
    for (; next >= 0; next = this.#read(data, at)) {
      take(this.#frame);
      at = next;
    }
    this.#held = at === data.length || next === tooLong ? undefined : data.subarray(at);
    return next !== tooLong;
  }

  /** Where the frame at `at` ends, if all of it is there. */
  #read(data: Buffer, at: number): number {
    if (data.length < at + 2) return unfinished;
    const second = data[at + 1]!;
    let start = at + 2;
    let length = second & 0x7f;
    if (length === 126) {
      if (data.length < at + 4) return unfinished;
      length = data.readUInt16BE(start);
      start += 2;
    } else if (length === 127) {
      if (data.length < at + 10) return unfinished;
      length = Number(data.readBigUInt64BE(start));
      start += 8;
    }
    if (length > longestFrame) return tooLong;
    const masked = second >= 0x80;
    const frame = this.#frame;
    frame.maskAt = masked ? start : -1;
    if (masked) start += 4;
    if (data.length < start + length) return unfinished;
    frame.data = data;
    frame.opcode = data[at]! & 0x0f;
    frame.start = start;
    frame.length = length;
    return start + length;
  }
}

/** A byte of a frame's payload, unmasked. */
export function byteOf(frame: Frame, index: number): number {
  const byte = frame.data[frame.start + index]!;
  return frame.maskAt === -1 ? byte : byte ^ frame.data[frame.maskAt + (index & 3)]!;
}

/** The payload of a frame, unmasked. */
export function payloadOf(frame: Frame): Buffer {
  const payload = Buffer.alloc(frame.length);
  for (let i = 0; i < frame.length; i++) payload[i] = byteOf(frame, i);
  return payload;
}

/** A frame as a server sends it: whole, without a mask. */
export function frameOf(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 0x1_0000 ? 4 : 10);
  head[0] = 0x80 | opcode;
  if (head.length === 2) head[1] = length;
  else if (head.length === 4) {
    head[1] = 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([head, payload]);
}
