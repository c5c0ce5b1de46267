import { isShallow } from '../../../core/shallow.ts';
import type { QueueStatus, TurnNews } from '../../agent.ts';
import { quickAudio, strictBase64 } from './audio-message.ts';
import { scanAudio } from './audio-scan.ts';

/** What a server message means here. Message types without a meaning for a call, known or new ones, are `other`. */
export type Reading =
  | { readonly kind: 'audio'; readonly eventId: number; readonly audio: Buffer }
  | {
      readonly kind: 'metadata';
      readonly conversationId: string;
      readonly outputFormat: string;
      readonly inputFormat: string;
    }
  | { readonly kind: 'ping'; readonly eventId: number }
  /** Without an id everything that was said so far is meant. */
  | { readonly kind: 'interruption'; readonly eventId: number | undefined }
  | {
      readonly kind: 'tool-call';
      readonly id: string;
      readonly name: string;
      readonly parameters: Readonly<Record<string, unknown>>;
      readonly expectsResponse: boolean;
    }
  | { readonly kind: 'tool-response'; readonly name: string; readonly isError: boolean }
  | { readonly kind: 'turn'; readonly news: Extract<TurnNews, { kind: 'said' | 'corrected' }> }
  | { readonly kind: 'queue'; readonly status: QueueStatus }
  | { readonly kind: 'error'; readonly error: ReportedError }
  | { readonly kind: 'other' }
  | { readonly kind: 'bad'; readonly cause: 'json' | 'shape' | 'base64' };

/** An error event. `text` is the agent's own and never shown as it is. */
export interface ReportedError {
  readonly code: number | undefined;
  readonly type: string | undefined;
  readonly text: string;
  /** True when the connection is about to be closed because of it. */
  readonly final: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

const other: Reading = { kind: 'other' };
const badShape: Reading = { kind: 'bad', cause: 'shape' };

/** What the JavaScript client of ElevenLabs assumes when the metadata does not name the input format. */
const assumedInputFormat = 'pcm_16000';

/** Levels that parameters of a tool may have: some thousands can be parsed, and not be handed to another thread. */
const parameterLevels = 32;

/** Below this length JSON.parse of the whole is the faster way, bytes. */
const quickFrom = 4096;

/** Reads one text message. Never throws; unknown fields and types are let pass. */
export function readMessage(data: Buffer): Reading {
  const audio = scanAudio(data) ?? (data.length < quickFrom ? undefined : quickAudio(data));
  if (audio !== undefined) return { kind: 'audio', eventId: audio.eventId, audio: audio.audio };
  return readSlowly(data);
}

/** The same without the fast way for audio. */
export function readSlowly(data: Buffer): Reading {
  let message: unknown;
  try {
    message = JSON.parse(data.toString('utf8'));
  } catch {
    return { kind: 'bad', cause: 'json' };
  }
  if (!isFields(message) || typeof message['type'] !== 'string') return badShape;
  const read = Object.hasOwn(readers, message['type']) ? readers[message['type']] : undefined;
  return read === undefined ? other : read(message);
}

/** One reader a type: the key that the payload sits under cannot be derived from the type. */
const readers: Readonly<Record<string, (message: Fields) => Reading>> = {
  audio: message => readAudio(payload(message, 'audio_event')),
  conversation_initiation_metadata: message =>
    readMetadata(payload(message, 'conversation_initiation_metadata_event')),
  ping: message => {
    const eventId = integer(payload(message, 'ping_event')['event_id']);
    return eventId === undefined ? badShape : { kind: 'ping', eventId };
  },
  interruption: message => ({
    kind: 'interruption',
    eventId: integer(payload(message, 'interruption_event')['event_id']),
  }),
  client_tool_call: message => readToolCall(payload(message, 'client_tool_call')),
  agent_tool_response: message => readToolResponse(payload(message, 'agent_tool_response')),
  agent_tool_response_full_payload: message =>
    readToolResponse(payload(message, 'agent_tool_response_full_payload')),
  user_transcript: message => {
    const event = payload(message, 'user_transcription_event');
    return readSaid('user', event['user_transcript'], event['event_id']);
  },
  agent_response: message => {
    const event = payload(message, 'agent_response_event');
    return readSaid('agent', event['agent_response'], event['event_id']);
  },
  agent_response_correction: message => {
    const event = payload(message, 'agent_response_correction_event');
    const text = string(event['corrected_agent_response']);
    if (text === undefined) return other;
    return { kind: 'turn', news: { kind: 'corrected', text, eventId: integer(event['event_id']) ?? -1 } };
  },
  queue_status: message => readQueue(payload(message, 'queue_status_event')),
  error: message => readError(message, true),
  client_error: message => readError(message, false),
};

function readAudio(event: Fields): Reading {
  const text = event['audio_base_64'];
  const eventId = integer(event['event_id']);
  if (eventId === undefined) return badShape;
  // The last piece of an event may be `is_final` with no sound in it.
  if (text === undefined || text === null) return { kind: 'audio', eventId, audio: Buffer.alloc(0) };
  if (typeof text !== 'string') return badShape;
  const audio = strictBase64(text);
  return audio === undefined ? { kind: 'bad', cause: 'base64' } : { kind: 'audio', eventId, audio };
}

function readMetadata(event: Fields): Reading {
  const conversationId = string(event['conversation_id']);
  const outputFormat = string(event['agent_output_audio_format']);
  if (conversationId === undefined || outputFormat === undefined) return badShape;
  const inputFormat = string(event['user_input_audio_format']) ?? assumedInputFormat;
  return { kind: 'metadata', conversationId, outputFormat, inputFormat };
}

function readToolCall(call: Fields): Reading {
  const id = string(call['tool_call_id']);
  const name = string(call['tool_name']);
  if (id === undefined || name === undefined) return badShape;
  // What is no object has no parameters: the tool then answers what it misses, and the agent is not left waiting.
  const given = call['parameters'];
  const parameters = isFields(given) && isShallow(given, parameterLevels) ? given : {};
  return { kind: 'tool-call', id, name, parameters, expectsResponse: call['expects_response'] !== false };
}

function readToolResponse(response: Fields): Reading {
  const name = string(response['tool_name']);
  if (name === undefined) return badShape;
  return { kind: 'tool-response', name, isError: response['is_error'] === true };
}

/** A turn without its id is worth having; one without its text is no reason to doubt the rest of the protocol. */
function readSaid(role: 'user' | 'agent', text: unknown, eventId: unknown): Reading {
  if (typeof text !== 'string') return other;
  return { kind: 'turn', news: { kind: 'said', role, text, eventId: integer(eventId) ?? -1 } };
}

function readQueue(event: Fields): Reading {
  const status = event['status'];
  if (status === 'waiting' || status === 'admitted' || status === 'timed_out')
    return { kind: 'queue', status };
  return other;
}

/** An error comes with `error_event`, in an older form of it, or flat. */
function readError(message: Fields, final: boolean): Reading {
  const event = isFields(message['error_event']) ? message['error_event'] : message;
  const texts = [event['message'], event['reason'], event['error_name'], event['debug_message']];
  return {
    kind: 'error',
    error: {
      code: integer(event['code']),
      type: string(event['error_type']),
      text: texts.filter(text => typeof text === 'string').join(' '),
      final,
    },
  };
}

function payload(message: Fields, key: string): Fields {
  const value = message[key];
  return isFields(value) ? value : {};
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function string(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function integer(value: unknown): number | undefined {
  return Number.isSafeInteger(value) ? (value as number) : undefined;
}
