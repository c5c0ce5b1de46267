import type { ActionPolicy } from '../tools/operator/policy.ts';
import { amount, integer } from './readers.ts';
import { setting, type Values } from './setting.ts';

const many = integer(0, 1_000_000);

/** What the operator's own programs may use of the Twilio account: docs/tools.md. */
export const actionSettings = {
  'actions.messages_per_day': setting(many, {
    meaning: 'Messages that programs of yours may send in a day over POST /v1/twilio/actions.',
    fallback: '1000',
  }),
  'actions.calls_per_day': setting(many, {
    meaning: 'Calls that they may make in a day.',
    fallback: '500',
  }),
  'actions.money_per_day': setting(amount, {
    meaning: 'What those of a day may cost, by sending.costs.',
    fallback: '100.00',
  }),
} as const;

/** The policy as the settings have it. */
export const actionPolicyOf = (values: Values<typeof actionSettings>): ActionPolicy => ({
  messagesPerDay: values['actions.messages_per_day'],
  callsPerDay: values['actions.calls_per_day'],
  moneyPerDay: values['actions.money_per_day'],
});
