import type { Clock } from './clock.ts';

/** Time that a one-time code lives, ms; Verify's default. */
export const codeLifeMs = 600_000;

/** For how long a number counts as verified, ms. */
export const verifiedMs = 900_000;

/** A number whose holder the caller has proved to be, by a code that came to it. */
export interface Verified {
  /** E.164. */
  readonly number: string;
  /** How the code got there: sms, call, whatsapp. */
  readonly channel: string;
  /** Wall-clock time, ms since the Unix epoch. */
  readonly at: number;
}

/** What has been verified in one call. Lives as long as the call; survives a change of its agent. */
export class VerifiedNumbers {
  readonly #clock: Clock;
  readonly #entries = new Map<string, { readonly verified: Verified; readonly since: number }>();
  #telephone = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(number: string, channel: string): void {
    this.#entries.delete(number);
    const verified = { number, channel, at: this.#clock.wall() };
    this.#entries.set(number, { verified, since: this.#clock.now() });
  }

  /** Which telephone the call is at, counted from 0: a code that was on its way to be proof at an earlier one is none at this. */
  get telephone(): number {
    return this.#telephone;
  }

  /** Another telephone has taken the call over: somebody else is at it. */
  forget(): void {
    this.#entries.clear();
    this.#telephone += 1;
  }

  /** The verification of that number, while it counts. */
  of(number: string): Verified | undefined {
    const entry = this.#entries.get(number);
    if (entry === undefined || this.#clock.now() - entry.since >= verifiedMs) return undefined;
    return entry.verified;
  }

  /** The one that was last, while it counts. */
  get latest(): Verified | undefined {
    const number = [...this.#entries.keys()].at(-1);
    return number === undefined ? undefined : this.of(number);
  }
}
