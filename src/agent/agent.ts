import type { AudioFormat, AudioSink } from '../core/audio.ts';
import type { Ending } from '../core/ending.ts';
import type { Result } from '../core/errors.ts';
import type { ConversationId, ToolCallId } from '../core/ids.ts';

/**
 * Fields of an agent that one conversation has otherwise, under ElevenLabs' own names. Only those that are set are sent: one
 * that the agent does not allow ends the conversation.
 */
export interface ConversationOverrides {
  readonly agent?: Readonly<Record<string, unknown>>;
  readonly asr?: Readonly<Record<string, unknown>>;
  readonly tts?: Readonly<Record<string, unknown>>;
  readonly turn?: Readonly<Record<string, unknown>>;
  readonly conversation?: Readonly<Record<string, unknown>>;
}

/** What a conversation begins with: made on the main thread, used in the worker. */
export interface AgentStart {
  /** Signed WebSocket URL (secret until it is used, 15 minutes at most). */
  readonly url: string;
  readonly dynamicVariables: Readonly<Record<string, string | number | boolean>>;
  readonly userId?: string;
  /** `conversation_config_override` in ElevenLabs' words. Each field has to be allowed by the agent, else it closes with 1008. */
  readonly overrides?: ConversationOverrides;
  /** `custom_llm_extra_body`: passed on to a custom language model as it is. */
  readonly extraBody?: Readonly<Record<string, unknown>>;
  /** How long the agent may take from connecting to its metadata, ms. */
  readonly startTimeoutMs: number;
  /** Length of the caller's sound in one message to the agent, ms: 20..100. */
  readonly inputChunkMs: number;
}

/** What the operator says of a call before its conversation begins: in the configuration, and by the initiation webhook. */
export interface Briefing {
  /** All that the conversation gets, who calls included. */
  readonly variables: Readonly<Record<string, string | number | boolean>>;
  readonly overrides?: ConversationOverrides;
  readonly extraBody?: Readonly<Record<string, unknown>>;
  /** Default: the number of the caller. */
  readonly userId?: string;
  /** E.164 number that must be verified before anything sensitive is done. */
  readonly verifyNumber?: string;
}

/** Hands out the URL a conversation begins with. Fails with a code that is an `EndingReason`. */
export interface AgentTickets {
  signedUrl(agentId: string): Promise<Result<string>>;
  /** One that was fetched ahead, for a conversation that must begin at once; undefined when there is none. */
  spare?(agentId: string): string | undefined;
  /** One should be there ahead from now on; asked again every few minutes while that holds. */
  keepSpare?(agentId: string): void;
}

/** What the agent said when it was ready. */
export interface AgentMetadata {
  readonly conversationId: ConversationId;
  /** Format of the sound that we get. */
  readonly outputFormat: AudioFormat;
  /** Format of the sound that it wants. */
  readonly inputFormat: AudioFormat;
}

/** A client tool that the agent wants run. `parameters` may hold a one-time code: it is never logged. */
export interface AgentToolCall {
  readonly id: ToolCallId;
  readonly name: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** False when the agent does not wait for a result. */
  readonly expectsResponse: boolean;
}

/** The answer to a client tool: `result` is text, JSON as a rule. */
export interface AgentToolAnswer {
  readonly id: ToolCallId;
  readonly result: string;
  readonly isError: boolean;
}

/**
 * What was said, or has become known of it. Event ids belong to one conversation. `said` by the agent comes with its first
 * sound, before it has been spoken; `corrected` is what the agent believes was heard of it before it was interrupted;
 * `keyed` are digits that went to the agent as the caller's turn; `heard` is how much of the sound of an event the caller
 * got, told when nothing of it waits any more.
 */
export type TurnNews =
  | {
      readonly kind: 'said';
      readonly role: 'user' | 'agent';
      readonly text: string;
      readonly eventId: number;
    }
  | { readonly kind: 'corrected'; readonly text: string; readonly eventId: number }
  | { readonly kind: 'keyed'; readonly text: string }
  | {
      readonly kind: 'heard';
      readonly eventId: number;
      readonly heardMs: number;
      readonly unheardMs: number;
    };

export type QueueStatus = 'waiting' | 'admitted' | 'timed_out';

/** What a conversation tells the leg it is part of. */
export interface AgentListener {
  ready(metadata: AgentMetadata): void;
  queue(status: QueueStatus): void;
  /** `bytes` is sound in the output format, any length, odd ones too; the listener may keep it. */
  audio(eventId: number, bytes: Buffer): void;
  /** Sound of an event that was interrupted came late; it is not to be heard. */
  late?(eventId: number, bytes: number): void;
  /** The caller spoke over `eventId`: everything of it and before it that was not heard must not be. */
  interrupted(eventId: number): void;
  toolCall(call: AgentToolCall): void;
  /** Something was said. It may hold a one-time code: it is never logged. */
  turn(news: TurnNews): void;
  /** The conversation is over on the agent's side, or was never begun; what is queued may still be played. */
  ended(end: Ending): void;
}

/** One conversation with an agent. It hears caller sound through `input` once it is ready. */
export interface AgentSession {
  /** Where caller sound goes; its format is known from `ready` on, undefined before. */
  readonly input: AudioSink | undefined;
  /** Of a session that was opened ahead of its conversation: the conversation begins now. */
  begin(): void;
  answerTool(answer: AgentToolAnswer): void;
  /** `turn` makes the agent reply, `context` only lets it know. */
  tell(text: string, how: 'turn' | 'context'): void;
  /** Closes with 1000. No listener is called afterwards. */
  close(): void;
}
