import type { Clock, Timer } from '../../core/clock.ts';
import type { CallKey } from '../../core/ids.ts';
import type { KeyedDigits } from '../../core/keyed-digits.ts';
import type { ToolContext } from '../tool.ts';
import { verifyLimits } from './limits.ts';

/** What the keypad asks of the verification. */
export interface CodeDesk {
  /** Checks what was keyed for `to`; the digits are taken or wiped there, and the agent told what came of it. */
  keyed(to: string, digits: KeyedDigits, context: ToolContext): Promise<void>;
  /** The code for `to` has expired. */
  expired(to: string, context: ToolContext): void;
}

/** A call with verifications that wait for their code. */
interface Waiting {
  /** Numbers with the time (monotonic, ms) that their code lives until, the one of the newest send last. */
  readonly codes: Map<string, number>;
  context: ToolContext;
  checks: number;
  timer: Timer | undefined;
  /** Settles once the worker has said whether it is in secure mode. */
  secured: Promise<void> | undefined;
}

/**
 * The secure keypad: from before a code is sent to the end of its verification, what the caller keys goes straight to the
 * check, and what may be said of the code is withheld.
 */
export class SecureKeypad {
  readonly #clock: Clock;
  readonly #desk: CodeDesk;
  readonly #enabled: () => boolean;
  readonly #calls = new Map<CallKey, Waiting>();

  constructor(clock: Clock, desk: CodeDesk, enabled: () => boolean) {
    this.#clock = clock;
    this.#desk = desk;
    this.#enabled = enabled;
  }

  /** Calls with a code to be keyed. */
  get size(): number {
    return this.#calls.size;
  }

  /**
   * Before a code for `to` is sent: settles when the worker has said that it is in secure mode, so that no code can exist that
   * is keyed outside of it. False when the call is over, or goes on with somebody else.
   */
  async expect(to: string, context: ToolContext, untilMs: number): Promise<boolean> {
    const waiting: Waiting = this.#calls.get(context.call) ?? {
      codes: new Map(),
      context,
      checks: 0,
      timer: undefined,
      secured: undefined,
    };
    waiting.context = context;
    waiting.codes.delete(to);
    waiting.codes.set(to, untilMs);
    this.#calls.set(context.call, waiting);
    this.#arm(waiting);
    waiting.secured ??= this.#secure(waiting);
    await waiting.secured;
    // Meanwhile the caller may have been handed over, or be at another telephone.
    return this.#calls.get(context.call) === waiting;
  }

  /** The code for `to` is known to live until then. */
  until(to: string, call: CallKey, untilMs: number): void {
    const waiting = this.#calls.get(call);
    if (waiting === undefined || !waiting.codes.has(to)) return;
    waiting.codes.set(to, untilMs);
    this.#arm(waiting);
  }

  /** None was sent for `to` just now, but an older one may be right: what is keyed is for every other code first. */
  older(to: string, call: CallKey): void {
    const codes = this.#calls.get(call)?.codes;
    if (codes?.has(to) !== true) return;
    for (const [other, untilMs] of [...codes]) {
      if (other === to) continue;
      codes.delete(other);
      codes.set(other, untilMs);
    }
  }

  /** The code for `to` is not waited for any more: it was right, is no good any more, or was never sent. */
  settle(to: string, call: CallKey): void {
    const waiting = this.#calls.get(call);
    if (waiting === undefined) return;
    waiting.codes.delete(to);
    if (waiting.codes.size > 0) return this.#arm(waiting);
    this.#drop(waiting);
    waiting.context.control.withhold(false);
    void waiting.context.control.secure(undefined);
  }

  async #secure(waiting: Waiting): Promise<void> {
    const { control } = waiting.context;
    control.withhold(true);
    if (!this.#enabled()) return;
    const secured = await control.secure({
      keyed: digits => void this.#take(waiting, digits),
      over: () => this.#drop(waiting),
    });
    if (!secured) this.#drop(waiting);
  }

  #drop(waiting: Waiting): void {
    waiting.timer?.cancel();
    waiting.codes.clear();
    this.#calls.delete(waiting.context.call);
  }

  /** What is keyed is for the code that was sent last. A machine that keys without end is not listened to. */
  async #take(waiting: Waiting, digits: KeyedDigits): Promise<void> {
    const to = [...waiting.codes.keys()].at(-1);
    if (to === undefined || waiting.checks >= verifyLimits.keyedWaiting) return digits.wipe();
    waiting.checks += 1;
    try {
      await this.#desk.keyed(to, digits, waiting.context);
    } catch {
      waiting.context.log.error('a keyed code could not be checked');
    } finally {
      digits.wipe();
      waiting.checks -= 1;
    }
  }

  #arm(waiting: Waiting): void {
    waiting.timer?.cancel();
    const next = Math.min(...waiting.codes.values());
    waiting.timer = this.#clock.timer(Math.max(0, next - this.#clock.now()), () => this.#expire(waiting));
  }

  #expire(waiting: Waiting): void {
    const now = this.#clock.now();
    const { context } = waiting;
    for (const [to, until] of [...waiting.codes]) {
      if (until > now) continue;
      this.settle(to, context.call);
      this.#desk.expired(to, context);
    }
    if (waiting.codes.size > 0) this.#arm(waiting);
  }
}
