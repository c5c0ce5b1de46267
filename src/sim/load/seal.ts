import { type Cipheriv, createCipheriv, createHmac, randomBytes } from 'node:crypto';

/** The suite that telephones of a run offer: the one that every peer knows. */
export const sealSuite = 'AES_CM_128_HMAC_SHA1_80';
/** Bytes that a packet grows by. */
export const tagBytes = 10;
const keyBytes = 16;
const saltBytes = 14;
const authenticationBytes = 20;
const headerBytes = 12;
const blockBytes = 16;
/** Blocks of the longest packet that is sent here. */
const mostBlocks = 96;

/** Master key and salt of one direction, as they stand behind `inline:` in SDP. */
export const freshMaster = (): Buffer => randomBytes(keyBytes + saltBytes);

/**
 * SRTP of one direction of one stream, without CSRC and extensions, which nobody here sends. Written apart from what the
 * bridge has, so that each is the other's second opinion; one cipher for the life of the key, because it is the telephones
 * that hear all calls at once.
 */
export class Seal {
  readonly #cipher: Cipheriv;
  readonly #authentication: Buffer;
  readonly #salt: Buffer;
  readonly #counters = Buffer.alloc(mostBlocks * blockBytes);
  readonly #rollovers = Buffer.alloc(4);
  #rollover = 0;
  #last = -1;

  constructor(master: Buffer) {
    if (master.length !== keyBytes + saltBytes) throw new Error(`a key of ${master.length} bytes`);
    this.#cipher = createCipheriv('aes-128-ecb', derived(master, 0, keyBytes), null);
    this.#cipher.setAutoPadding(false);
    this.#authentication = derived(master, 1, authenticationBytes);
    this.#salt = derived(master, 2, saltBytes);
  }

  /** Protects the first `length` bytes of a packet that has room for the tag. */
  seal(packet: Buffer, length: number): void {
    const rollover = this.#place(packet);
    this.#mask(packet, length, rollover);
    packet.set(this.#tag(packet, length, rollover), length);
  }

  /** What was protected, where it is; undefined when the tag is wrong. */
  open(packet: Buffer): Buffer | undefined {
    const length = packet.length - tagBytes;
    if (length < headerBytes) return undefined;
    const rollover = this.#place(packet);
    if (this.#tag(packet, length, rollover).compare(packet, length) !== 0) return undefined;
    this.#mask(packet, length, rollover);
    return packet.subarray(0, length);
  }

  /** How often the sequence numbers had begun anew at this packet (RFC 3711 section 3.3.1). */
  #place(packet: Buffer): number {
    const sequence = packet.readUInt16BE(2);
    if (this.#last === -1) this.#last = sequence;
    const step = ((sequence - this.#last + 0x8000) & 0xffff) - 0x8000;
    const turned = this.#last + step;
    if (turned < 0) return this.#rollover - 1;
    if (turned > 0xffff) this.#rollover++;
    if (step > 0) this.#last = sequence;
    return this.#rollover;
  }

  /** RFC 3711 section 4.1.1. */
  #mask(packet: Buffer, length: number, rollover: number): void {
    const blocks = Math.ceil((length - headerBytes) / blockBytes);
    const counters = this.#counters;
    this.#salt.copy(counters);
    for (let i = 0; i < 4; i++) {
      counters[4 + i] = counters[4 + i]! ^ packet[8 + i]!;
      counters[8 + i] = counters[8 + i]! ^ ((rollover >>> (24 - 8 * i)) & 0xff);
    }
    counters[12] = counters[12]! ^ packet[2]!;
    counters[13] = counters[13]! ^ packet[3]!;
    for (let block = 0; block < blocks; block++) {
      if (block > 0) counters.copyWithin(block * blockBytes, 0, saltBytes);
      counters.writeUInt16BE(block, block * blockBytes + saltBytes);
    }
    const stream = this.#cipher.update(counters.subarray(0, blocks * blockBytes));
    for (let at = headerBytes, i = 0; at < length; at++, i++) packet[at] = packet[at]! ^ stream[i]!;
  }

  /** RFC 3711 section 4.2. */
  #tag(packet: Buffer, length: number, rollover: number): Buffer {
    this.#rollovers.writeUInt32BE(rollover >>> 0);
    const whole = createHmac('sha1', this.#authentication)
      .update(packet.subarray(0, length))
      .update(this.#rollovers)
      .digest();
    return whole.subarray(0, tagBytes);
  }
}

/** A session key by its label (RFC 3711 section 4.3). */
function derived(master: Buffer, label: number, length: number): Buffer {
  const start = Buffer.alloc(blockBytes);
  master.copy(start, 0, keyBytes);
  start[7] = start[7]! ^ label;
  return createCipheriv('aes-128-ctr', master.subarray(0, keyBytes), start).update(Buffer.alloc(length));
}
