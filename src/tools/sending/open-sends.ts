import { randomUUID } from 'node:crypto';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { GateDecision, Money } from '../../core/tool-facts.ts';
import type { OptOuts } from '../../store/sends.ts';
import type { Counters } from '../../store/store.ts';
import type { ToolContext, ToolResult } from '../tool.ts';
import { answerOf } from './answers.ts';
import { agentBudgets, agentMoney, giveBack, takeOf } from './budget.ts';
import { costOf } from './costs.ts';
import type { Send, SendOutcome, SendTicket } from './gate.ts';
import type { SendingPolicy } from './policy.ts';
import type { RealPrices } from './real-prices.ts';
import type { Repeats } from './repeats.ts';

export interface OpenSendParts {
  readonly counters: Pick<Counters, 'take' | 'giveBack'>;
  readonly optOuts: Pick<OptOuts, 'add'>;
  /** Learns what was sent has really cost. */
  readonly prices: Pick<RealPrices, 'note'>;
  readonly repeats: Pick<Repeats, 'end'>;
  readonly log: Logger;
}

/** Whose call asked for a send, and under which name it is a repetition. */
export interface SendAsker {
  readonly context: ToolContext;
  readonly repeat: string;
}

/** A send that was let go and is not settled yet. */
interface OpenSend {
  readonly send: Send;
  readonly receipt: string;
  readonly cost: Money;
  /** Absent where a person has approved it. */
  readonly asker?: SendAsker;
}

/** What of a send is let go: its ticket, or why not. */
export type Release =
  | { readonly ticket: SendTicket; readonly decision: GateDecision }
  | { readonly ticket: undefined; readonly decision: GateDecision; readonly result: ToolResult };

/** Sends from the moment that they take of the budgets until it is known what became of them. */
export class OpenSends {
  readonly #parts: OpenSendParts;
  readonly #open = new Map<string, OpenSend>();

  constructor(parts: OpenSendParts) {
    this.#parts = parts;
  }

  /** Takes what a send costs of the budgets. Rejects when the store is down. */
  async release(send: Send, call: string, policy: SendingPolicy, asker?: SendAsker): Promise<Release> {
    const cost = costOf(send, policy);
    const taken = await takeOf(this.#parts.counters, agentBudgets({ call, to: send.to, cost }, policy));
    if (taken.receipt === undefined) {
      const { decision, retryAfterMs } = taken;
      return { ticket: undefined, decision, result: answerOf(decision, retryAfterMs) };
    }
    const ticket = { id: randomUUID() };
    this.#open.set(ticket.id, {
      send,
      receipt: taken.receipt,
      cost,
      ...(asker === undefined ? {} : { asker }),
    });
    return { ticket, decision: taken.decision };
  }

  /** What was let go is not sent after all. */
  async takeBack(ticket: SendTicket): Promise<void> {
    const open = this.#open.get(ticket.id);
    this.#open.delete(ticket.id);
    if (open !== undefined) await giveBack(this.#parts.counters, open.receipt);
  }

  async settle(ticket: SendTicket, outcome: SendOutcome): Promise<ToolResult> {
    const open = this.#open.get(ticket.id);
    if (open === undefined) throw new Error('a send was settled twice');
    this.#open.delete(ticket.id);
    const { done, result, requestId } = outcome;
    const nothing = done === 'unprocessed' || done === 'opted-out';
    const cost = outcome.cost ?? (done === 'sent' || done === 'unknown' ? open.cost : undefined);
    open.asker?.context.note({
      ...(requestId === undefined ? {} : { requestId }),
      ...(cost === undefined ? {} : { cost }),
    });
    this.#price(open, outcome);
    if (open.asker !== undefined) this.#parts.repeats.end(open.asker.repeat, result, !nothing);
    if (nothing) await giveBack(this.#parts.counters, open.receipt);
    if (done === 'opted-out') await this.#optOut(open.send);
    return result;
  }

  /** What was sent, and did not say what it costs, is asked for its price later. */
  #price({ receipt, cost: estimate }: OpenSend, { done, sid, requestId, cost }: SendOutcome): void {
    if (done !== 'sent' || sid === undefined || cost !== undefined) return;
    this.#parts.prices.note({ what: 'message', sid, receipt, counters: agentMoney, estimate, requestId });
  }

  async #optOut({ to, sender }: Send): Promise<void> {
    try {
      await this.#parts.optOuts.add({ number: to, sender }, 'refused');
    } catch (error) {
      // Twilio remembers it as well.
      this.#parts.log.warn('an opt-out cannot be kept', { error: messageOf(error) });
    }
  }
}
