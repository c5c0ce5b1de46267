import { callerNumber } from './caller-number.ts';
import type { Tool, ToolContext, ToolResult } from './tool.ts';

/**
 * The number that must be verified before anything sensitive is done: the one that the operator's own system names for this
 * caller, else the one that the network vouches for. Undefined where there is neither. Never one that was said in the call:
 * whoever verifies his own telephone must not open somebody else's account with it.
 */
export function numberToVerify(
  context: Pick<ToolContext, 'facts' | 'verifyNumber'>,
  country: string | undefined,
): string | undefined {
  return context.verifyNumber ?? callerNumber(context.facts, country);
}

/** The tool, while `required` says so for callers alone who have proved to be who they should. */
export function verifiedOnly(tool: Tool, country: string | undefined, required: () => boolean): Tool {
  return {
    ...tool,
    async run(input, context, signal): Promise<ToolResult> {
      if (!required()) return tool.run(input, context, signal);
      const number = numberToVerify(context, country);
      if (number === undefined) return unknown;
      if (context.verified.of(number) === undefined) return unverified(number);
      return tool.run(input, context, signal);
    },
  };
}

const unknown: ToolResult = {
  status: 'not_verified',
  message:
    'This needs a verified caller, and there is no number to verify in this call. Offer to hand over to a person.',
};

const unverified = (number: string): ToolResult => ({
  status: 'not_verified',
  message: `This needs a verified caller: first send a code to the number ending in ${number.slice(-2)}, and have it checked.`,
});
