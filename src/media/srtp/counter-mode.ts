import { type Cipheriv, createCipheriv } from 'node:crypto';
import { srtpLimits } from './limits.ts';

const blockBytes = 16;
const mostBlocks = Math.ceil(srtpLimits.packetBytes / blockBytes);

/**
 * AES in counter mode as RFC 3711 section 4.1.1 has it. One cipher lives as long as the key: it encrypts the counter
 * blocks of a packet in a single call (ECB without padding), which is a third of the price of a CTR cipher made anew for
 * each packet. What node:crypto returns is the only thing allocated.
 */
export class CounterMode {
  readonly #cipher: Cipheriv;
  readonly #salt: Uint8Array;
  readonly #blocks = Buffer.alloc(mostBlocks * blockBytes);
  /** Views of the first 0, 1, 2 ... blocks, each made when it is first needed. */
  readonly #views: (Buffer | undefined)[] = new Array<Buffer | undefined>(mostBlocks + 1).fill(undefined);
  readonly #start = new Uint8Array(blockBytes);

  /** Key of 16 or 32 bytes, salt of 14. */
  constructor(key: Uint8Array, salt: Uint8Array) {
    this.#cipher = createCipheriv(key.length === 32 ? 'aes-256-ecb' : 'aes-128-ecb', key, null);
    this.#cipher.setAutoPadding(false);
    this.#salt = salt;
    for (let block = 0; block < mostBlocks; block++) {
      this.#blocks.writeUInt16BE(block, block * blockBytes + 14);
    }
  }

  /**
   * Encrypts or decrypts the bytes from `from` to `to` where they are. The packet index has 48 bits: `high` 32 of them,
   * `low` 16 (an SRTCP index of 31 bits is split the same way).
   */
  apply(packet: Uint8Array, from: number, to: number, ssrc: number, high: number, low: number): void {
    const count = (to - from + blockBytes - 1) >> 4;
    if (count === 0) return;
    if (count > mostBlocks) throw new Error(`a packet of ${to} bytes is too long for SRTP`);
    this.#prepare(count, ssrc, high, low);
    const stream = this.#cipher.update(this.#view(count));
    for (let at = from, i = 0; at < to; at++, i++) packet[at] = packet[at]! ^ stream[i]!;
  }

  /** RFC 3711 section 4.1.1: IV = (salt * 2^16) XOR (SSRC * 2^64) XOR (index * 2^16), plus the number of the block. */
  #prepare(count: number, ssrc: number, high: number, low: number): void {
    const start = this.#start;
    const blocks = this.#blocks;
    start.set(this.#salt);
    for (let i = 0; i < 4; i++) {
      start[4 + i] = start[4 + i]! ^ (ssrc >>> (24 - 8 * i));
      start[8 + i] = start[8 + i]! ^ (high >>> (24 - 8 * i));
    }
    start[12] = start[12]! ^ (low >>> 8);
    start[13] = start[13]! ^ low;
    for (let block = 0, at = 0; block < count; block++, at += blockBytes) {
      for (let i = 0; i < 14; i++) blocks[at + i] = start[i]!;
    }
  }

  #view(count: number): Buffer {
    const view = this.#views[count] ?? this.#blocks.subarray(0, count * blockBytes);
    this.#views[count] = view;
    return view;
  }
}
