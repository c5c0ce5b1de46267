import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { deferred } from '../../core/deferred.ts';
import { toE164 } from '../../core/e164.ts';
import { type Ending, sentence } from '../../core/ending.ts';
import type { Result } from '../../core/errors.ts';
import type { Tool, ToolContext, ToolResult } from '../tool.ts';
import { type TransferDestination, targetOf, wayOf } from './destination.ts';

export const transferToolLimits = {
  /** How long the agent waits for the outcome, ms; what takes longer it is told afterwards. Below the time a tool has. */
  answerMs: 12_000,
} as const;

export interface TransferToolOptions {
  /** Asked for each transfer: a reload may have changed them. */
  readonly destinations: () => readonly TransferDestination[];
  /** Country of numbers without a country code: ISO 3166, two letters. */
  readonly defaultCountry?: string | undefined;
}

interface TransferInput {
  readonly transfer_number?: string | undefined;
  readonly destination?: string | undefined;
}

const field = (most: number) =>
  z
    .string()
    .trim()
    .max(most)
    .transform(text => (text === '' ? undefined : text))
    .optional();

/** `transfer_to_number`, by the name and parameters of ElevenLabs' own tool, which works on their telephony alone. */
export function createTransferTool(options: TransferToolOptions): Tool {
  const tool: Tool<TransferInput> = {
    name: 'transfer_to_number',
    description:
      'Connects the caller with one of the destinations that the operator allows. Say what is to be said before.',
    input: z
      .object({
        transfer_number: field(128),
        destination: field(128),
        // What is said to whom is for the agent to say; both are taken so that its setup need not change.
        client_message: field(4_096),
        agent_message: field(4_096),
        reason: field(4_096),
      })
      .refine(({ transfer_number, destination }) => (transfer_number ?? destination) !== undefined, {
        path: ['transfer_number'],
        message: 'or destination must name whom to transfer to',
      }),
    run: (input, context) => transfer(input, context, options),
  };
  return tool as Tool;
}

async function transfer(
  input: TransferInput,
  context: ToolContext,
  options: TransferToolOptions,
): Promise<ToolResult> {
  const known = options.destinations();
  const found = find(known, input, options.defaultCountry);
  if (found === undefined) return notAllowed(known);
  const { control, facts, clock } = context;
  const outcome = control.transfer(targetOf(found, facts), wayOf(found.transferType));
  const first = await within(outcome, transferToolLimits.answerMs, clock);
  if (first !== undefined) return told(first, found);
  void outcome.then(late => {
    // A caller who was handed over needs no word of the agent any more.
    if (!late.ok) control.tell(told(late, found).message, 'turn');
  });
  return {
    status: 'transferring',
    message: `${found.name} is being called and has not answered yet. Ask the caller to hold the line; you are told if it fails.`,
  };
}

/** By name, number or SIP URI: nothing of what the agent wrote is ever dialled, only what is configured. */
function find(
  known: readonly TransferDestination[],
  { destination, transfer_number }: TransferInput,
  country: string | undefined,
): TransferDestination | undefined {
  const wanted = [destination, transfer_number].filter(text => text !== undefined);
  const matches = wanted.map(text => known.find(each => means(each, text, country)));
  // Two words for two destinations are no word.
  return matches.every(match => match !== undefined && match === matches[0]) ? matches[0] : undefined;
}

function means(
  { name, destination }: TransferDestination,
  text: string,
  country: string | undefined,
): boolean {
  if (name.toLowerCase() === text.toLowerCase()) return true;
  if (destination.kind === 'sip') return destination.uri.toLowerCase() === text.toLowerCase();
  const number = toE164(text, country);
  return number.ok && number.value === destination.number;
}

function notAllowed(known: readonly TransferDestination[]): ToolResult {
  const names = known.map(({ name }) => name).join(', ');
  const message =
    known.length === 0
      ? 'No transfers are set up: the operator has to configure transfers. Go on with the call.'
      : `Nobody of that name or number may be transferred to. There are: ${names}.`;
  return { status: 'not_allowed', message };
}

function told(outcome: Result<void, Ending>, { name }: TransferDestination): ToolResult {
  if (outcome.ok) return { status: 'transferred', message: `The caller is connected with ${name}.` };
  const { reason } = outcome.failure;
  return {
    status: reason.replaceAll('-', '_'),
    message: `The transfer to ${name} did not work, and the caller is with you again. ${sentence(outcome.failure)}`,
  };
}

/** What the promise came to, or undefined when it took longer. */
async function within<T>(work: Promise<T>, ms: number, clock: Clock): Promise<T | undefined> {
  const { promise: late, resolve } = deferred<undefined>();
  const timer = clock.timer(ms, () => resolve(undefined));
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.cancel();
  }
}
