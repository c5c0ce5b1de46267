import { Distribution } from './distribution.ts';
import { monotonic } from './monotonic.ts';

export interface WheelOptions {
  /** Time of one turn, ms. */
  readonly periodMs: number;
  /** Parts of a turn; each is due at its own time. */
  readonly slots: number;
  /** Does the work of a slot. */
  readonly turn: (slot: number) => void;
  readonly now?: () => number;
}

/**
 * A wheel of slots on absolute deadlines: each is counted from the origin, so nothing drifts. A late wake-up works off
 * everything that was missed, because a telephone does not leave packets out either.
 */
export class Wheel {
  /** How late slots were begun, ms. */
  readonly lateness = new Distribution();
  readonly #options: WheelOptions;
  readonly #now: () => number;
  readonly #slotMs: number;
  #origin = 0;
  #next = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WheelOptions) {
    this.#options = options;
    this.#now = options.now ?? monotonic;
    this.#slotMs = options.periodMs / options.slots;
  }

  /** The slot whose turn comes next. */
  get slot(): number {
    return this.#next % this.#options.slots;
  }

  start(): void {
    this.#origin = this.#now();
    this.#next = 0;
    this.#arm();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Works off what is due by now. The timer calls it; tests may. */
  run(): void {
    const now = this.#now();
    for (;;) {
      const due = this.#origin + this.#next * this.#slotMs;
      if (due > now) return;
      this.lateness.record(now - due);
      const slot = this.slot;
      this.#next++;
      this.#options.turn(slot);
    }
  }

  readonly #wake = (): void => {
    this.run();
    if (this.#timer !== undefined) this.#arm();
  };

  #arm(): void {
    const due = this.#origin + this.#next * this.#slotMs;
    this.#timer = setTimeout(this.#wake, Math.max(1, Math.ceil(due - this.#now())));
  }
}
