import type { ToolResult } from '../tool.ts';

const person = 'Offer to hand over to a person.';

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
} as const satisfies Record<string, ToolResult>;
