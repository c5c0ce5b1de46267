/** The conversation protocol as it is on the wire: types alone. Field names are ElevenLabs'. */

/** First message of the client. Fields that are not set are left out: one forbidden override ends the call. */
export interface InitiationData {
  readonly type: 'conversation_initiation_client_data';
  readonly dynamic_variables?: Readonly<Record<string, string | number | boolean>>;
  readonly user_id?: string;
  readonly conversation_config_override?: Readonly<Record<string, unknown>>;
  readonly custom_llm_extra_body?: Readonly<Record<string, unknown>>;
  /** Who starts the conversation, as its record names it. */
  readonly source_info: { readonly source: string };
}

export interface Pong {
  readonly type: 'pong';
  readonly event_id: number;
}

export interface ClientToolResult {
  readonly type: 'client_tool_result';
  readonly tool_call_id: string;
  readonly result: string;
  readonly is_error: boolean;
}

export interface ContextualUpdate {
  readonly type: 'contextual_update';
  readonly text: string;
}

export interface UserMessage {
  readonly type: 'user_message';
  readonly text: string;
}

export interface InitiationMetadata {
  readonly type: 'conversation_initiation_metadata';
  readonly conversation_initiation_metadata_event: {
    readonly conversation_id: string;
    readonly agent_output_audio_format: string;
    readonly user_input_audio_format?: string;
  };
}

export interface Ping {
  readonly type: 'ping';
  readonly ping_event: { readonly event_id: number; readonly ping_ms: number | null };
}

export interface Audio {
  readonly type: 'audio';
  readonly audio_event: { readonly audio_base_64: string; readonly event_id: number };
}

export interface UserTranscript {
  readonly type: 'user_transcript';
  readonly user_transcription_event: { readonly user_transcript: string; readonly event_id: number };
}

export interface AgentResponse {
  readonly type: 'agent_response';
  readonly agent_response_event: { readonly agent_response: string; readonly event_id: number };
}

export interface AgentResponseCorrection {
  readonly type: 'agent_response_correction';
  readonly agent_response_correction_event: {
    readonly original_agent_response: string;
    readonly corrected_agent_response: string;
    readonly event_id: number;
  };
}

export interface Interruption {
  readonly type: 'interruption';
  readonly interruption_event: { readonly event_id: number };
}

export interface ClientToolCall {
  readonly type: 'client_tool_call';
  readonly client_tool_call: {
    readonly tool_name: string;
    readonly tool_call_id: string;
    readonly parameters: Readonly<Record<string, unknown>>;
    readonly event_id: number;
    readonly expects_response?: boolean;
  };
}

export interface AgentToolResponse {
  readonly type: 'agent_tool_response';
  readonly agent_tool_response: {
    readonly tool_name: string;
    readonly tool_call_id: string;
    readonly tool_type: string;
    readonly is_error: boolean;
    readonly is_called: boolean;
    readonly event_id: number;
  };
}

/** In no schema, but in the documentation of call queueing. */
export interface QueueStatusEvent {
  readonly type: 'queue_status';
  readonly queue_status_event: { readonly status: 'waiting' | 'admitted' | 'timed_out' };
}

export interface ErrorEvent {
  readonly type: 'error';
  readonly error_event: {
    readonly code: number;
    readonly message?: string;
    readonly error_type?: string;
    readonly reason?: string;
  };
}

export type ServerMessage =
  | InitiationMetadata
  | Ping
  | Audio
  | UserTranscript
  | AgentResponse
  | AgentResponseCorrection
  | Interruption
  | ClientToolCall
  | AgentToolResponse
  | QueueStatusEvent
  | ErrorEvent;
