import { randomFillSync } from 'node:crypto';
import { writeBase64 } from '../../../core/base64.ts';

const head = Buffer.from('{"user_audio_chunk":"');
const tail = Buffer.from('"}');
/** RFC 6455 section 5.2: FIN with opcode text, and the bit in front of the length that says there is a mask. */
const finText = 0x81;
const masked = 0x80;
const keyBytes = 4;

/** Keys that nobody can foresee (RFC 6455 section 5.3), drawn a thousand at a time. */
const keys = new Int32Array(1024);
let keysLeft = 0;

function freshKey(): number {
  if (keysLeft === 0) {
    randomFillSync(keys);
    keysLeft = keys.length;
  }
  return keys[--keysLeft]!;
}

/**
 * The frame that all callers of a thread write their sound into whose messages are equally long: one memory, which stays in the
 * caches of the processor, as those of hundreds of calls do not.
 */
export class SharedFrame {
  static readonly #all = new Map<number, SharedFrame>();
  current: AudioFrame;

  private constructor(soundBytes: number) {
    this.current = new AudioFrame(soundBytes);
  }

  static of(soundBytes: number): SharedFrame {
    const known = SharedFrame.#all.get(soundBytes);
    if (known !== undefined) return known;
    const fresh = new SharedFrame(soundBytes);
    SharedFrame.#all.set(soundBytes, fresh);
    return fresh;
  }

  /** Somebody's socket has kept the frame: it is theirs from now on, and there is another one for everybody else. */
  giveAway(): AudioFrame {
    const { current } = this;
    this.current = new AudioFrame(current.soundBytes);
    return current;
  }
}

/**
 * The message that carries caller sound, `{"user_audio_chunk":"<base64>"}`, always of the same length, and the WebSocket
 * frame around it. It is written over and over into one memory, because it goes out every 20 ms of every call; base64
 * lies at a multiple of four in it, so that digits are made, masked and stored four at a time (little-endian, as every
 * machine is that this runs on).
 */
export class AudioFrame {
  /** Bytes of sound in one message. */
  readonly soundBytes: number;
  readonly #frame: Buffer;
  readonly #message: Buffer;
  /** The base64 text as words of four digits. */
  readonly #words: Int32Array;
  /** Where messages without a frame are made, once there is one. */
  #apart: AudioFrame | undefined;

  constructor(soundBytes: number) {
    this.soundBytes = soundBytes;
    const digits = Math.ceil(soundBytes / 3) * 4;
    const length = head.length + digits + tail.length;
    const lengthBytes = length < 126 ? 0 : length < 0x1_0000 ? 2 : 8;
    const headerBytes = 2 + lengthBytes + keyBytes;
    const start = (4 - ((headerBytes + head.length) & 3)) & 3;
    const memory = new ArrayBuffer(start + headerBytes + length);
    this.#frame = Buffer.from(memory, start);
    this.#message = Buffer.from(memory, start + headerBytes);
    this.#words = new Int32Array(memory, start + headerBytes + head.length, digits / 4);
    this.#frame[0] = finText;
    this.#frame[1] = masked | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
    if (lengthBytes === 2) this.#frame.writeUInt16BE(length, 2);
    if (lengthBytes === 8) this.#frame.writeUIntBE(length, 4, 6);
  }

  /**
   * The message for `soundBytes` bytes of `sound` from `from` on; valid until the next call. It has memory of its own: a
   * frame that waits to leave still lies in the other.
   */
  text(sound: Uint8Array, from: number): Buffer {
    this.#apart ??= new AudioFrame(this.soundBytes);
    this.#apart.#fill(sound, from, 0);
    return this.#apart.#message;
  }

  /** The same as a whole masked frame; valid until the next call. */
  masked(sound: Uint8Array, from: number): Buffer {
    const key = freshKey();
    const frame = this.#frame;
    const at = frame.length - this.#message.length - keyBytes;
    for (let i = 0; i < keyBytes; i++) frame[at + i] = key >> (8 * i);
    this.#fill(sound, from, key);
    return frame;
  }

  #fill(sound: Uint8Array, from: number, key: number): void {
    const out = this.#message;
    for (let i = 0; i < head.length; i++) out[i] = head[i]! ^ (key >> (8 * (i & 3)));
    writeBase64(sound, from, this.soundBytes, this.#words, turned(key, head.length));
    const rest = out.length - tail.length;
    for (let i = 0; i < tail.length; i++) out[rest + i] = tail[i]! ^ (key >> (8 * ((rest + i) & 3)));
  }
}

/** The key as it lies over a word that begins `offset` bytes into the payload. */
function turned(key: number, offset: number): number {
  const bits = 8 * (offset & 3);
  return bits === 0 ? key : (key >>> bits) | (key << (32 - bits));
}
