/**
 * The quadrature mirror filter of G.722 (24 taps): it splits 16 kHz into two bands of 8 kHz
 * and joins them again. Even and odd taps are each other's mirror image, so twelve numbers describe both.
 */

const TAPS = 24;
/** Pairs of samples that fit behind the filter's memory before the memory is moved to the front again. */
const ROOM = 256;

/** A delay line of 24 values that takes two at a time; both sums of the newest 24 are read from it. */
export class MirrorFilter {
  readonly #line = new Int32Array(TAPS + 2 * ROOM);
  #start = 0;

  /** Takes the next two values; the oldest two are forgotten. */
  push(first: number, second: number): void {
    let start = this.#start + 2;
    if (start > 2 * ROOM) {
      this.#line.copyWithin(0, start, start + TAPS - 2);
      start = 0;
    }
    this.#line[start + TAPS - 2] = first;
    this.#line[start + TAPS - 1] = second;
    this.#start = start;
  }

  /** The sum over the older value of each pair. */
  older(): number {
    const x = this.#line;
    const i = this.#start;
    return (
      Math.imul(3, x[i]!) -
      Math.imul(11, x[i + 2]!) +
      Math.imul(12, x[i + 4]!) +
      Math.imul(32, x[i + 6]!) -
      Math.imul(210, x[i + 8]!) +
      Math.imul(951, x[i + 10]!) +
      Math.imul(3876, x[i + 12]!) -
      Math.imul(805, x[i + 14]!) +
      Math.imul(362, x[i + 16]!) -
      Math.imul(156, x[i + 18]!) +
      Math.imul(53, x[i + 20]!) -
      Math.imul(11, x[i + 22]!)
    );
  }

  /** The sum over the newer value of each pair, with the same taps in reverse. */
  newer(): number {
    const x = this.#line;
    const i = this.#start + 1;
    return (
      Math.imul(-11, x[i]!) +
      Math.imul(53, x[i + 2]!) -
      Math.imul(156, x[i + 4]!) +
      Math.imul(362, x[i + 6]!) -
      Math.imul(805, x[i + 8]!) +
      Math.imul(3876, x[i + 10]!) +
      Math.imul(951, x[i + 12]!) -
      Math.imul(210, x[i + 14]!) +
      Math.imul(32, x[i + 16]!) +
      Math.imul(12, x[i + 18]!) -
      Math.imul(11, x[i + 20]!) +
      Math.imul(3, x[i + 22]!)
    );
  }

  reset(): void {
    this.#line.fill(0);
    this.#start = 0;
  }
}
