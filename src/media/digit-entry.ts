import { mediaLimits } from './limits.ts';

const keys = /^[0-9*A-D]$/;

/**
 * Gathers keyed digits into entries. `#`, 2 s without a digit, or the 50th digit end one. A `#` while none is open is
 * the late end of one that the 2 s have ended already, and does nothing. No timer: `tick` brings the time.
 */
export class DigitEntry {
  readonly #ended: (digits: Uint8Array) => void;
  /** Their characters. Not text: that could not be wiped. */
  readonly #digits = new Uint8Array(mediaLimits.entryDigits);
  #count = 0;
  #lastMs = 0;

  /** `ended` gets the characters of an entry, which are wiped after it. */
  constructor(ended: (digits: Uint8Array) => void) {
    this.#ended = ended;
  }

  /** Whether an entry has begun and not ended. */
  get open(): boolean {
    return this.#count > 0;
  }

  /** Takes a key; true when it began an entry. What is no key of a telephone is ignored. */
  press(key: string, nowMs: number): boolean {
    if (key === '#') {
      this.#end();
      return false;
    }
    if (!keys.test(key)) return false;
    const began = !this.open;
    this.#digits[this.#count++] = key.charCodeAt(0);
    this.#lastMs = nowMs;
    if (this.#count >= mediaLimits.entryDigits) this.#end();
    return began;
  }

  tick(nowMs: number): void {
    if (this.open && nowMs - this.#lastMs >= mediaLimits.entryGapMs) this.#end();
  }

  #end(): void {
    if (!this.open) return;
    const digits = this.#digits.subarray(0, this.#count);
    this.#count = 0;
    try {
      this.#ended(digits);
    } finally {
      digits.fill(0);
    }
  }
}
