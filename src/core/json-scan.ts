const braceOpen = 0x7b;
const braceClose = 0x7d;
const quote = 0x22;
const colon = 0x3a;
const comma = 0x2c;
const backslash = 0x5c;
const zero = 0x30;
/** Strings up to this long are looked through here: calling the platform's search costs more than that. */
const shortString = 64;
/** Digits of a number that are safe to add up. */
const mostDigits = 15;

/**
 * Goes through JSON text of a known shape without making a string or an object on the way. What it does not know, an escape
 * or a list, it refuses: the slow way decides.
 */
export class JsonScan {
  data: Buffer = Buffer.alloc(0);
  at = 0;
  /** Where the last `string` was, and what the last `number` was. */
  from = 0;
  to = 0;
  value = -1;
  #end = 0;

  /** The text lies between two places of `data`. */
  begin(data: Buffer, from = 0, to = data.length): void {
    this.data = data;
    this.at = from;
    this.#end = to;
  }

  /** Exactly these bytes. */
  literal(bytes: Uint8Array): boolean {
    const { data, at } = this;
    const { length } = bytes;
    if (at + length > this.#end) return false;
    for (let i = 0; i < length; i++) if (data[at + i] !== bytes[i]) return false;
    this.at = at + length;
    return true;
  }

  opens(): boolean {
    return this.#is(braceOpen);
  }

  closes(): boolean {
    return this.#is(braceClose);
  }

  comma(): boolean {
    return this.#is(comma);
  }

  key(): boolean {
    return this.string() && this.#is(colon);
  }

  /** A string up to its closing quote; one with an escape ends before it and then fails to go on. */
  string(): boolean {
    if (!this.#is(quote)) return false;
    const end = this.#closing();
    if (end === -1 || this.data[end - 1] === backslash) return false;
    this.from = this.at;
    this.to = end;
    this.at = end + 1;
    return true;
  }

  /** A string of so many bytes, by its quotes: what lies between them is for the caller to look at. */
  stringOf(bytes: number): boolean {
    const { data, at } = this;
    const end = at + 1 + bytes;
    if (end >= this.#end || data[at] !== quote || data[end] !== quote) return false;
    this.from = at + 1;
    this.to = end;
    this.at = end + 1;
    return true;
  }

  /** A whole number, bare. */
  number(): boolean {
    this.#skip();
    const from = this.at;
    while (this.#digit(this.at)) this.at++;
    return this.#sum(from, this.at);
  }

  /** A whole number in quotes. */
  quoted(): boolean {
    if (!this.string()) return false;
    for (let at = this.from; at < this.to; at++) if (!this.#digit(at)) return false;
    return this.#sum(this.from, this.to);
  }

  ended(): boolean {
    this.#skip();
    return this.at === this.#end;
  }

  /** Whether the last string was this word. */
  named(word: Buffer): boolean {
    if (this.to - this.from !== word.length) return false;
    for (let i = 0; i < word.length; i++) if (this.data[this.from + i] !== word[i]) return false;
    return true;
  }

  /** JSON has no leading zeros; a sign, a fraction or an exponent is no matter for here. */
  #sum(from: number, to: number): boolean {
    const digits = to - from;
    if (digits === 0 || digits > mostDigits || (digits > 1 && this.data[from] === zero)) return false;
    let sum = 0;
    for (let at = from; at < to; at++) sum = sum * 10 + this.data[at]! - zero;
    this.value = sum;
    return true;
  }

  /** Where the next quote is; -1 when there is none. */
  #closing(): number {
    const { data } = this;
    const short = Math.min(this.at + shortString, this.#end);
    for (let at = this.at; at < short; at++) if (data[at] === quote) return at;
    if (short === this.#end) return -1;
    const end = data.indexOf(quote, short);
    return end < this.#end ? end : -1;
  }

  #digit(at: number): boolean {
    if (at >= this.#end) return false;
    const digit = this.data[at]! - zero;
    return digit >= 0 && digit <= 9;
  }

  #is(byte: number): boolean {
    this.#skip();
    if (this.at >= this.#end || this.data[this.at] !== byte) return false;
    this.at++;
    return true;
  }

  #skip(): void {
    while (this.at < this.#end) {
      const byte = this.data[this.at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.at++;
    }
  }
}
