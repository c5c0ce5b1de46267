/** Characters of two base64 digits (12 bits) at once, in the byte order of a little-endian pair. */
const pairs = buildPairs();
const single = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const padding = 0x3d;
const head = Buffer.from('{"user_audio_chunk":"');
const tail = Buffer.from('"}');

function buildPairs(): Uint16Array {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const table = new Uint16Array(4096);
  for (let bits = 0; bits < 4096; bits++) {
    table[bits] = digits.charCodeAt(bits >> 6) | (digits.charCodeAt(bits & 63) << 8);
  }
  return table;
}

/**
 * The message that carries caller sound, `{"user_audio_chunk":"<base64>"}`, always of the same length. It is written
 * over and over into one Buffer, because it goes out every 20 ms of every call.
 */
export class AudioFrame {
  /** Bytes of sound in one message. */
  readonly soundBytes: number;
  readonly #message: Buffer;

  constructor(soundBytes: number) {
    this.soundBytes = soundBytes;
    this.#message = Buffer.alloc(head.length + Math.ceil(soundBytes / 3) * 4 + tail.length);
    head.copy(this.#message, 0);
    tail.copy(this.#message, this.#message.length - tail.length);
  }

  /** The message for `soundBytes` bytes of `sound` from `from` on; valid until the next call. */
  write(sound: Uint8Array, from: number): Buffer {
    const out = this.#message;
    const end = from + this.soundBytes;
    let at = head.length;
    let i = from;
    for (; i + 2 < end; i += 3) {
      const bits = (sound[i]! << 16) | (sound[i + 1]! << 8) | sound[i + 2]!;
      const high = pairs[bits >> 12]!;
      const low = pairs[bits & 0xfff]!;
      out[at] = high & 0xff;
      out[at + 1] = high >> 8;
      out[at + 2] = low & 0xff;
      out[at + 3] = low >> 8;
      at += 4;
    }
    if (i < end) writeRest(out, at, sound[i]!, i + 1 < end ? sound[i + 1]! : -1);
    return out;
  }
}

/** The last one or two bytes; `second` is -1 when there is only one (RFC 4648 section 4). */
function writeRest(out: Buffer, at: number, first: number, second: number): void {
  const bits = (first << 8) | (second === -1 ? 0 : second);
  out[at] = single[bits >> 10]!;
  out[at + 1] = single[(bits >> 4) & 63]!;
  out[at + 2] = second === -1 ? padding : single[(bits << 2) & 63]!;
  out[at + 3] = padding;
}
