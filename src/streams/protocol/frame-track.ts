/** RFC 6455 section 5.2. */
const fin = 0x80;
const opcodeBits = 0x0f;
const masked = 0x80;
const lengthBits = 0x7f;
const twoByteLength = 126;
const eightByteLength = 127;
const finText = 0x81;
const keyBytes = 4;
/** In front of a payload that is at most 125 bytes long, and of one up to 65,535. */
const shortHeader = 2 + keyBytes;
const longHeader = 4 + keyBytes;
const longestHeader = 10 + keyBytes;
const continuation = 0x0;
const firstControl = 0x8;
const close = 0x8;

/**
 * Where frames of a client's begin and end in its bytes, however those are cut. Of a text message that lies whole in front of
 * it, it tells the payload; what anything else means is not its matter.
 */
export class FrameTrack {
  /** Where the payload of the frame that `whole` found begins, and where it ends. */
  from = 0;
  to = 0;
  /** Bytes that still belong to the frame whose header is over. */
  #left = 0;
  readonly #header = new Uint8Array(longestHeader);
  #headerBytes = 0;
  /** A message has begun and not ended, or the last frame of all has come. */
  #inside = false;
  #closed = false;

  /**
   * Whether a masked text message in one frame lies between `at` and `end`, the whole of it, with `most` bytes of payload at
   * most.
   */
  whole(chunk: Uint8Array, at: number, end: number, most: number): boolean {
    if (this.#left > 0 || this.#headerBytes > 0 || this.#inside || this.#closed) return false;
    if (end - at < longHeader || chunk[at] !== finText) return false;
    const second = chunk[at + 1]!;
    if ((second & masked) === 0) return false;
    const short = second & lengthBits;
    if (short === eightByteLength) return false;
    const long = short === twoByteLength;
    const length = long ? (chunk[at + 2]! << 8) | chunk[at + 3]! : short;
    this.from = at + (long ? longHeader : shortHeader);
    this.to = this.from + length;
    return length <= most && this.to <= end;
  }

  /**
   * Takes the mask off the payload that `whole` found, where it lies, or puts it on again (section 5.3). `words` is the memory of
   * `chunk` from its beginning: a payload at a multiple of four goes by four bytes at a time.
   */
  mask(chunk: Uint8Array, words: Int32Array): void {
    const { from, to } = this;
    let at = from;
    if (from % 4 === 0) {
      const key = words[from / 4 - 1]!;
      for (; at + 3 < to; at += 4) words[at >> 2]! ^= key;
    }
    for (; at < to; at++) chunk[at]! ^= chunk[from - keyBytes + ((at - from) & 3)]!;
  }

  /** Goes past the frame at `at`, or what there is of it up to `to`; tells where that ends. */
  pass(chunk: Uint8Array, at: number, to: number): number {
    let next = at;
    if (this.#left === 0) {
      while (next < to && !this.#headed) this.#header[this.#headerBytes++] = chunk[next++]!;
      if (!this.#headed) return next;
      this.#begin();
    }
    const end = Math.min(to, next + this.#left);
    this.#left -= end - next;
    return end;
  }

  /** Whether the header is over. */
  get #headed(): boolean {
    return this.#headerBytes >= 2 && this.#headerBytes === this.#headerLength;
  }

  get #headerLength(): number {
    const second = this.#header[1]!;
    const key = (second & masked) === 0 ? 0 : keyBytes;
    const short = second & lengthBits;
    return 2 + (short === twoByteLength ? 2 : short === eightByteLength ? 8 : 0) + key;
  }

  #begin(): void {
    const [first, second] = [this.#header[0]!, this.#header[1]! & lengthBits];
    const bytes = second === twoByteLength ? 2 : second === eightByteLength ? 8 : 0;
    let length = bytes === 0 ? second : 0;
    for (let i = 0; i < bytes; i++) length = length * 256 + this.#header[2 + i]!;
    this.#left = length;
    this.#headerBytes = 0;
    const opcode = first & opcodeBits;
    if (opcode === close) this.#closed = true;
    // Control frames may lie between the frames of a message (section 5.4).
    if (opcode >= firstControl) return;
    if ((first & fin) === 0) this.#inside = true;
    else if (opcode === continuation) this.#inside = false;
  }
}
