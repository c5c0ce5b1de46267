import type { AgentStart, Briefing } from '../agent/agent.ts';
import type { PartyFacts } from './party.ts';

/** What a conversation begins with: the briefing, and who calls where that names nobody. */
export function agentStart(
  url: string,
  briefing: Briefing,
  { callerId }: Pick<PartyFacts, 'callerId'>,
  { startTimeoutMs, inputChunkMs }: Pick<AgentStart, 'startTimeoutMs' | 'inputChunkMs'>,
): AgentStart {
  const { variables, overrides, extraBody } = briefing;
  const userId = briefing.userId ?? callerId;
  return {
    url,
    dynamicVariables: variables,
    ...(userId === '' ? {} : { userId }),
    ...(overrides === undefined ? {} : { overrides }),
    ...(extraBody === undefined ? {} : { extraBody }),
    startTimeoutMs,
    inputChunkMs,
  };
}

/** What becomes of the briefing's variables in headers of a BYE: text, and nothing that is secret. */
export function tellable({ variables }: Briefing): [name: string, value: string][] {
  return Object.entries(variables)
    .filter(([name]) => !name.startsWith('secret__'))
    .map(([name, value]) => [name, String(value)]);
}
