import { mediaLimits } from './limits.ts';

const keys = /^[0-9*A-D]$/;

/**
 * Gathers keyed digits into entries. `#`, 2 s without a digit, or the 50th digit end one. A `#` while none is open is
 * the late end of one that the 2 s have ended already, and does nothing. No timer: `tick` brings the time.
 */
export class DigitEntry {
  readonly #ended: (digits: string) => void;
  #digits = '';
  #lastMs = 0;

  constructor(ended: (digits: string) => void) {
    this.#ended = ended;
  }

  /** Whether an entry has begun and not ended. */
  get open(): boolean {
    return this.#digits !== '';
  }

  /** Takes a key; true when it began an entry. What is no key of a telephone is ignored. */
  press(key: string, nowMs: number): boolean {
    if (key === '#') {
      this.#end();
      return false;
    }
    if (!keys.test(key)) return false;
    const began = !this.open;
    this.#digits += key;
    this.#lastMs = nowMs;
    if (this.#digits.length >= mediaLimits.entryDigits) this.#end();
    return began;
  }

  tick(nowMs: number): void {
    if (this.open && nowMs - this.#lastMs >= mediaLimits.entryGapMs) this.#end();
  }

  #end(): void {
    const digits = this.#digits;
    if (digits === '') return;
    this.#digits = '';
    this.#ended(digits);
  }
}
