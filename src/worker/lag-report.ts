import type { Clock, Timer } from '../core/clock.ts';
import { LoopLag } from '../core/loop-lag.ts';
import type { OverloadLimits } from '../core/overload.ts';
import type { FromWorker } from './messages.ts';

/** Tells the main thread how late this worker is with its work. */
export class LagReport {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #lag: LoopLag;
  readonly #tell: (message: FromWorker) => void;
  #timer: Timer;

  constructor(clock: Clock, limits: OverloadLimits, tell: (message: FromWorker) => void) {
    this.#clock = clock;
    this.#everyMs = limits.lagTellMs;
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
      this.#tell({ type: 'lag', ms: this.#lag.standing() });
      this.#timer = this.#arm();
    });
  }
}
