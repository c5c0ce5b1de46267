import { srtpLimits } from './limits.ts';

const size = srtpLimits.replayWindow;

/** Which packet indices of one source have come (RFC 3711 section 3.3.2). */
export class ReplayWindow {
  /** The highest index accepted, -1 before the first. */
  highest = -1;
  /** One bit per index, at the index modulo the size of the window. */
  readonly #seen = new Int32Array(size / 32);

  /** False when the packet has come before, or is too old to tell. */
  admits(index: number): boolean {
    if (index > this.highest) return true;
    if (this.highest - index >= size) return false;
    const bit = index % size;
    return (this.#seen[bit >> 5]! & (1 << (bit & 31))) === 0;
  }

  /** To be called only once the packet has proved genuine. */
  accept(index: number): void {
    if (index > this.highest) {
      const steps = index - this.highest;
      if (steps >= size) this.#seen.fill(0);
      else for (let old = this.highest + 1; old < index; old++) this.#forget(old % size);
      this.highest = index;
    }
    const bit = index % size;
    this.#seen[bit >> 5] = this.#seen[bit >> 5]! | (1 << (bit & 31));
  }

  /** Takes everything up to `index` as having come. */
  close(index: number): void {
    this.highest = index;
    this.#seen.fill(-1);
  }

  #forget(bit: number): void {
    this.#seen[bit >> 5] = this.#seen[bit >> 5]! & ~(1 << (bit & 31));
  }
}
