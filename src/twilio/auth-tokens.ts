import type { Clock } from '../core/clock.ts';

/** How long a token that was replaced is still taken, ms: requests that it signed are on their way, or are retried. */
const graceMs = 300_000;

/**
 * The auth tokens that signatures are checked with: the one of the moment, and the one before it for a while, because the
 * token changes at Twilio and here at two different moments. A connection that was taken away has none at once.
 */
export class AuthTokens {
  readonly #current: () => string | undefined;
  readonly #clock: Clock;
  #last: string | undefined;
  #before: string | undefined;
  #until = 0;

  constructor(current: () => string | undefined, clock: Clock) {
    this.#current = current;
    this.#clock = clock;
    this.#last = current();
  }

  /** Empty when there is no token. */
  readonly list = (): readonly string[] => {
    const now = this.#current();
    if (now !== this.#last) {
      this.#before = now === undefined ? undefined : this.#last;
      this.#until = this.#clock.now() + graceMs;
      this.#last = now;
    }
    if (now === undefined) return [];
    const before = this.#clock.now() < this.#until ? this.#before : undefined;
    return before === undefined ? [now] : [now, before];
  };
}
