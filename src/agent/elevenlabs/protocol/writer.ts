import type { AgentStart, AgentToolAnswer } from '../../agent.ts';
import type { ClientToolResult, ContextualUpdate, InitiationData, Pong, UserMessage } from './messages.ts';

/** Variables that begin so belong to ElevenLabs; sending one is refused. */
const reservedPrefix = 'system__';

/** The first message of a conversation. Reserved variables are left out. */
export function initiation(start: AgentStart): string {
  const own = Object.entries(start.dynamicVariables).filter(([name]) => !name.startsWith(reservedPrefix));
  const message: InitiationData = {
    type: 'conversation_initiation_client_data',
    dynamic_variables: Object.fromEntries(own),
    ...(start.overrides === undefined ? {} : { conversation_config_override: { ...start.overrides } }),
    ...(start.extraBody === undefined ? {} : { custom_llm_extra_body: start.extraBody }),
    ...(start.userId === undefined ? {} : { user_id: start.userId }),
    source_info: { source: 'trunkbridge' },
  };
  return JSON.stringify(message);
}

export function pong(eventId: number): string {
  return JSON.stringify({ type: 'pong', event_id: eventId } satisfies Pong);
}

export function toolResult(answer: AgentToolAnswer): string {
  const message: ClientToolResult = {
    type: 'client_tool_result',
    tool_call_id: answer.id,
    result: answer.result,
    is_error: answer.isError,
  };
  return JSON.stringify(message);
}

/** Text that counts as the caller's turn: the agent replies. */
export function userMessage(text: string): string {
  return JSON.stringify({ type: 'user_message', text } satisfies UserMessage);
}

/** Text that the agent only knows from then on. */
export function contextualUpdate(text: string): string {
  return JSON.stringify({ type: 'contextual_update', text } satisfies ContextualUpdate);
}
