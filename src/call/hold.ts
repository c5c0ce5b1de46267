import type { Clock, Timer } from '../core/clock.ts';
import { Failure, fail, type Result } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Party } from './party.ts';

export interface HoldParts {
  readonly party: Party;
  readonly clock: Clock;
  readonly log: Logger;
  /** The call is over. */
  readonly over: () => boolean;
}

/** How long after meeting another change of the session it is tried once more, ms. */
const againMs = 1_000;
const passing = new Set(['busy', 'glare']);

/** Whether the caller of one call is kept on hold. */
export class Hold {
  readonly #parts: HoldParts;
  #on = false;
  /** What was asked for last. */
  #change: Promise<Result<void>> | undefined;
  #again: Timer | undefined;

  constructor(parts: HoldParts) {
    this.#parts = parts;
  }

  set(on: boolean): Promise<Result<void>> {
    this.#again?.cancel();
    this.#change = this.#set(on);
    return this.#change;
  }

  /** Somebody else is with the caller than the one who asked for the hold, and knows nothing of it. */
  async release(): Promise<void> {
    const failure = await this.#takeBack();
    if (failure === undefined) return;
    if (!passing.has(failure.code)) return this.#failed(failure);
    this.#again = this.#parts.clock.timer(againMs, async () => {
      const still = await this.#takeBack();
      if (still !== undefined) this.#failed(still);
    });
  }

  /** The call is over. */
  close(): void {
    this.#again?.cancel();
  }

  /** Gives why the caller is still on hold. */
  async #takeBack(): Promise<Failure | undefined> {
    await this.#change;
    if (!this.#on || this.#parts.over()) return undefined;
    const back = await this.set(false);
    return back.ok || this.#parts.over() ? undefined : back.failure;
  }

  #failed({ code, message }: Failure): void {
    this.#parts.log.warn('the caller could not be taken back from hold', { code, why: message });
  }

  async #set(on: boolean): Promise<Result<void>> {
    const set =
      (await this.#parts.party.hold?.(on)) ??
      fail(new Failure('unsupported', 'this kind of call cannot be held'));
    if (set.ok) this.#on = on;
    return set;
  }
}
