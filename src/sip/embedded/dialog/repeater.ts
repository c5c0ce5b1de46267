import type { Clock, Timer } from '../../../core/clock.ts';
import { sipTimers } from '../limits.ts';

/**
 * Repeats a 2xx to INVITE until its ACK comes, on TCP too, because only the two ends know of it: after T1, doubling
 * to T2, for 64*T1 (RFC 3261 section 13.3.1.4).
 */
export class Repeater {
  readonly #clock: Clock;
  readonly #send: () => void;
  readonly #gaveUp: () => void;
  readonly #mostMs: number;
  #again: Timer | undefined;
  #limit: Timer | undefined;

  constructor(clock: Clock, send: () => void, gaveUp: () => void, mostMs: number = sipTimers.t2) {
    this.#clock = clock;
    this.#send = send;
    this.#gaveUp = gaveUp;
    this.#mostMs = mostMs;
  }

  /** Whether an ACK is still waited for. */
  get running(): boolean {
    return this.#limit !== undefined;
  }

  /** Starts with the first repetition: the original has been sent. */
  start(): void {
    this.#limit = this.#clock.timer(sipTimers.transaction, () => {
      this.stop();
      this.#gaveUp();
    });
    this.#next(sipTimers.t1);
  }

  stop(): void {
    this.#again?.cancel();
    this.#limit?.cancel();
    this.#again = undefined;
    this.#limit = undefined;
  }

  #next(ms: number): void {
    this.#again = this.#clock.timer(ms, () => {
      this.#next(Math.min(ms * 2, this.#mostMs));
      this.#send();
    });
  }
}
