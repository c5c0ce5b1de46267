import { mediaLimits } from './limits.ts';

/** Somebody who waits for the agent to have said what it is saying. Times in ms. */
interface Wait {
  readonly since: number;
  readonly until: number;
  readonly done: () => void;
}

/**
 * Tells when an agent has finished. A short silence is waited for, because sound of the same sentence may still be on its
 * way here. No timer: `tick` brings the time.
 */
export class QuietWatch {
  readonly #waits: Wait[] = [];
  /** Since when there has been nothing to be played. */
  #quiet = 0;

  /** Calls `done` after that silence, or after `longestMs` at the latest. */
  add(nowMs: number, longestMs: number, done: () => void): void {
    this.#waits.push({ since: nowMs, until: nowMs + longestMs, done });
  }

  tick(nowMs: number, finished: boolean): void {
    if (!finished) this.#quiet = nowMs;
    for (let i = this.#waits.length - 1; i >= 0; i--) {
      const { since, until, done } = this.#waits[i]!;
      const quiet = nowMs - Math.max(since, this.#quiet) >= mediaLimits.quietMs;
      if (!quiet && nowMs < until) continue;
      this.#waits.splice(i, 1);
      done();
    }
  }

  /** Nothing will be said any more. */
  stop(): void {
    for (const { done } of this.#waits.splice(0)) done();
  }
}
