import type { GateDecision, Money } from '../../core/tool-facts.ts';
import type { Counters, CounterTake } from '../../store/store.ts';
import type { SendingPolicy } from './policy.ts';

const dayMs = 86_400_000;

/** Names of counters, and of the settings that limit them. */
const limits = {
  'sends-call': 'messages_per_call',
  'sends-recipient': 'messages_per_recipient_day',
  'sends-day': 'messages_per_day',
  'money-call': 'money_per_call',
  'money-day': 'money_per_day',
} as const;

/** What something takes of the budgets; `to` is absent where nothing is sent. */
export interface Expense {
  readonly call: string;
  readonly to?: string;
  readonly cost: Money;
}

export type BudgetAnswer =
  | { readonly decision: GateDecision; readonly receipt: string }
  | { readonly decision: GateDecision; readonly receipt: undefined; readonly retryAfterMs: number };

/** Takes it of every budget, or of none. Rejects when the store is down. */
export async function takeBudget(
  counters: Pick<Counters, 'take'>,
  expense: Expense,
  policy: SendingPolicy,
): Promise<BudgetAnswer> {
  const answer = await counters.take(takesOf(expense, policy));
  if (answer.taken) return { decision: { gate: 'budget', decision: 'pass' }, receipt: answer.receipt };
  const detail = limits[answer.name as keyof typeof limits] ?? answer.name;
  return {
    decision: { gate: 'budget', decision: 'refuse', detail },
    receipt: undefined,
    retryAfterMs: answer.retryAfterMs,
  };
}

function takesOf({ call, to, cost }: Expense, policy: SendingPolicy): readonly CounterTake[] {
  const take = (name: keyof typeof limits, subject: string, limit: number, amount?: number): CounterTake => ({
    ...{ name, subject, limit, windowMs: dayMs },
    ...(amount === undefined ? {} : { amount }),
  });
  const messages =
    to === undefined
      ? []
      : [
          take('sends-call', call, policy.messagesPerCall),
          take('sends-recipient', to, policy.messagesPerRecipientDay),
          take('sends-day', 'all', policy.messagesPerDay),
        ];
  return [
    ...messages,
    take('money-call', call, policy.moneyPerCall, cost.micros),
    take('money-day', 'all', policy.moneyPerDay, cost.micros),
  ];
}
