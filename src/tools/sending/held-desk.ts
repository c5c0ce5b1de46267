import type { Clock } from '../../core/clock.ts';
import { Failure, fail, ok, type Result } from '../../core/errors.ts';
import type { BridgeEvent, EventSink } from '../../core/events.ts';
import { maskNumber } from '../../core/mask.ts';
import type { GateDecision } from '../../core/tool-facts.ts';
import type { Execution, Executions, HeldAuthor, HeldSend, HeldSends } from '../../store/sends.ts';
import type { ToolResult } from '../tool.ts';
import { decide, refusalAnswer, refusalIn } from './decisions.ts';
import type { Send, SendOutcome } from './gate.ts';
import type { HeldWatch } from './held-watch.ts';
import { sendingLimits } from './limits.ts';
import type { SendingPolicy } from './policy.ts';
import type { Sending } from './sending.ts';

export interface HeldDeskParts {
  readonly sending: Pick<Sending, 'question' | 'release' | 'perform' | 'settle'>;
  readonly policy: () => SendingPolicy;
  readonly heldSends: HeldSends;
  readonly executions: Pick<Executions, 'add'>;
  readonly watch: Pick<HeldWatch, 'look'>;
  readonly events: EventSink;
  readonly clock: Clock;
}

/** Where people decide on held sends. Failures have code `not-found`, `over`, `key-missing`, or the word of a gate. */
export class HeldDesk {
  readonly #parts: HeldDeskParts;

  constructor(parts: HeldDeskParts) {
    this.#parts = parts;
  }

  /**
   * Sends one that waits. What may have changed since is asked again first: the switches, opt-outs, recipients, quiet hours
   * and budgets; while one of those refuses, it goes on waiting. Rejects when the store is down.
   */
  async approve(id: string, author: HeldAuthor): Promise<Result<ToolResult>> {
    const { heldSends, sending, watch } = this.#parts;
    const found = await this.#waiting(id);
    if (!found.ok) return found;
    const { held, send } = found.value;
    const policy = this.#parts.policy();
    const question = await sending.question(send, policy);
    const decisions = decide(question);
    const refusal = refusalIn(decisions);
    if (refusal !== undefined) {
      const answer = refusalAnswer(refusal, question);
      this.#tell(id, author, 'waits', answer.status, decisions);
      return fail(failureOf(refusal, answer));
    }
    const released = await sending.release(send, held.call, policy);
    const gates = [...decisions, released.decision];
    if (released.ticket === undefined) {
      this.#tell(id, author, 'waits', released.result.status, gates);
      return fail(failureOf(released.decision, released.result));
    }
    const claim = await heldSends.claim(id, author);
    if (typeof claim === 'string') {
      await sending.settle(released.ticket, { done: 'unprocessed', result: { status: 'over', message: '' } });
      return fail(refusals[claim]);
    }
    const begun = this.#parts.clock.now();
    const outcome = await this.#perform(send);
    const result = await sending.settle(released.ticket, outcome);
    const state = outcome.done === 'sent' ? 'sent' : outcome.done === 'unknown' ? 'unknown' : 'failed';
    await heldSends.finish(id, state, result.status);
    this.#tell(id, author, 'approved', result.status, gates);
    const { requestId, cost } = outcome;
    await this.#record(held, {
      action: 'approved',
      ms: Math.round(this.#parts.clock.now() - begun),
      status: result.status,
      arguments: { to: maskNumber(send.to), held_id: id },
      gates,
      ...(requestId === undefined ? {} : { requestId }),
      ...(cost === undefined ? {} : { cost }),
    });
    await watch.look(id);
    return ok(result);
  }

  async refuse(id: string, author: HeldAuthor): Promise<Result<void>> {
    const { heldSends, watch } = this.#parts;
    const outcome = await heldSends.refuse(id, author);
    if (outcome !== 'refused') return fail(refusals[outcome]);
    this.#tell(id, author, 'refused', outcome, [refusedByPerson]);
    const held = await heldSends.find(id);
    if (held !== undefined)
      await this.#record(held, {
        ...{ action: 'refused', ms: 0, status: outcome, gates: [refusedByPerson] },
        arguments: { to: held.recipient, held_id: id },
      });
    await watch.look(id);
    return ok(undefined);
  }

  async #waiting(id: string): Promise<Result<{ readonly held: HeldSend; readonly send: Send }>> {
    const { heldSends } = this.#parts;
    const held = await heldSends.find(id);
    if (held === undefined) return fail(refusals['not-found']);
    if (held.state !== 'waiting') return fail(refusals.over);
    const body = await heldSends.body(id);
    if (body !== undefined) return ok({ held, send: JSON.parse(body) as Send });
    const still = await heldSends.find(id);
    return fail(still?.state === 'waiting' ? keyMissing : refusals.over);
  }

  async #perform(send: Send): Promise<SendOutcome> {
    const late = new AbortController();
    const timer = this.#parts.clock.timer(sendingLimits.performMs, () => late.abort());
    try {
      return await this.#parts.sending.perform(send, late.signal);
    } finally {
      timer.cancel();
    }
  }

  #tell(
    held: string,
    { who: by }: HeldAuthor,
    decision: Extract<BridgeEvent, { type: 'held-decided' }>['decision'],
    status: string,
    gates: readonly GateDecision[],
  ): void {
    this.#parts.events.emit({ type: 'held-decided', held, by, decision, status, gates });
  }

  async #record(
    { call, agentId, tool }: HeldSend,
    run: Omit<Execution, 'call' | 'agentId' | 'tool' | 'at' | 'isError'>,
  ): Promise<void> {
    const { executions, clock } = this.#parts;
    const at = Math.round(clock.wall() - run.ms);
    await executions.add({ ...{ call, agentId, tool, at, isError: false }, ...run });
  }
}

/** The gate that a person is, as one that refuses; who approves passes it. */
const refusedByPerson: GateDecision = { gate: 'approved', decision: 'refuse', detail: 'person' };

const refusals = {
  'not-found': new Failure('not-found', 'There is no held send of this id.'),
  over: new Failure('over', 'This one is not waiting any more: it was decided before, or has expired.'),
} as const;

const keyMissing = new Failure(
  'key-missing',
  'It is sealed with a key that is not in DATA_KEY any more: put it back, last.',
);

const failureOf = ({ gate }: GateDecision, { message }: ToolResult): Failure => new Failure(gate, message);
