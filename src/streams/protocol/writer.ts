import { writeBase64 } from '../../core/base64.ts';

/** RFC 6455 section 5.2: FIN with opcode text, and a length that is in the two bytes that follow. */
const finText = 0x81;
const twoByteLength = 126;
const headerBytes = 4;
/** One step of the sound in a message: 20 ms of mu-law. */
export const stepBytes = 160;
const tail = Buffer.from('"}}');

/**
 * The message that carries our sound to Twilio, and the WebSocket frame around it: written over and over into one memory.
 * Base64 lies at a multiple of four in it, so that digits are made and stored four at a time.
 */
export class MediaFrames {
  /** Steps in the longest message. */
  readonly most: number;
  readonly #frame: Buffer;
  readonly #words: Int32Array;
  readonly #headBytes: number;
  /** Frames by how many steps of sound they have. */
  readonly #frames: Buffer[] = [];

  /** `most` steps fit in the longest message. */
  constructor(streamSid: string, most: number) {
    this.most = most;
    const head = Buffer.from(
      `{"event":"media","streamSid":${JSON.stringify(streamSid)},"media":{"payload":"`,
    );
    this.#headBytes = headerBytes + head.length;
    const start = (4 - (this.#headBytes & 3)) & 3;
    const digits = digitsOf(most);
    const memory = new ArrayBuffer(start + this.#headBytes + digits + tail.length);
    this.#frame = Buffer.from(memory, start);
    this.#words = new Int32Array(memory, start + this.#headBytes, digits / 4);
    head.copy(this.#frame, headerBytes);
    this.#frame[0] = finText;
    this.#frame[1] = twoByteLength;
    for (let steps = 1; steps <= most; steps++) {
      const end = this.#headBytes + digitsOf(steps) + tail.length;
      this.#frames[steps] = this.#frame.subarray(0, end);
    }
  }

  /** A whole frame with `steps` steps of `sound`; valid until the next call. */
  frame(sound: Uint8Array, steps: number): Buffer {
    const frame = this.#frames[steps]!;
    const length = frame.length - headerBytes;
    frame[2] = length >> 8;
    frame[3] = length & 0xff;
    writeBase64(sound, 0, steps * stepBytes, this.#words);
    const end = this.#headBytes + digitsOf(steps);
    for (let i = 0; i < tail.length; i++) frame[end + i] = tail[i]!;
    return frame;
  }
}

const digitsOf = (steps: number) => Math.ceil((steps * stepBytes) / 3) * 4;

/** The same message in memory of its own. */
export function mediaMessage(streamSid: string, sound: Uint8Array, steps: number): string {
  const payload = Buffer.from(sound.subarray(0, steps * stepBytes)).toString('base64');
  return JSON.stringify({ event: 'media', streamSid, media: { payload } });
}

/** The frame around a text message of a server's, of up to 65,535 bytes. */
export function textFrame(text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  const header = bytes < twoByteLength ? 2 : headerBytes;
  const frame = Buffer.allocUnsafe(header + bytes);
  frame[0] = finText;
  frame[1] = header === 2 ? bytes : twoByteLength;
  if (header > 2) frame.writeUInt16BE(bytes, 2);
  frame.write(text, header);
  return frame;
}

/** Asks to be told when what was sent before has been played. */
export function markMessage(streamSid: string, name: string): string {
  return JSON.stringify({ event: 'mark', streamSid, mark: { name } });
}

/** Throws away what waits to be played; its marks come back at once. */
export function clearMessage(streamSid: string): string {
  return JSON.stringify({ event: 'clear', streamSid });
}
