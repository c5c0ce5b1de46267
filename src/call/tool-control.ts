import type { Clock } from '../core/clock.ts';
import type { Ending } from '../core/ending.ts';
import { Failure, fail, ok, type Result } from '../core/errors.ts';
import type { KeyedDigits } from '../core/keyed-digits.ts';
import type { Logger } from '../core/logger.ts';
import type { KeyForm, Leg } from '../worker/legs.ts';
import type { CallControl, KeyTaker, TransferWay } from './control.ts';
import { Hold } from './hold.ts';
import type { Party, TransferTarget } from './party.ts';
import type { Transcript } from './transcript.ts';
import { transferLimits } from './transfer.ts';

export interface ToolControlOptions {
  readonly leg: Leg;
  readonly party: Party;
  readonly transcript: Transcript;
  readonly clock: Clock;
  readonly log: Logger;
  readonly handOver: (target: TransferTarget, way: TransferWay) => Promise<Result<void, Ending>>;
  /** The sound of waiting is not heard for the tool that is at work now. */
  readonly hush: () => void;
  /** The call is over. */
  readonly over: () => boolean;
}

/** What tools may have done with one call, and who gets what its caller keys in secret meanwhile. */
export class ToolControl implements CallControl {
  readonly #options: ToolControlOptions;
  readonly #hold: Hold;
  #keyTaker: KeyTaker | undefined;
  /** A person has the caller now. */
  #passedOn = false;

  constructor(options: ToolControlOptions) {
    this.#options = options;
    this.#hold = new Hold(options);
  }

  transfer(target: TransferTarget, way: TransferWay): Promise<Result<void, Ending>> {
    return this.#options.handOver(target, way);
  }

  async digits(keys: string, form: KeyForm): Promise<Result<void>> {
    const { leg, hush, over } = this.#options;
    hush();
    await leg.quiet(transferLimits.keysQuietMs);
    if (over() || this.#passedOn) return fail(new Failure('gone', 'the call is over'));
    const pressed = await leg.digits(keys, form);
    return pressed ? ok(undefined) : fail(new Failure('busy', 'too many keys wait already'));
  }

  secure(taker: KeyTaker | undefined): Promise<boolean> {
    const { leg, over } = this.#options;
    // An agent whose caller has gone on may still be at something: whoever has the caller now gets the keys.
    if (over() || (this.#passedOn && taker !== undefined)) return Promise.resolve(false);
    this.#keyTaker = taker;
    return leg.secure(taker !== undefined);
  }

  async hold(on: boolean): Promise<Result<void>> {
    if (this.#passedOn) return fail(new Failure('gone', 'the caller is with somebody else'));
    return this.#hold.set(on);
  }

  tell(text: string, how: 'turn' | 'context'): void {
    const { leg, over } = this.#options;
    if (!over()) leg.tell(text, how);
  }

  withhold(on: boolean): void {
    const { leg, transcript } = this.#options;
    transcript.withhold(on);
    leg.withhold(on);
  }

  retract(): void {
    this.#options.transcript.retract();
  }

  /** What was keyed in secret. */
  keyed(digits: KeyedDigits): void {
    if (this.#keyTaker === undefined) digits.wipe();
    else this.#keyTaker.keyed(digits);
  }

  /** A person takes over: what is keyed from now on is for that one, and the caller is off hold. */
  passOn(): void {
    this.#passedOn = true;
    this.#keyTaker?.over();
    void this.secure(undefined);
    this.unhold();
  }

  /** Another telephone takes over: what the first one was to key is not waited for any more. */
  replaced(): void {
    if (this.#keyTaker === undefined) return;
    this.#keyTaker.over();
    void this.secure(undefined);
    this.withhold(false);
  }

  /** A conversation begins, which does not know what the one before it did. */
  unhold(): void {
    void this.#hold.release();
  }

  /** The call is over. */
  close(): void {
    this.#keyTaker?.over();
    this.#hold.close();
  }
}
