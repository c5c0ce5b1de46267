import { mediaLimits } from './limits.ts';

/** How a key was told: by a telephone-event (RFC 4733), by SIP INFO, or by its tone alone. */
export type KeyWay = 'tone' | 'info' | 'event';

const ranks: Readonly<Record<KeyWay, number>> = { tone: 0, info: 1, event: 2 };

/**
 * Peers tell one key in several ways at once. The best way that a peer has shown counts alone from then on; where its first
 * key came in a worse way a moment before, that was the same press.
 */
export class KeySources {
  #best = 0;
  #key = '';
  #rank = 0;
  #atMs = 0;

  /** Whether a key is a press that was not told yet. */
  admits(way: KeyWay, key: string, nowMs: number): boolean {
    const rank = ranks[way];
    if (rank < this.#best) return false;
    const again = rank > this.#rank && key === this.#key && nowMs - this.#atMs < mediaLimits.keyEchoMs;
    this.#best = this.#rank = rank;
    this.#key = key;
    this.#atMs = nowMs;
    return !again;
  }
}
