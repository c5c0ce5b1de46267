import type { Clock, Timer } from '../core/clock.ts';
import type { Prompt } from '../core/prompt.ts';
import type { Leg } from '../worker/legs.ts';

export interface WaitingOptions {
  /** How long a tool may take before the caller hears that something is going on, ms. */
  readonly afterMs: number;
  /** What the caller hears then; absent: nothing. */
  readonly sound?: Prompt | undefined;
}

/** The sound that a caller hears while a tool is at work. It stops with the last of them, and when the agent speaks. */
export class Waiting {
  readonly #clock: Clock;
  readonly #leg: Pick<Leg, 'tone'>;
  readonly #options: WaitingOptions;
  /** Whether the caller is with the agent, and nothing else is to be heard. */
  readonly #alone: () => boolean;
  readonly #timers = new Set<Timer>();
  #sounding = false;

  constructor(clock: Clock, leg: Pick<Leg, 'tone'>, options: WaitingOptions, alone: () => boolean) {
    this.#clock = clock;
    this.#leg = leg;
    this.#options = options;
    this.#alone = alone;
  }

  /** A tool begins; what is returned tells that it has ended. */
  begin(): () => void {
    const { afterMs, sound } = this.#options;
    if (sound === undefined) return () => undefined;
    const timer = this.#clock.timer(afterMs, () => {
      if (!this.#timers.has(timer) || this.#sounding || !this.#alone()) return;
      this.#sounding = true;
      this.#leg.tone(sound);
    });
    this.#timers.add(timer);
    return () => {
      timer.cancel();
      this.#timers.delete(timer);
      if (this.#timers.size === 0) this.#silence();
    };
  }

  /** Nothing of it is heard for the tools that are at work now. */
  hush(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#silence();
  }

  #silence(): void {
    if (this.#sounding && this.#alone()) this.#leg.tone('off');
    this.#sounding = false;
  }
}
