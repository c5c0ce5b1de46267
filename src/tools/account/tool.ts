import { z } from 'zod';
import type { Result } from '../../core/errors.ts';
import {
  type AccountBalance,
  type AccountInfo,
  fetchAccount,
  fetchBalance,
  listNumbers,
  listUsage,
} from '../../twilio/account.ts';
import type { TwilioCaller } from '../../twilio/client.ts';
import type { TwilioFailure } from '../../twilio/failure.ts';
import { day, optional, required, word } from '../field.ts';
import { person } from '../person.ts';
import { withRows } from '../rows.ts';
import type { Tool, ToolContext, ToolResult } from '../tool.ts';
import { looked, type ToolSpec, type TwilioToolParts } from '../twilio-parts.ts';
import { quoted } from '../untrusted.ts';

export const accountActions = ['account_info', 'list_phone_numbers', 'usage_summary'] as const;

export const accountLimits = {
  /** Numbers that are listed. */
  numbers: 50,
  /** Categories of usage that are asked for: Twilio knows some hundreds, and most are zero. */
  categories: 1_000,
} as const;

interface AccountInput {
  readonly action: (typeof accountActions)[number];
  readonly category?: string | undefined;
  readonly start_date?: Date | undefined;
  readonly end_date?: Date | undefined;
}

const name = 'twilio_account_overview';

/** An open set: whatever looks like one of Twilio's categories is asked for. */
const category = z.string().transform((given, context) => {
  const lower = given.toLowerCase();
  if (/^[a-z0-9][a-z0-9_-]{0,99}$/.test(lower)) return lower;
  context.addIssue({ code: 'custom', message: 'must be a category such as totalprice or sms-outbound' });
  return z.NEVER;
});

export function accountSpec(): ToolSpec<AccountInput> {
  const fields = z.object({
    action: required(word(accountActions), {
      description:
        'account_info is the state of the account and its balance; list_phone_numbers its numbers and what each can do; usage_summary what was used and what it cost.',
    }),
    category: optional(category, {
      description:
        'usage_summary: one category, for instance totalprice, sms-outbound, calls-inbound, lookups; without it all that are not zero.',
    }),
    start_date: optional(day(), { description: 'usage_summary: first day, for instance 2026-01-01.' }),
    end_date: optional(day(), { description: 'usage_summary: last day.' }),
  });
  return {
    name,
    description:
      "Looks at the operator's Twilio account: its state and balance, its telephone numbers, its usage and cost. For the operator's own people; it is nothing to tell callers.",
    input: fields.check(({ value, issues }) => {
      const { start_date, end_date } = value;
      if (start_date === undefined || end_date === undefined || start_date <= end_date) return;
      issues.push({ code: 'custom', path: ['end_date'], message: 'is before start_date', input: value });
    }),
  };
}

/** `twilio_account_overview`. */
export function createAccountTool(parts: TwilioToolParts): Tool {
  const tool: Tool<AccountInput> = {
    ...accountSpec(),
    run(input, context, signal) {
      switch (input.action) {
        case 'account_info':
          return info(parts, context, signal);
        case 'list_phone_numbers':
          return numbers(parts, context, signal);
        case 'usage_summary':
          return usage(parts, input, context, signal);
      }
    },
  };
  return tool as Tool;
}

interface Overview {
  readonly account: AccountInfo;
  readonly balance: AccountBalance | undefined;
}

/** The balance is left out where it cannot be had: some accounts are billed by others. */
async function overview(client: TwilioCaller, signal: AbortSignal): Promise<Result<Overview, TwilioFailure>> {
  const [account, balance] = await Promise.all([fetchAccount(client, signal), fetchBalance(client, signal)]);
  if (!account.ok) return account;
  return { ok: true, value: { account: account.value, balance: balance.ok ? balance.value : undefined } };
}

async function info(parts: TwilioToolParts, context: ToolContext, signal: AbortSignal): Promise<ToolResult> {
  const found = await looked(parts, { tool: name, action: 'account_info' }, context, client =>
    overview(client, signal),
  );
  if (!found.ok) return found.failure['error_code'] === 20003 ? needsMainKey : found.failure;
  const { account, balance } = found.value;
  return {
    status: 'found',
    message: 'This is the account.',
    account_status: account.status,
    ...(account.type === undefined ? {} : { type: account.type }),
    ...(account.name === undefined ? {} : { name: quoted(account.name) }),
    ...(account.createdAt === undefined ? {} : { created_at: account.createdAt }),
    ...(balance === undefined
      ? {}
      : {
          balance: balance.balance,
          ...(balance.currency === undefined ? {} : { currency: balance.currency }),
        }),
  };
}

/** A Standard API key may do everything here but this. */
const needsMainKey: ToolResult = {
  status: 'not_configured',
  message: `The state of the account needs a Main key or the auth token: Twilio does not show it to a Standard API key (TWILIO_API_KEY_SID). Everything else can be asked for. ${person}`,
  error_code: 20003,
};

async function numbers(
  parts: TwilioToolParts,
  context: ToolContext,
  signal: AbortSignal,
): Promise<ToolResult> {
  const found = await looked(parts, { tool: name, action: 'list_phone_numbers' }, context, client =>
    listNumbers(client, accountLimits.numbers, signal),
  );
  if (!found.ok) return found.failure;
  if (found.value.length === 0) return { status: 'none', message: 'The account has no telephone numbers.' };
  const rows = found.value.map(({ number, name: label, capabilities: { voice, sms, mms } }) => ({
    number,
    name: label === undefined || label.replace(/\D/g, '') === number.slice(1) ? undefined : quoted(label),
    voice,
    sms,
    mms,
  }));
  return withRows({ status: 'found', message: 'These are the numbers of the account.' }, 'numbers', rows);
}

async function usage(
  parts: TwilioToolParts,
  input: AccountInput,
  context: ToolContext,
  signal: AbortSignal,
): Promise<ToolResult> {
  const filter = { category: input.category, from: input.start_date, to: input.end_date };
  const found = await looked(parts, { tool: name, action: 'usage_summary' }, context, client =>
    listUsage(client, filter, input.category === undefined ? accountLimits.categories : 1, signal),
  );
  if (!found.ok) return found.failure;
  const rows = found.value
    .filter(each => input.category !== undefined || (each.usage ?? 0) !== 0 || (each.price ?? 0) !== 0)
    .sort((a, b) => Math.abs(b.price ?? 0) - Math.abs(a.price ?? 0))
    .map(each => ({
      category: each.category,
      count: each.count,
      usage: each.usage,
      unit: each.usageUnit,
      price: each.price,
      currency: each.priceUnit?.toUpperCase(),
    }));
  if (rows.length === 0) return { status: 'none', message: 'Nothing was used in that time.' };
  return withRows(
    { status: 'found', message: 'This is what was used, the dearest first. totalprice is the sum of all.' },
    'usage',
    rows,
  );
}
