import type { GateDecision } from '../../core/tool-facts.ts';
import { person } from '../person.ts';
import type { ToolResult } from '../tool.ts';

const refused = (message: string): ToolResult => ({ status: 'not_allowed', message: `${message} ${person}` });

/** What an agent is told where nothing is sent, by what kept it from being sent. */
export const refusals = {
  off: {
    status: 'needs_human',
    message:
      'This bridge does not let agents send on their own. Offer to hand over to a person who can do it. (Operator: ' +
      'trunkbridge twilio allow-sends --confirm.)',
  },
  killed: {
    status: 'switched_off',
    message: `The operator has switched off all sending (kill_switch). Do not try again. ${person}`,
  },
  down: {
    status: 'unavailable',
    message: `What may be sent cannot be looked up at present, so nothing was sent. ${person}`,
  },
  aborted: { status: 'failed', message: 'The call is over: nothing was sent.' },
  dryRun: { status: 'dry_run', message: `This is a dry run: nothing was sent (sending.dry_run). ${person}` },
  full: {
    status: 'not_allowed',
    message: `Too many messages wait for approval already: nothing was sent. ${person}`,
  },
  unknown: {
    status: 'unavailable',
    message: `It is not known whether the message was sent. Do not send it again. ${person}`,
  },
} as const satisfies Record<string, ToolResult>;

/** By gate and detail, else by gate. */
const byDecision: Readonly<Record<string, ToolResult>> = {
  kill_switch: refusals.killed,
  allow_sends: refusals.off,
  store: refusals.down,
  'access:needs_nobody': refused('The operator has switched this off here (tool_access).'),
  'access:needs_verified': {
    status: 'not_verified',
    message: `This is for callers alone who have proved who they are: first send a code to the number that they call from, and have it checked. Else offer to hand over to a person.`,
  },
  access: refused('This caller may not have that done (tool_access).'),
  opt_out: {
    status: 'opted_out',
    message: `This number wants no messages from us (it wrote STOP). Do not try again. ${person}`,
  },
  'recipient:premium': refused('Nothing goes to numbers of this kind (premium, shared cost, personal).'),
  'recipient:no_number': {
    status: 'invalid_number',
    message: 'This is not a number that anything can go to.',
  },
  'recipient:denied': refused('Nothing goes to this number (sending.denied_recipients).'),
  'recipient:not_allowed': refused(
    'Nothing goes to numbers that the operator has not listed (sending.allowed_recipients).',
  ),
  'recipient:denied_country': refused(
    'Nothing goes to the country of this number (sending.denied_countries).',
  ),
  'recipient:not_allowed_country': refused(
    'Nothing goes to the country of this number (sending.allowed_countries).',
  ),
  quiet_hours: {
    status: 'quiet_hours',
    message: `It is night where the recipient is, so nothing is sent now (sending.quiet_hours). ${person}`,
  },
  content: {
    status: 'blocked',
    message:
      'The text holds something that must not leave this way, like a number of a card or a secret. Write it without; else ' +
      'offer to hand over to a person.',
  },
  'budget:messages_per_call': {
    status: 'over_budget',
    message: `No more messages may be sent in this call (sending.messages_per_call). ${person}`,
  },
  'budget:messages_per_recipient_day': {
    status: 'over_budget',
    message: `Too many messages went to this number within a day (sending.messages_per_recipient_day). ${person}`,
  },
  'budget:money_per_call': {
    status: 'over_budget',
    message: `This call has cost as much as it may (sending.money_per_call). ${person}`,
  },
  budget: {
    status: 'over_budget',
    message: `As much was sent as may be for now. ${person}`,
  },
};

/** What the agent is told of a gate that refused. */
export function answerOf({ gate, detail }: GateDecision, retryAfterMs?: number): ToolResult {
  const result = byDecision[`${gate}:${detail ?? ''}`] ?? byDecision[gate];
  if (result === undefined) throw new Error(`the gate ${gate} has no answer`);
  return retryAfterMs === undefined ? result : { ...result, retry_after_s: Math.ceil(retryAfterMs / 1_000) };
}

/** What the agent is told of a message that waits for a person. */
export const held = (id: string): ToolResult => ({
  status: 'held',
  message:
    'A person has to look at this message before it is sent. You are told when that has happened; go on with the call, and do ' +
    'not send it again.',
  held_id: id,
});
