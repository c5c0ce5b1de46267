import type { Money } from '../../core/tool-facts.ts';
import type { Budget } from '../sending/budget.ts';
import { no, type Prepared, type Refused } from './action.ts';
import type { ActionPolicy } from './policy.ts';

const subject = 'all';
/** The counters of money among them. */
export const actionMoney: readonly string[] = ['actions-money'];

/** The budgets of what the operator's programs send: their own, beside those of agents. */
export function actionBudgets(
  what: Prepared['what'],
  { micros: amount }: Money,
  { messagesPerDay, callsPerDay, moneyPerDay }: ActionPolicy,
): readonly Budget[] {
  const many: Budget =
    what === 'message'
      ? { counter: 'actions-messages', subject, setting: 'actions.messages_per_day', limit: messagesPerDay }
      : { counter: 'actions-calls', subject, setting: 'actions.calls_per_day', limit: callsPerDay };
  const money = { counter: 'actions-money', subject, setting: 'actions.money_per_day', limit: moneyPerDay };
  return [many, { ...money, amount }];
}

/** What a program is told that has used them up. */
export const overBudget = (setting: string | undefined, retryAfterMs: number): Refused => ({
  ...no('over_budget', `As much was used in the last 24 hours as may be: ${setting} is reached.`),
  retryAfterSeconds: Math.ceil(retryAfterMs / 1_000),
});
