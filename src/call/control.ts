import type { Ending } from '../core/ending.ts';
import type { Result } from '../core/errors.ts';
import type { CallKey, LegId } from '../core/ids.ts';
import type { KeyedDigits } from '../core/keyed-digits.ts';
import type { KeyForm, Leg } from '../worker/legs.ts';
import type { Party, TransferTarget } from './party.ts';

/**
 * How a caller is handed over: by the peer's own side (`refer`), or over a second leg that this bridge opens. A peer that
 * takes no REFER is helped with a second leg.
 */
export type TransferWay = 'refer' | 'bridge';

/** Who gets what a caller keys in secret. */
export interface KeyTaker {
  /** Takes the digits of an entry, or wipes them. */
  keyed(digits: KeyedDigits): void;
  /** The call is over: nothing more will come. */
  over(): void;
}

/** What a tool may have done with the call that it runs in. */
export interface CallControl {
  /**
   * Hands the caller over once the agent has said what it is saying. Settles when that has worked or not, which may take
   * as long as a telephone may ring; after a failure the caller is with the agent as before.
   */
  transfer(target: TransferTarget, way: TransferWay): Promise<Result<void, Ending>>;
  /** Presses keys once the agent has said what it is saying; settles when the last one is up. Code `busy` or `gone`. */
  digits(keys: string, form: KeyForm): Promise<Result<void>>;
  /**
   * Has what the caller keys come to `taker` alone: the agent, recordings and transcripts get neither digits nor tones. Settles
   * when the worker has said that it is so, false when it cannot be or a person has the caller. Without `taker` the agent gets
   * keys again.
   */
  secure(taker: KeyTaker | undefined): Promise<boolean>;
  /** Keeps the caller on hold, or takes it back. Code `unsupported`, or those of `Dialogue.reoffer`. */
  hold(on: boolean): Promise<Result<void>>;
  /** Tells the agent something that it did not ask for: `turn` makes it reply. */
  tell(text: string, how: 'turn' | 'context'): void;
  /** A one-time code is pending, or is not any more: meanwhile the caller's turns are kept nowhere. */
  withhold(on: boolean): void;
  /** A one-time code may have been said before it was known here that there is one: such turns are not kept any more. */
  retract(): void;
}

/** A telephone that a caller is being connected with, and its leg. */
export interface SecondLeg {
  readonly party: Party;
  readonly leg: Leg;
}

/** Opens second legs. */
export interface SecondLegs {
  /**
   * Makes a leg near that of the call, and a party that `accept` will call. Capacity is taken before anybody is called,
   * and given back when the leg is closed and the party has ended.
   */
  open(target: TransferTarget, call: CallKey, near: LegId): Promise<Result<SecondLeg, Ending>>;
}
