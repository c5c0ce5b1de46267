export interface FrameOptions {
  readonly opcode?: number;
  readonly fin?: boolean;
  readonly masked?: boolean;
  /** Bits that an extension would have to give a meaning. */
  readonly reserved?: number;
}

const key = Buffer.from([0x17, 0xa5, 0x00, 0xff]);

/** One frame as a client sends it (RFC 6455 section 5.2): text in one piece unless told otherwise. */
export function clientFrame(payload: string | Buffer, options: FrameOptions = {}): Buffer {
  const { opcode = 1, fin = true, masked = true, reserved = 0 } = options;
  const bytes = Buffer.from(payload);
  const maskBit = masked ? 0x80 : 0;
  const header = [(fin ? 0x80 : 0) | reserved | opcode];
  if (bytes.length < 126) header.push(maskBit | bytes.length);
  else if (bytes.length < 0x1_0000) header.push(maskBit | 126, bytes.length >> 8, bytes.length & 0xff);
  else header.push(maskBit | 127, 0, 0, 0, 0, ...Buffer.from(Uint32Array.of(bytes.length).buffer).reverse());
  if (!masked) return Buffer.concat([Buffer.from(header), bytes]);
  return Buffer.concat([Buffer.from(header), key, bytes.map((byte, i) => byte ^ key[i & 3]!)]);
}
