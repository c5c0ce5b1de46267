/** A stream is looked at in pieces of this length, ms: in each its earliest packet counts, which nothing has held up. */
export const pieceMs = 5000;
/** Pieces kept, an hour and more; and how many there must be before drift is spoken of: a minute. */
export const mostPieces = 1000;
export const leastPieces = 12;

/** How fast a clock runs away from another, in parts of a million, over all streams: the middle one, and the farthest from zero. */
export interface Drift {
  readonly streams: number;
  readonly median: number;
  readonly worst: number;
}

/**
 * How fast the clock that a stream is sent by runs away from the receiver's: the slope of the earliest arrivals against
 * what the timestamps say. Above zero the stream is slower than real time.
 */
export class DriftMeter {
  readonly #least: Float64Array = new Float64Array(mostPieces);
  readonly #at: Float64Array = new Float64Array(mostPieces);
  #begun = 0;
  #pieces = 0;

  /** The window begins. */
  clear(now: number): void {
    this.#begun = now;
    this.#pieces = 0;
  }

  /** Takes a packet that came `offset` ms after what its timestamp says, from wherever that counts. */
  take(offset: number, now: number): void {
    const piece = Math.floor((now - this.#begun) / pieceMs);
    if (piece >= mostPieces) return;
    const known = piece < this.#pieces;
    if (known && offset >= this.#least[piece]!) return;
    // A piece in which nothing came repeats the one before.
    for (let missing = this.#pieces; missing < piece; missing++) {
      this.#least[missing] = missing === 0 ? offset : this.#least[missing - 1]!;
      this.#at[missing] = missing === 0 ? now : this.#at[missing - 1]!;
    }
    this.#least[piece] = offset;
    this.#at[piece] = now;
    if (!known) this.#pieces = piece + 1;
  }

  /** Parts of a million; undefined before a minute is over. */
  get ppm(): number | undefined {
    const pieces = this.#pieces;
    if (pieces < leastPieces) return undefined;
    const mean = (values: Float64Array) =>
      values.subarray(0, pieces).reduce((sum, value) => sum + value, 0) / pieces;
    const at = mean(this.#at);
    const least = mean(this.#least);
    let together = 0;
    let spread = 0;
    for (let i = 0; i < pieces; i++) {
      const away = this.#at[i]! - at;
      together += away * (this.#least[i]! - least);
      spread += away * away;
    }
    return (1e6 * together) / spread;
  }
}

/** Drift of all streams that were heard for long enough; undefined when none was. */
export function driftOf(meters: readonly Pick<DriftMeter, 'ppm'>[]): Drift | undefined {
  const all = meters
    .map(({ ppm }) => ppm)
    .filter(ppm => ppm !== undefined)
    .toSorted((a, b) => a - b);
  const [first, last] = [all[0], all.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const tenths = (value: number) => Math.round(value * 10) / 10;
  return {
    streams: all.length,
    median: tenths(all[all.length >> 1]!),
    worst: tenths(Math.abs(first) > Math.abs(last) ? first : last),
  };
}
