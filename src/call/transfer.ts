import { type Ending, ending } from '../core/ending.ts';
import { fail, ok, type Result } from '../core/errors.ts';
import type { CallKey } from '../core/ids.ts';
import type { Leg, LegListener } from '../worker/legs.ts';
import type { SecondLeg, SecondLegs, TransferWay } from './control.ts';
import type { Party, TransferTarget } from './party.ts';

export const transferLimits = {
  /** How long the agent may go on talking before its caller is handed over, ms. */
  quietMs: 10_000,
  /** The same before keys are pressed, ms: with the keys it has to fit into the time of a tool. */
  keysQuietMs: 5_000,
  /** Transfers that are tried in one call. */
  perCall: 10,
} as const;

export interface TransferParts {
  readonly call: CallKey;
  readonly party: Party;
  readonly leg: Leg;
  /** Absent where no second leg can be opened. */
  readonly second: SecondLegs | undefined;
  /** The second party is gone, or its leg: after the caller was connected with it. */
  readonly farEnded: (end: Ending) => void;
}

/** How a caller was handed over: by the peer, which takes it along, or to a second leg. */
export type Handover = { readonly way: 'refer' } | { readonly way: 'bridge'; readonly second: SecondLeg };

/** One try to hand a caller over, from the agent's last word to the connection. */
export class Transfer {
  readonly #parts: TransferParts;
  #second: SecondLeg | undefined;
  #stopped: Ending | undefined;
  #connected = false;
  /** Why the second leg is over, once it was answered. */
  gone: Ending | undefined;
  /** What is being tried. */
  way: TransferWay = 'refer';

  constructor(parts: TransferParts) {
    this.#parts = parts;
  }

  async run(target: TransferTarget, way: TransferWay): Promise<Result<Handover, Ending>> {
    const { party, leg, second } = this.#parts;
    this.way = way;
    await leg.quiet(transferLimits.quietMs);
    if (this.#stopped !== undefined) return fail(this.#stopped);
    if (way === 'refer') {
      const referred = (await party.transfer?.(target)) ?? fail(ending('transfer-refused'));
      if (referred.ok) return ok({ way: 'refer' });
      if (this.#stopped !== undefined) return fail(this.#stopped);
      const helped = second !== undefined && target.trunk !== undefined;
      if (referred.failure.reason !== 'transfer-refused' || !helped) return referred;
      this.way = 'bridge';
    }
    return this.#bridge(target);
  }

  /** The call is over: whoever was called, or was connected, is told so too. */
  async stop(end: Ending): Promise<void> {
    this.#stopped ??= end;
    await this.#release(end);
  }

  async #bridge(target: TransferTarget): Promise<Result<Handover, Ending>> {
    const { call, leg, second } = this.#parts;
    if (second === undefined || target.trunk === undefined) {
      return fail(ending('transfer-failed', 'there is no trunk to call over'));
    }
    const opened = await second.open(target, call, leg.id);
    if (!opened.ok) return opened;
    this.#second = opened.value;
    if (this.#stopped !== undefined) return this.#giveUp(this.#stopped);
    const { party: other, leg: otherLeg } = opened.value;
    otherLeg.listen(this.#listener());
    leg.join(otherLeg, 'early');
    void other.ringing?.then(() => {
      if (this.#second !== undefined && !this.#connected) leg.tone('ringback');
    });
    const accepted = await other.accept();
    if (this.#stopped !== undefined) return this.#giveUp(this.#stopped);
    leg.tone('off');
    if (!accepted.ok) return this.#giveUp(accepted.failure);
    this.#connected = true;
    void other.ended.then(end => this.#farEnded(end));
    if (target.postDialDigits !== undefined) await otherLeg.digits(target.postDialDigits, 'events');
    if (this.#stopped !== undefined) return this.#giveUp(this.#stopped);
    // Nobody was joined with the caller yet, whose agent is still there.
    if (this.gone !== undefined) return this.#giveUp(goneTooSoon(this.gone));
    return ok({ way: 'bridge', second: opened.value });
  }

  async #giveUp(end: Ending): Promise<Result<never, Ending>> {
    await this.#release(end);
    return fail(end);
  }

  async #release(end: Ending): Promise<void> {
    const second = this.#second;
    if (second === undefined) return;
    this.#second = undefined;
    if (this.#stopped === undefined) this.#parts.leg.join(second.leg, 'off');
    second.party.end(end);
    await second.leg.close();
  }

  #farEnded(end: Ending): void {
    this.gone ??= end.reason === 'callee-hung-up' ? ending('transfer-party-hung-up') : end;
    if (this.#stopped === undefined) this.#parts.farEnded(this.gone);
  }

  /** No agent is at the second leg. */
  #listener(): LegListener {
    const nothing = () => undefined;
    const gone = (end: Ending) => {
      this.#second?.party.end(end);
      // Before the answer `accept` fails with it.
      if (this.#connected) this.#farEnded(end);
    };
    return {
      agentReady: nothing,
      agentQueue: nothing,
      agentEnded: gone,
      toolCall: nothing,
      keyed: nothing,
      turn: nothing,
      mediaTimeout: () => gone(ending('media-timeout')),
      lost: gone,
    };
  }
}

/** Why the caller was not connected with a second leg that was answered and is over. */
function goneTooSoon(end: Ending): Ending {
  return end.reason === 'transfer-party-hung-up'
    ? ending('transfer-failed', 'it hung up before the keys of post_dial_digits were pressed')
    : end;
}
