/** Room for the sound held plus one packet as long again; a power of two. */
const ringUnits = 4096;
const ringMask = ringUnits - 1;
const wordMask = ringMask >> 2;
/** Set in the mark of a packet's first byte. */
const firstByte = 0x80;
const codecMask = 0x7f;
/** A mark times this is a word of four such marks. */
const everyByte = 0x01010101;

/** Room for sound, by bytes and by words of the same memory. */
export class SoundBytes {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;

  constructor(bytes: number) {
    this.words = new Int32Array(Math.ceil(bytes / 4));
    this.bytes = new Uint8Array(this.words.buffer, 0, bytes);
  }
}

/**
 * The memory of a jitter buffer: bytes addressed by time, with a mark beside each that says which codec it is of (0: absent)
 * and whether a packet begins there. What begins and ends at a multiple of four, as nearly all sound does, is moved by words.
 */
export class SoundRing {
  /** Addresses that do not fall on one another. */
  static readonly units: number = ringUnits;
  readonly #bytes = new Uint8Array(ringUnits);
  readonly #marks = new Uint8Array(ringUnits);
  readonly #byteWords = new Int32Array(this.#bytes.buffer);
  readonly #markWords = new Int32Array(this.#marks.buffer);

  /** Whether there is sound at a place. */
  has(at: number): boolean {
    return this.#marks[at & ringMask] !== 0;
  }

  /** Codec mark of the sound at a place; 0 where there is none. */
  codecAt(at: number): number {
    return this.#marks[at & ringMask]! & codecMask;
  }

  /** Whether a packet begins at a place. */
  beginsAt(at: number): boolean {
    return (this.#marks[at & ringMask]! & firstByte) !== 0;
  }

  /** Units from `at` on, `most` of them at most, that are of one codec and begin no packet. */
  plain(at: number, codec: number, most: number): number {
    return plainUnits(this.#marks, this.#markWords, at, codec, most);
  }

  /** Puts `length` bytes of a packet, which lie at `from` in it, to `at`, without the first `skip` of them. */
  store(packet: Uint8Array, from: number, at: number, length: number, skip: number, codec: number): void {
    const left = length - skip;
    this.keep(packet, from + skip, at + skip, left);
    if (((at + skip) | left) % 4 === 0) markWords(this.#markWords, (at + skip) >> 2, left >> 2, codec);
    else markBytes(this.#marks, at + skip, left, codec);
    if (skip === 0) this.#marks[at & ringMask] = codec | firstByte;
  }

  /** Puts bytes where `copy` finds them, as if they had been stored and moved. Nothing may be stored there. */
  keep(packet: Uint8Array, from: number, at: number, length: number): void {
    if (((at | length) & 3) === 0) keepWords(packet, from, this.#byteWords, at >> 2, length >> 2);
    else keepBytes(packet, from, this.#bytes, at, length);
  }

  /** Moves `units` from `at` on to the start of `to`. The bytes can be read by `copy` until others come to lie there. */
  move(at: number, units: number, to: SoundBytes): void {
    if (((at | units) & 3) === 0) moveWords(this.#byteWords, this.#markWords, at >> 2, units >> 2, to.words);
    else moveBytes(this.#bytes, this.#marks, at, units, to.bytes);
  }

  /** Copies the bytes from `at` on, whether they were moved or not. */
  copy(at: number, units: number, to: SoundBytes): void {
    for (let i = 0; i < units; i++) to.bytes[i] = this.#bytes[(at + i) & ringMask]!;
  }

  clear(from: number, to: number): void {
    markBytes(this.#marks, from, to - from, 0);
  }
}

// The loops are functions of their own: V8 would fetch a field of an object anew for every byte.

function plainUnits(marks: Uint8Array, words: Int32Array, at: number, codec: number, most: number): number {
  const word = codec * everyByte;
  let units = 0;
  while (units < most) {
    const place = (at + units) & ringMask;
    if ((place & 3) === 0 && most - units >= 4 && words[place >> 2] === word) units += 4;
    else if (marks[place] === codec) units++;
    else break;
  }
  return units;
}

function keepWords(packet: Uint8Array, from: number, bytes: Int32Array, at: number, count: number): void {
  for (let i = 0, read = from; i < count; i++, read += 4)
    bytes[(at + i) & wordMask] =
      packet[read]! | (packet[read + 1]! << 8) | (packet[read + 2]! << 16) | (packet[read + 3]! << 24);
}

function keepBytes(packet: Uint8Array, from: number, bytes: Uint8Array, at: number, length: number): void {
  for (let i = 0; i < length; i++) bytes[(at + i) & ringMask] = packet[from + i]!;
}

function markWords(words: Int32Array, at: number, count: number, codec: number): void {
  const mark = codec * everyByte;
  for (let i = 0; i < count; i++) words[(at + i) & wordMask] = mark;
}

function markBytes(marks: Uint8Array, at: number, count: number, codec: number): void {
  for (let i = 0; i < count; i++) marks[(at + i) & ringMask] = codec;
}

function moveWords(bytes: Int32Array, marks: Int32Array, at: number, count: number, to: Int32Array): void {
  for (let i = 0; i < count; i++) {
    const place = (at + i) & wordMask;
    to[i] = bytes[place]!;
    marks[place] = 0;
  }
}

function moveBytes(bytes: Uint8Array, marks: Uint8Array, at: number, units: number, to: Uint8Array): void {
  for (let i = 0; i < units; i++) {
    const place = (at + i) & ringMask;
    to[i] = bytes[place]!;
    marks[place] = 0;
  }
}
