import type { Clock } from '../../../core/clock.ts';
import type { NextHop } from '../../signalling.ts';
import { type StackLimits, sipTimers } from '../limits.ts';

/** Which hops of a route are tried, one after the other: a few, and none after a while (RFC 3263 section 4.3). */
export class HopPlan {
  readonly #route: readonly NextHop[];
  readonly #clock: Clock;
  readonly #limits: StackLimits;
  #begun: number;
  #silences = 0;
  #next = 0;
  /** The connection to the hop was an older one, which may have been dead without our knowing. */
  #reused = false;
  #repeated = false;

  constructor(route: readonly NextHop[], clock: Clock, limits: StackLimits) {
    this.#route = route;
    this.#clock = clock;
    this.#limits = limits;
    this.#begun = clock.now();
  }

  /** The hop that is being tried. */
  get current(): NextHop | undefined {
    return this.#route[this.#next - 1];
  }

  /** The hop to try now; undefined when it was enough. */
  next(): NextHop | undefined {
    if (!this.#more()) return undefined;
    this.#next++;
    return this.#route[this.#next - 1];
  }

  /** There is a connection to the hop. */
  reached(fresh: boolean): void {
    this.#reused = !fresh;
  }

  /** Whether another try makes sense; after a `broken` connection the same hop may have one more. */
  more(broken: boolean): boolean {
    if (broken && this.#reused && !this.#repeated) {
      this.#repeated = true;
      this.#next--;
    }
    return this.#more();
  }

  /** The same after timer B over a connection on which nothing came at all. */
  moreAfterSilence(): boolean {
    this.#silences++;
    if (this.#silences <= this.#limits.callSilentHops) this.#begun += sipTimers.transaction;
    return this.more(true);
  }

  #more(): boolean {
    const { callHops, callHopsMs } = this.#limits;
    const late = this.#next > 0 && this.#clock.now() - this.#begun > callHopsMs;
    return !late && this.#next < Math.min(this.#route.length, callHops);
  }
}
