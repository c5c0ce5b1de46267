import type { Clock, Timer } from '../core/clock.ts';
import { LoopLag } from '../core/loop-lag.ts';
import type { OverloadLimits } from '../core/overload.ts';
import type { FromWorker } from './messages.ts';

/** Tells the main thread how late this worker is with its work, while it is: each word wakes that thread. */
export class LagReport {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #leastMs: number;
  #told = 0;
  readonly #lag: LoopLag;
  readonly #tell: (message: FromWorker) => void;
  #timer: Timer;

  constructor(clock: Clock, limits: OverloadLimits, tell: (message: FromWorker) => void) {
    this.#clock = clock;
    this.#everyMs = limits.lagTellMs;
    this.#leastMs = limits.lagToldMs;
    this.#lag = new LoopLag(clock, limits.lagEveryMs, limits.lagWindowMs);
    this.#tell = tell;
    this.#timer = this.#arm();
  }

  stop(): void {
    this.#timer.cancel();
    this.#lag.stop();
  }

  #arm(): Timer {
    return this.#clock.timer(this.#everyMs, () => {
      const standing = this.#lag.standing();
      const ms = standing < this.#leastMs ? 0 : standing;
      if (ms > 0 || this.#told > 0) this.#tell({ type: 'lag', ms });
      this.#told = ms;
      this.#timer = this.#arm();
    });
  }
}
