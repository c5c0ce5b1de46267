/** Values of base64 digits; 0x40 stands for every other byte. */
const values = new Uint8Array(256).fill(0x40);
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
for (const [value, digit] of [...alphabet].entries()) values[digit.charCodeAt(0)] = value;
const digits = Buffer.from(alphabet);
const padding = 0x3d;

/** Characters of two base64 digits (12 bits) at once, in the byte order of a little-endian pair. */
const pairs = buildPairs();

function buildPairs(): Uint16Array {
  const table = new Uint16Array(4096);
  for (let bits = 0; bits < 4096; bits++) {
    table[bits] = alphabet.charCodeAt(bits >> 6) | (alphabet.charCodeAt(bits & 63) << 8);
  }
  return table;
}

/** Digits of base64 between two places, without the padding; -1 when there cannot be that many. */
export function base64Digits(text: Uint8Array, from: number, to: number): number {
  let end = to;
  if ((to - from) % 4 === 0) {
    if (end > from && text[end - 1] === padding) end--;
    if (end > from && text[end - 1] === padding) end--;
  }
  return (end - from) % 4 === 1 ? -1 : end - from;
}

/** Bytes that so many digits make. */
export const base64Bytes = (count: number): number => (count * 3) >> 2;

/** Decodes `count` digits at `from` to the start of `dst`; false when there is anything else among them. */
export function decodeBase64(text: Uint8Array, from: number, count: number, dst: Uint8Array): boolean {
  const end = from + count;
  const whole = end - (count % 4);
  let bad = 0;
  let to8 = 0;
  for (let at = from; at < whole; at += 4) {
    const a = values[text[at]!]!;
    const b = values[text[at + 1]!]!;
    const c = values[text[at + 2]!]!;
    const d = values[text[at + 3]!]!;
    bad |= a | b | c | d;
    const bits = (a << 18) | (b << 12) | (c << 6) | d;
    dst[to8++] = bits >> 16;
    dst[to8++] = bits >> 8;
    dst[to8++] = bits;
  }
  if (whole < end) {
    const a = values[text[whole]!]!;
    const b = values[text[whole + 1]!]!;
    const c = whole + 2 < end ? values[text[whole + 2]!]! : 0;
    bad |= a | b | c;
    const bits = (a << 18) | (b << 12) | (c << 6);
    dst[to8++] = bits >> 16;
    if (whole + 2 < end) dst[to8++] = bits >> 8;
  }
  return bad <= 63;
}

/**
 * Writes `bytes` of `sound` as base64, four digits (a word, little-endian as every machine is that this runs on) at a time, each
 * under `key`; zero leaves them as they are.
 */
export function writeBase64(
  sound: Uint8Array,
  from: number,
  bytes: number,
  words: Int32Array,
  key = 0,
): void {
  const end = from + bytes;
  let word = 0;
  let i = from;
  for (; i + 2 < end; i += 3) {
    const bits = (sound[i]! << 16) | (sound[i + 1]! << 8) | sound[i + 2]!;
    words[word++] = (pairs[bits >> 12]! | (pairs[bits & 0xfff]! << 16)) ^ key;
  }
  if (i < end) words[word] = lastWord(sound[i]!, i + 1 < end ? sound[i + 1]! : -1) ^ key;
}

/** The last one or two bytes; `second` is -1 when there is only one (RFC 4648 section 4). */
function lastWord(first: number, second: number): number {
  const bits = (first << 8) | (second === -1 ? 0 : second);
  const third = second === -1 ? padding : digits[(bits << 2) & 63]!;
  return digits[bits >> 10]! | (digits[(bits >> 4) & 63]! << 8) | (third << 16) | (padding << 24);
}
