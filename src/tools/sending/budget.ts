import type { GateDecision, Money } from '../../core/tool-facts.ts';
import type { Counters } from '../../store/store.ts';
import type { SendingPolicy } from './policy.ts';

const dayMs = 86_400_000;

/** So much may be used of something in any 24 hours. */
export interface Budget {
  /** What is counted; a name always goes with or without an amount. */
  readonly counter: string;
  /** Whom it counts for: a call, a number, all. */
  readonly subject: string;
  /** The setting that limits it, as it is named where it is refused. */
  readonly setting: string;
  readonly limit: number;
  /** What this use takes; absent: it counts as one. */
  readonly amount?: number;
}

export type BudgetAnswer =
  | { readonly decision: GateDecision; readonly receipt: string }
  | { readonly decision: GateDecision; readonly receipt: undefined; readonly retryAfterMs: number };

/** Takes it of every budget, or of none. Rejects when the store is down. */
export async function takeOf(
  counters: Pick<Counters, 'take'>,
  budgets: readonly Budget[],
): Promise<BudgetAnswer> {
  const answer = await counters.take(
    budgets.map(({ counter, subject, limit, amount }) => ({
      ...{ name: counter, subject, limit, windowMs: dayMs },
      ...(amount === undefined ? {} : { amount }),
    })),
  );
  if (answer.taken) return { decision: { gate: 'budget', decision: 'pass' }, receipt: answer.receipt };
  const detail = budgets.find(({ counter }) => counter === answer.name)?.setting ?? answer.name;
  return {
    decision: { gate: 'budget', decision: 'refuse', detail },
    receipt: undefined,
    retryAfterMs: answer.retryAfterMs,
  };
}

/** One that is not given back costs one of the day, and nothing else. */
export async function giveBack(counters: Pick<Counters, 'giveBack'>, receipt: string): Promise<void> {
  await counters.giveBack(receipt).catch(() => undefined);
}

/** What something takes of the budgets of agents; `to` is absent where nothing is sent. */
export interface Expense {
  readonly call: string;
  readonly to?: string;
  readonly cost: Money;
}

/** The counters of money among them. */
export const agentMoney: readonly string[] = ['money-call', 'money-day'];

/** The budgets of what agents send and look up. */
export function agentBudgets({ call, to, cost }: Expense, policy: SendingPolicy): readonly Budget[] {
  const { micros: amount } = cost;
  const all = 'all';
  const money: readonly Budget[] = [
    {
      ...{ counter: 'money-call', subject: call, setting: 'money_per_call' },
      ...{ limit: policy.moneyPerCall, amount },
    },
    {
      ...{ counter: 'money-day', subject: all, setting: 'money_per_day' },
      ...{ limit: policy.moneyPerDay, amount },
    },
  ];
  if (to === undefined) return money;
  const { messagesPerCall, messagesPerRecipientDay, messagesPerDay } = policy;
  return [
    { counter: 'sends-call', subject: call, setting: 'messages_per_call', limit: messagesPerCall },
    {
      ...{ counter: 'sends-recipient', subject: to, setting: 'messages_per_recipient_day' },
      limit: messagesPerRecipientDay,
    },
    { counter: 'sends-day', subject: all, setting: 'messages_per_day', limit: messagesPerDay },
    ...money,
  ];
}
