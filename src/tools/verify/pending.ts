import type { Clock } from '../../core/clock.ts';
import type { CallKey } from '../../core/ids.ts';
import type { VerifyChannel } from '../../twilio/verify.ts';
import type { VerifyLimits } from './limits.ts';
import type { VerifyResult } from './outcomes.ts';

/** One verification of a number in a call, as far as this bridge knows it. Times are monotonic, ms. */
export interface PendingVerification {
  /** Verify's name of it; undefined while nobody knows whether the send began one. */
  sid: string | undefined;
  readonly begunAt: number;
  /** Which telephone the call was at when the code was asked for. */
  telephone: number;
  /** Last send from here: none when a check by number found the verification. */
  sent?: {
    readonly channel: VerifyChannel;
    readonly asked: VerifyChannel;
    readonly at: number;
    /** What was answered where nobody knows whether it went out. */
    readonly perhaps?: VerifyResult;
  };
  /** Sends from here. */
  sends: number;
  /** Checks that Verify still takes. */
  checksLeft: number;
  /** Verify has ended it. */
  over: boolean;
  verifiedAt?: number;
}

/**
 * What is being verified, by call and number. Bounded and forgetful: what is dropped costs the check its sid, never
 * its correctness. Work on one entry is done in turn, so that an agent that repeats itself at once is seen to.
 */
export class PendingVerifications {
  readonly #clock: Clock;
  readonly #limits: VerifyLimits;
  readonly #entries = new Map<string, PendingVerification>();
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(clock: Clock, limits: VerifyLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(call: CallKey, to: string): PendingVerification | undefined {
    const key = keyOf(call, to);
    const entry = this.#entries.get(key);
    if (entry === undefined || !this.#stale(entry)) return entry;
    this.#entries.delete(key);
    return undefined;
  }

  /** The entry of that verification: the one that is there when it is still the same, else a new one. */
  begin(call: CallKey, to: string, sid: string | undefined): PendingVerification {
    const known = this.get(call, to);
    if (known !== undefined && sid !== undefined && known.sid === sid) return known;
    this.#makeRoom();
    const entry: PendingVerification = {
      sid,
      begunAt: this.#clock.now(),
      telephone: 0,
      sends: 0,
      checksLeft: this.#limits.checks,
      over: false,
    };
    const key = keyOf(call, to);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  forget(call: CallKey, to: string): void {
    this.#entries.delete(keyOf(call, to));
  }

  /** Does `work` once all earlier work on the same call and number is done. */
  inTurn<T>(call: CallKey, to: string, work: () => Promise<T>): Promise<T> {
    const key = keyOf(call, to);
    const turn = (this.#turns.get(key) ?? Promise.resolve()).then(work, work);
    const settled: Promise<void> = turn.then(
      () => this.#leave(key, settled),
      () => this.#leave(key, settled),
    );
    this.#turns.set(key, settled);
    return turn;
  }

  #leave(key: string, turn: Promise<void>): void {
    if (this.#turns.get(key) === turn) this.#turns.delete(key);
  }

  #stale(entry: PendingVerification): boolean {
    return this.#clock.now() - entry.begunAt >= this.#limits.keepMs;
  }

  /** Entries are in the order of their beginning, so the stale ones come first. */
  #makeRoom(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size < this.#limits.kept && !this.#stale(entry)) return;
      this.#entries.delete(key);
    }
  }
}

const keyOf = (call: CallKey, to: string) => `${call} ${to}`;
