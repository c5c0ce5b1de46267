import type { ClientToolResult, InitiationData } from '../../agent/elevenlabs/protocol/messages.ts';

/** What a client message is. Unlike the bridge's reader this one is strict: what the real service would refuse is a violation. */
export type ClientInput =
  | { readonly kind: 'audio'; readonly base64: string }
  | { readonly kind: 'initiation'; readonly data: InitiationData }
  | { readonly kind: 'pong'; readonly eventId: number }
  | { readonly kind: 'tool-result'; readonly result: ClientToolResult }
  | { readonly kind: 'user-message'; readonly text: string }
  | { readonly kind: 'context'; readonly text: string }
  | { readonly kind: 'activity' }
  | { readonly kind: 'violation'; readonly what: string };

const audioHead = '{"user_audio_chunk":"';
const audioTail = '"}';

export function readClient(text: string): ClientInput {
  // Nearly every message is sound: its text is taken as it lies.
  if (text.startsWith(audioHead) && text.endsWith(audioTail)) {
    return { kind: 'audio', base64: text.slice(audioHead.length, -audioTail.length) };
  }
  let message: Record<string, unknown>;
  try {
    message = JSON.parse(text);
  } catch {
    return violation('it is not JSON');
  }
  if (typeof message !== 'object' || message === null) return violation('it is no object');
  return readTyped(message);
}

function readTyped(message: Record<string, unknown>): ClientInput {
  const { type, text, event_id: eventId } = message;
  if (typeof message['user_audio_chunk'] === 'string') {
    return { kind: 'audio', base64: message['user_audio_chunk'] };
  }
  if (type === 'conversation_initiation_client_data') return readInitiation(message);
  if (type === 'client_tool_result') return readToolResult(message);
  if (type === 'pong' && Number.isInteger(eventId)) return { kind: 'pong', eventId: eventId as number };
  if (type === 'user_message' && typeof text === 'string') return { kind: 'user-message', text };
  if (type === 'contextual_update' && typeof text === 'string') return { kind: 'context', text };
  if (type === 'user_activity') return { kind: 'activity' };
  return violation(`type ${String(type)} has no such shape`);
}

function readInitiation(message: Record<string, unknown>): ClientInput {
  const variables = message['dynamic_variables'] ?? {};
  if (typeof variables !== 'object') return violation('dynamic_variables is no object');
  for (const [name, value] of Object.entries(variables as object)) {
    if (name.startsWith('system__')) return violation(`dynamic variable ${name} is reserved`);
    if (!['string', 'number', 'boolean'].includes(typeof value)) return violation(`dynamic variable ${name}`);
  }
  return { kind: 'initiation', data: message as unknown as InitiationData };
}

function readToolResult(message: Record<string, unknown>): ClientInput {
  const { tool_call_id: id, result, is_error: isError } = message;
  if (typeof id !== 'string' || typeof result !== 'string' || typeof isError !== 'boolean') {
    return violation('client_tool_result misses a field');
  }
  return { kind: 'tool-result', result: message as unknown as ClientToolResult };
}

function violation(what: string): ClientInput {
  return { kind: 'violation', what };
}
