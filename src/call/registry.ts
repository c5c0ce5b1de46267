import { type Clock, systemClock } from '../core/clock.ts';
import { type Ending, ending } from '../core/ending.ts';
import type { CallKey } from '../core/ids.ts';
import type { Call } from './controller.ts';

/** The calls that are up, how many there may be, and their way out when the daemon stops. */
export class CallRegistry {
  readonly #calls = new Map<CallKey, Call>();
  readonly #maxCalls: number;
  readonly #clock: Clock;
  #reserved = 0;
  #draining = false;
  #emptied: () => void = () => undefined;

  constructor(maxCalls: number, clock: Clock = systemClock) {
    this.#maxCalls = maxCalls;
    this.#clock = clock;
  }

  /** Calls that are up or being set up. */
  get active(): number {
    return this.#calls.size + this.#reserved;
  }

  /** Calls that are up, or on their way to be. */
  get calls(): Iterable<Call> {
    return this.#calls.values();
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Takes a place for a call that is about to be made; undefined when it was taken, else why there is none. */
  reserve(): Ending | undefined {
    return this.#draining ? ending('draining') : this.reserveSecond();
  }

  /** The same for a second leg of a call that is up: such a call goes on while the daemon drains. */
  reserveSecond(): Ending | undefined {
    if (this.active >= this.#maxCalls) return ending('over-capacity', `call.max_calls is ${this.#maxCalls}`);
    this.#reserved += 1;
    return undefined;
  }

  /** Gives a reserved place back: the call was not made. */
  release(): void {
    this.#reserved -= 1;
    this.#checkEmpty();
  }

  /** Turns a reserved place into a call, until that has ended. */
  add(call: Call): void {
    this.#reserved -= 1;
    this.#calls.set(call.key, call);
    void call.ended.then(() => {
      this.#calls.delete(call.key);
      this.#checkEmpty();
    });
  }

  /** Takes no more calls, lets those that are up go on for `deadlineMs`, then ends them with `shutdown`. */
  async drain(deadlineMs: number): Promise<void> {
    this.#draining = true;
    const empty = new Promise<void>(resolve => {
      this.#emptied = resolve;
    });
    this.#checkEmpty();
    const timer = this.#clock.timer(deadlineMs, () => this.stopAll());
    await empty;
    timer.cancel();
  }

  /** Ends every call now. */
  stopAll(): void {
    for (const call of [...this.#calls.values()]) call.stop(ending('shutdown'));
  }

  /** Settles when every call that is up now has ended. */
  async ended(): Promise<void> {
    await Promise.all([...this.#calls.values()].map(call => call.ended));
  }

  #checkEmpty(): void {
    if (this.#draining && this.active === 0) this.#emptied();
  }
}
