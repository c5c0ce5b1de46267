import type { Clock } from '../../../core/clock.ts';
import { fail, ok, type Result } from '../../../core/errors.ts';
import type { NextHop } from '../../signalling.ts';
import { type StackLimits, sipTimers } from '../limits.ts';
import type { Connection } from '../transport/connection.ts';
import type { Found } from '../transport/pool.ts';

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

  /**
   * A connection to the next hop that there is one to, for as long as it is `wanted`; else why there was none to the
   * last that was tried, undefined where none was.
   */
  async find(
    connect: (hop: NextHop) => Promise<Result<Found>>,
    wanted: () => boolean,
  ): Promise<Result<Connection, string | undefined>> {
    let why: string | undefined;
    while (wanted() && this.#more()) {
      this.#next++;
      const found = await connect(this.#route[this.#next - 1] as NextHop);
      if (found.ok) {
        this.#reused = !found.value.fresh;
        return ok(found.value.connection);
      }
      why = found.failure.message;
    }
    return fail(why);
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
