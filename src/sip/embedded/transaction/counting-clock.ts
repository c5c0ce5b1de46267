import type { Clock, Timer } from '../../../core/clock.ts';

/**
 * A clock that knows how many of its timers are running (the number that has to be zero when a stack is idle), and
 * that keeps what a timer throws from ending the process.
 */
export class CountingClock implements Clock {
  readonly #clock: Clock;
  readonly #onFault: (error: unknown) => void;
  #running = 0;

  constructor(clock: Clock, onFault: (error: unknown) => void) {
    this.#clock = clock;
    this.#onFault = onFault;
  }

  get running(): number {
    return this.#running;
  }

  now(): number {
    return this.#clock.now();
  }

  wall(): number {
    return this.#clock.wall();
  }

  timer(ms: number, fire: () => void): Timer {
    let running = true;
    this.#running++;
    const stop = () => {
      if (running) this.#running--;
      running = false;
    };
    const timer = this.#clock.timer(ms, () => {
      stop();
      try {
        fire();
      } catch (error) {
        this.#onFault(error);
      }
    });
    return {
      cancel: () => {
        stop();
        timer.cancel();
      },
    };
  }
}
