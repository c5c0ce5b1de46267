import type { AudioMessage } from './audio-message.ts';

const braceOpen = 0x7b;
const braceClose = 0x7d;
const quote = 0x22;
const colon = 0x3a;
const comma = 0x2c;
const backslash = 0x5c;
const zero = 0x30;
const pad = 0x3d;
/** Digits of an event id that are safe to add up. */
const mostDigits = 15;

const typeKey = Buffer.from('type');
const audioWord = Buffer.from('audio');
const eventKey = Buffer.from('audio_event');
const soundKey = Buffer.from('audio_base_64');
const idKey = Buffer.from('event_id');

/** Values of base64 digits; 0x40 stands for every other byte. */
const values = new Uint8Array(256).fill(0x40);
for (const [value, digit] of [
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
].entries())
  values[digit.charCodeAt(0)] = value;

/** Longest message that is scanned, bytes; over it the platform's own base64 is the faster one. */
const longest = 64 * 1024;

/**
 * Reads an audio message of the usual shape, `{"type":"audio","audio_event":{"audio_base_64":…,"event_id":…}}`, whatever the
 * order of its keys and the space between them, without making a string or an object on the way. Anything else, a key that
 * it does not know or an escape, is undefined: the slow way decides.
 */
export function scanAudio(data: Buffer): AudioMessage | undefined {
  return data.length > longest ? undefined : scan.read(data);
}

class AudioScan {
  #data: Buffer = Buffer.alloc(0);
  #at = 0;
  /** What the last `string` was. */
  #from = 0;
  #to = 0;
  #typed = false;
  #soundFrom = -1;
  #soundTo = -1;
  #id = -1;

  read(data: Buffer): AudioMessage | undefined {
    this.#data = data;
    this.#at = 0;
    this.#typed = false;
    this.#soundFrom = -1;
    this.#id = -1;
    if (!this.#message() || !this.#typed || this.#soundFrom === -1 || this.#id === -1) return undefined;
    const audio = decoded(data, this.#soundFrom, this.#soundTo);
    return audio === undefined ? undefined : { eventId: this.#id, audio };
  }

  #message(): boolean {
    let inside = false;
    if (!this.#is(braceOpen)) return false;
    do {
      if (!this.#key()) return false;
      if (this.#named(typeKey)) {
        if (this.#typed || !this.#string() || !this.#named(audioWord)) return false;
        this.#typed = true;
      } else if (this.#named(eventKey) && !inside) {
        inside = true;
        if (!this.#event()) return false;
      } else return false;
    } while (this.#is(comma));
    return this.#is(braceClose) && this.#ended();
  }

  #event(): boolean {
    if (!this.#is(braceOpen)) return false;
    do {
      if (!this.#key()) return false;
      if (this.#named(soundKey)) {
        if (this.#soundFrom !== -1 || !this.#string()) return false;
        this.#soundFrom = this.#from;
        this.#soundTo = this.#to;
      } else if (this.#named(idKey)) {
        if (this.#id !== -1 || !this.#number()) return false;
      } else return false;
    } while (this.#is(comma));
    return this.#is(braceClose);
  }

  #key(): boolean {
    return this.#string() && this.#is(colon);
  }

  /** A string up to its closing quote; one with an escape ends before it and then fails to go on. */
  #string(): boolean {
    if (!this.#is(quote)) return false;
    const end = this.#data.indexOf(quote, this.#at);
    if (end === -1 || this.#data[end - 1] === backslash) return false;
    this.#from = this.#at;
    this.#to = end;
    this.#at = end + 1;
    return true;
  }

  #number(): boolean {
    this.#skip();
    const from = this.#at;
    let id = 0;
    for (let digit = this.#digit(); digit !== -1; digit = this.#digit()) {
      id = id * 10 + digit;
      this.#at++;
    }
    const digits = this.#at - from;
    // JSON has no leading zeros; a sign, a fraction or an exponent is no matter for here.
    if (digits === 0 || digits > mostDigits || (digits > 1 && this.#data[from] === zero)) return false;
    this.#id = id;
    return true;
  }

  #digit(): number {
    const digit = (this.#data[this.#at] ?? 0) - zero;
    return digit >= 0 && digit <= 9 ? digit : -1;
  }

  #is(byte: number): boolean {
    this.#skip();
    if (this.#data[this.#at] !== byte) return false;
    this.#at++;
    return true;
  }

  #ended(): boolean {
    this.#skip();
    return this.#at === this.#data.length;
  }

  #skip(): void {
    for (;;) {
      const byte = this.#data[this.#at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.#at++;
    }
  }

  #named(word: Buffer): boolean {
    if (this.#to - this.#from !== word.length) return false;
    for (let i = 0; i < word.length; i++) if (this.#data[this.#from + i] !== word[i]) return false;
    return true;
  }
}

const scan = new AudioScan();

/** Decodes base64, padded or not; undefined when there is anything else in it. */
function decoded(text: Uint8Array, from: number, to: number): Buffer | undefined {
  let end = to;
  if ((to - from) % 4 === 0) {
    if (end > from && text[end - 1] === pad) end--;
    if (end > from && text[end - 1] === pad) end--;
  }
  const digits = end - from;
  if (digits % 4 === 1) return undefined;
  const bytes = Buffer.allocUnsafe(Math.floor((digits * 3) / 4));
  const whole = end - (digits % 4);
  let bad = 0;
  let to8 = 0;
  for (let at = from; at < whole; at += 4) {
    const a = values[text[at]!]!;
    const b = values[text[at + 1]!]!;
    const c = values[text[at + 2]!]!;
    const d = values[text[at + 3]!]!;
    bad |= a | b | c | d;
    const bits = (a << 18) | (b << 12) | (c << 6) | d;
    bytes[to8++] = bits >> 16;
    bytes[to8++] = bits >> 8;
    bytes[to8++] = bits;
  }
  if (whole < end) {
    const a = values[text[whole]!]!;
    const b = values[text[whole + 1]!]!;
    const c = whole + 2 < end ? values[text[whole + 2]!]! : 0;
    bad |= a | b | c;
    const bits = (a << 18) | (b << 12) | (c << 6);
    bytes[to8++] = bits >> 16;
    if (whole + 2 < end) bytes[to8++] = bits >> 8;
  }
  return bad > 63 ? undefined : bytes;
}
