import type { Clock } from '../core/clock.ts';

/** Requests that are remembered, and for how long, ms. */
export const replayLimits = { most: 20_000, windowMs: 6 * 3_600_000 } as const;

/**
 * Answers a request that comes again as it was answered the first time, and does nothing for it. A signature has no time in
 * it: whoever has seen a request could send it again, and Twilio itself does when it did not get the answer. What makes two
 * requests the same is their caller's matter: a sid with a status, and a sequence number where there is one.
 */
export class Replays<T> {
  readonly #clock: Clock;
  readonly #answers = new Map<string, { readonly answer: T; readonly at: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#answers.size;
  }

  /** The answer of the first time, or what `make` makes. */
  once(key: string, make: () => T): T {
    const before = this.#answers.get(key);
    if (before !== undefined && this.has(key)) return before.answer;
    const answer = make();
    this.set(key, answer);
    return answer;
  }

  has(key: string): boolean {
    const before = this.#answers.get(key);
    return before !== undefined && this.#clock.now() - before.at < replayLimits.windowMs;
  }

  /** From now on `key` is answered so. */
  set(key: string, answer: T): void {
    const now = this.#clock.now();
    this.#answers.delete(key);
    this.#answers.set(key, { answer, at: now });
    this.#forget(now);
  }

  /** Entries are in the order of their time. */
  #forget(now: number): void {
    for (const [key, { at }] of this.#answers) {
      if (this.#answers.size <= replayLimits.most && now - at < replayLimits.windowMs) return;
      this.#answers.delete(key);
    }
  }
}
