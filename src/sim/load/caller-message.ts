import { ulawToLinear } from '../../../codecs/g711.ts';
import { byteOf, type Frame } from './frames.ts';
import { loudPeak } from './profile.ts';

const head = '{"user_audio_chunk":"';
const tailBytes = 2;
/** The letter that tells this message from the others: of `user_audio_chunk`, the ninth. */
const letterAt = head.indexOf('d');
const letter = head.charCodeAt(letterAt);

const digits = new Int8Array(128).fill(-1);
for (const [value, digit] of [
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
].entries()) {
  digits[digit.charCodeAt(0)] = value;
}

/** Whether a text frame carries sound of the caller. */
export function carriesSound(frame: Frame): boolean {
  return frame.length > head.length + tailBytes && byteOf(frame, letterAt) === letter;
}

/** Bytes of sound in a message that carries it. */
export function soundBytes(frame: Frame): number {
  const text = frame.length - head.length - tailBytes;
  let padding = 0;
  while (padding < 2 && byteOf(frame, frame.length - tailBytes - 1 - padding) === 0x3d) padding++;
  return (text / 4) * 3 - padding;
}

/** Whether the last few whole samples before the end of the sound are loud; only they are decoded. */
export function endsLoud(frame: Frame, companded: boolean): boolean {
  const text = frame.length - head.length - tailBytes;
  // The last four characters may be padding: the eight before them are six bytes, three samples or six.
  const from = text - 12;
  if (from < 0) return false;
  const first = (from / 4) * 3;
  decode(frame, head.length + from);
  if (companded) return six.some(byte => Math.abs(ulawToLinear[byte]!) > loudPeak);
  for (let at = first & 1; at + 1 < six.length; at += 2) {
    const sample = ((six[at]! | (six[at + 1]! << 8)) << 16) >> 16;
    if (Math.abs(sample) > loudPeak) return true;
  }
  return false;
}

/** What `decode` gives: six bytes, made once because it is called ten thousand times a second. */
const six = new Uint8Array(6);

function decode(frame: Frame, at: number): void {
  for (let quad = 0; quad < 2; quad++) {
    let bits = 0;
    for (let i = 0; i < 4; i++) bits = (bits << 6) | (digits[byteOf(frame, at + quad * 4 + i)] ?? 0);
    six[quad * 3] = bits >> 16;
    six[quad * 3 + 1] = bits >> 8;
    six[quad * 3 + 2] = bits;
  }
}
