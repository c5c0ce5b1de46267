/**
 * Messages of all conversations of a worker since it started, by kind. The kinds are a closed list, so that a peer
 * cannot invent label values.
 */
export type MessageCounts = Record<MessageKind, number>;

export const messageKinds = [
  'audio',
  'late_audio',
  'early_audio',
  'metadata',
  'ping',
  'interruption',
  'tool_call',
  'tool_response',
  'turn',
  'queue_status',
  'error',
  'other',
  'bad',
  'binary',
  'caller_audio',
  'caller_audio_dropped',
] as const;
export type MessageKind = (typeof messageKinds)[number];

export function newMessageCounts(): MessageCounts {
  return Object.fromEntries(messageKinds.map(kind => [kind, 0])) as MessageCounts;
}
