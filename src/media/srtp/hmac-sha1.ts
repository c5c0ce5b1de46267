const blockBytes = 64;

/** Bytes of a whole HMAC-SHA1. */
export const hmacBytes = 20;

/** The state that SHA-1 begins with (FIPS 180-4 section 5.3.1). */
const beginning = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];

const schedule = new Int32Array(80);

/**
 * HMAC-SHA1 (RFC 2104) over packets. node:crypto makes an object of its own for each digest, which costs three times
 * the digest and litters the heap every 20 ms of every call; here a key's two first blocks are worked off once, and a
 * packet then takes no allocation at all. No branch and no index depends on what is secret.
 */
export class HmacSha1 {
  /** The result of the last `compute`. */
  readonly digest: Uint8Array = new Uint8Array(hmacBytes);
  readonly #inner = Int32Array.from(beginning);
  readonly #outer = Int32Array.from(beginning);
  readonly #state = new Int32Array(5);
  readonly #block = new Uint8Array(blockBytes);

  /** Keys of up to 64 bytes; those of SRTP have 20. */
  constructor(key: Uint8Array) {
    if (key.length > blockBytes) throw new Error(`an HMAC key of ${key.length} bytes is not supported`);
    const block = new Uint8Array(blockBytes);
    for (let i = 0; i < blockBytes; i++) block[i] = (key[i] ?? 0) ^ 0x36;
    compress(this.#inner, block, 0);
    for (let i = 0; i < blockBytes; i++) block[i] = (key[i] ?? 0) ^ 0x5c;
    compress(this.#outer, block, 0);
  }

  /** Over the first `length` bytes of a packet, then over 32 bits in network order when `word` is given. */
  compute(packet: Uint8Array, length: number, word?: number): void {
    const state = this.#state;
    const block = this.#block;
    state.set(this.#inner);
    let at = 0;
    for (; at + blockBytes <= length; at += blockBytes) compress(state, packet, at);
    let fill = 0;
    while (at < length) block[fill++] = packet[at++]!;
    let total = blockBytes + length;
    if (word !== undefined) {
      total += 4;
      for (let shift = 24; shift >= 0; shift -= 8) {
        if (fill === blockBytes) {
          compress(state, block, 0);
          fill = 0;
        }
        block[fill++] = word >>> shift;
      }
    }
    finish(state, block, fill, total);
    store(state, block);
    state.set(this.#outer);
    finish(state, block, hmacBytes, blockBytes + hmacBytes);
    store(state, this.digest);
  }

  /** Whether the bytes at `at` are the first `length` of the digest; takes the same time wherever they differ. */
  matches(packet: Uint8Array, at: number, length: number): boolean {
    let difference = 0;
    for (let i = 0; i < length; i++) difference |= packet[at + i]! ^ this.digest[i]!;
    return difference === 0;
  }
}

/** Padding of the last block (FIPS 180-4 section 5.1.1), `fill` bytes of which are taken, `total` bytes in all. */
function finish(state: Int32Array, block: Uint8Array, fill: number, total: number): void {
  let at = fill;
  if (at === blockBytes) {
    compress(state, block, 0);
    at = 0;
  }
  block[at++] = 0x80;
  if (at > blockBytes - 8) {
    block.fill(0, at);
    compress(state, block, 0);
    at = 0;
  }
  block.fill(0, at);
  const bits = total * 8;
  block[60] = bits >>> 24;
  block[61] = bits >>> 16;
  block[62] = bits >>> 8;
  block[63] = bits;
  compress(state, block, 0);
}

function store(state: Int32Array, to: Uint8Array): void {
  for (let i = 0; i < hmacBytes; i++) to[i] = state[i >> 2]! >>> (24 - 8 * (i & 3));
}

/** The message schedule of a block (FIPS 180-4 section 6.1.2, step 1). */
function prepare(w: Int32Array, bytes: Uint8Array, from: number): void {
  for (let i = 0; i < 16; i++) {
    const at = from + i * 4;
    w[i] = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  }
  for (let i = 16; i < 80; i++) {
    const mixed = w[i - 3]! ^ w[i - 8]! ^ w[i - 14]! ^ w[i - 16]!;
    w[i] = (mixed << 1) | (mixed >>> 31);
  }
}

/** One block of SHA-1 (FIPS 180-4 section 6.1.2). */
function compress(state: Int32Array, bytes: Uint8Array, from: number): void {
  const w = schedule;
  prepare(w, bytes, from);
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  let e = state[4]!;
  // Four loops for the four functions, and whole numbers of 32 bits throughout: one loop that asks takes twice the time.
  let i = 0;
  for (; i < 20; i++) {
    const next = (((a << 5) | (a >>> 27)) + ((b & c) | (~b & d)) + e + 0x5a827999 + w[i]!) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  for (; i < 40; i++) {
    const next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + 0x6ed9eba1 + w[i]!) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  for (; i < 60; i++) {
    const next = (((a << 5) | (a >>> 27)) + ((b & c) | (b & d) | (c & d)) + e - 0x70e44324 + w[i]!) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  for (; i < 80; i++) {
    const next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e - 0x359d3e2a + w[i]!) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  state[0] = (state[0]! + a) | 0;
  state[1] = (state[1]! + b) | 0;
  state[2] = (state[2]! + c) | 0;
  state[3] = (state[3]! + d) | 0;
  state[4] = (state[4]! + e) | 0;
}
