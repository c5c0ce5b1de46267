import { type Ending, ending } from '../core/ending.ts';
import { fail, ok, type Result } from '../core/errors.ts';
import type { CallKey } from '../core/ids.ts';
import type { Leg } from '../worker/legs.ts';
import type { TransferWay } from './control.ts';
import type { CallParts } from './parts.ts';
import type { TransferTarget } from './party.ts';
import { type CallInput, type CallState, callStates, leaving } from './states.ts';
import { Transfer, transferLimits } from './transfer.ts';

export interface HandoversParts {
  readonly call: CallKey;
  readonly parts: CallParts;
  readonly state: () => CallState;
  readonly take: (input: CallInput) => void;
  /** Why the call will end, unless that is known already. */
  readonly ends: (end: Ending) => void;
  /** What becomes of a caller whose agent was lost meanwhile. */
  readonly lost: (end: Ending) => CallInput;
}

/** The tries to hand the caller of one call over: asked for by a tool, or because there is no agent any more. */
export class Handovers {
  readonly #parts: HandoversParts;
  #transfer: Transfer | undefined;
  #tried = 0;
  /** The leg that the caller was connected with. */
  #bridged: Leg | undefined;
  /** Why the agent left during the try that is under way. */
  #agentEnd: Ending | undefined;

  constructor(parts: HandoversParts) {
    this.#parts = parts;
  }

  /** For a tool. */
  async handOver(target: TransferTarget, way: TransferWay): Promise<Result<void, Ending>> {
    const state = this.#parts.state();
    if (callStates[state].transfer === undefined) {
      const why = leaving.has(state) ? 'another transfer is under way' : 'the call is not up';
      return fail(ending('transfer-failed', why));
    }
    this.#tried += 1;
    if (this.#tried > transferLimits.perCall)
      return fail(ending('transfer-failed', 'it was tried too often'));
    this.#parts.take('transfer');
    return this.#run(target, way);
  }

  /** Where a caller goes who has no agent any more. */
  async fallBack(): Promise<void> {
    const { fallback } = this.#parts.parts;
    if (fallback === undefined) this.#parts.take('transfer-failed');
    else await this.#run(fallback.target, fallback.way);
  }

  /** The agent has gone meanwhile. */
  agentEnded(end: Ending): void {
    this.#agentEnd ??= end;
    this.#parts.take('agent-ended');
  }

  /** Caller and second leg hear each other. */
  join(): void {
    if (this.#bridged === undefined) throw new Error('there is no second leg to join with');
    this.#parts.parts.leg.join(this.#bridged, 'full');
  }

  /** The call is over. */
  async stop(end: Ending): Promise<void> {
    await this.#transfer?.stop(end);
  }

  async #run(target: TransferTarget, way: TransferWay): Promise<Result<void, Ending>> {
    const { call, parts, state, take, ends } = this.#parts;
    const { party, leg, second, clock, events } = parts;
    const begun = clock.now();
    this.#agentEnd = undefined;
    const transfer = new Transfer({ call, party, leg, second, farEnded: end => this.#farEnded(end) });
    this.#transfer = transfer;
    const outcome = await transfer.run(target, way);
    const end = outcome.ok ? ending('transferred') : outcome.failure;
    events.emit({ type: 'transfer', call, way: transfer.way, end, ms: clock.now() - begun });
    if (!leaving.has(state())) return outcome.ok ? ok(undefined) : outcome;
    if (!outcome.ok) {
      this.#failed();
      return outcome;
    }
    if (outcome.value.way === 'bridge') {
      this.#bridged = outcome.value.second.leg;
      take('bridged');
      if (transfer.gone !== undefined) this.#farEnded(transfer.gone);
    } else {
      ends(end);
      take('transferred');
    }
    return ok(undefined);
  }

  /** The caller is with the agent again, unless that has left meanwhile: in success, or lost. */
  #failed(): void {
    const { state, take, ends, lost } = this.#parts;
    const agentEnd = this.#agentEnd;
    if (state() !== 'transferring-alone' || agentEnd === undefined) return take('transfer-failed');
    if (agentEnd.result !== 'success') return take(lost(agentEnd));
    ends(agentEnd);
    take('transfer-failed');
  }

  #farEnded(end: Ending): void {
    if (this.#parts.state() !== 'bridged') return;
    this.#parts.ends(end);
    this.#parts.take('far-ended');
  }
}
