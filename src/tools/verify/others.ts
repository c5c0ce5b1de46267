import type { VerifyChannel } from '../../twilio/verify.ts';
import type { Send, SendOutcome } from '../sending/gate.ts';
import type { ToolContext, ToolResult } from '../tool.ts';
import type { VerifyParts } from './parts.ts';

/** What a tool answers of a code: the words of the rules of codes, or those of the gate of sends. */
export interface CodeResult extends ToolResult {
  /** True once the number is verified, by this code or an earlier one of the call. */
  readonly valid: boolean;
}

/** What came of a code, and whether one is out. The limits of codes and the budgets of sends count by the same word. */
export interface CodeOutcome {
  readonly result: CodeResult;
  readonly done: SendOutcome['done'];
}

/** A code that somebody approves later would come to a call that is over. */
export const onlyInTheCall: CodeResult = {
  status: 'failed',
  valid: false,
  message: 'A code can be sent only while the call waits for it: nothing was sent.',
};

/**
 * A code to somebody else than the caller is a send like any other: it passes the gate of sends, opt-outs, quiet hours,
 * recipients and budgets, once the rules of codes have nothing against it.
 */
export async function throughGate(
  { gate, senders }: Pick<VerifyParts, 'gate' | 'senders'>,
  { tool, to, channel }: { readonly tool: string; readonly to: string; readonly channel: VerifyChannel },
  context: ToolContext,
  signal: AbortSignal,
  send: () => Promise<CodeOutcome>,
): Promise<CodeResult> {
  const asked = await gate.ask(codeSend(tool, to, channel, senders(), context), context, signal);
  if (!asked.go) return { ...asked.result, valid: false };
  // What throws has perhaps sent one.
  let outcome: CodeOutcome = { done: 'unknown', result: onlyInTheCall };
  try {
    outcome = await send();
    return outcome.result;
  } finally {
    await gate.settle(asked.ticket, outcome);
  }
}

function codeSend(
  tool: string,
  to: string,
  channel: VerifyChannel,
  senders: readonly string[],
  context: ToolContext,
): Send {
  return {
    ...{ tool, kind: 'verify', to, sender: 'verify', text: '' },
    // Verify takes a number of its own: who wants nothing of ours wants no code either.
    alsoFrom: senders,
    // A code that is asked for once more is another one: that too is for the rules of codes.
    request: { channel, at: context.clock.wall() },
  };
}
