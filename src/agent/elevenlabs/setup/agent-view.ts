import { z } from 'zod';

/** A tool as ElevenLabs describes it; what is not named here is kept as it is. */
export const agentTool = z.looseObject({
  type: z.string(),
  name: z.string(),
  description: z.string().optional(),
  expects_response: z.boolean().optional(),
  response_timeout_secs: z.number().optional(),
  parameters: z.unknown().optional(),
  api_schema: z.unknown().optional(),
});
export type AgentTool = Partial<z.infer<typeof agentTool>> & { readonly type: string; readonly name: string };

/** A tool of the workspace. */
export const storedTool = z.looseObject({ id: z.string(), tool_config: agentTool });
export type StoredTool = z.infer<typeof storedTool>;

const overrideFlags = z.looseObject({
  agent: z.looseObject({ first_message: z.boolean().optional() }).optional(),
});

/**
 * An agent as far as a bridge cares, by `GET /v1/convai/agents/{agent_id}`. Every field may be missing: what a workspace
 * does not use is often left out.
 */
export const agentView = z.looseObject({
  agent_id: z.string(),
  name: z.string().optional(),
  conversation_config: z.looseObject({
    asr: z.looseObject({ user_input_audio_format: z.string().optional() }).optional(),
    tts: z.looseObject({ agent_output_audio_format: z.string().optional() }).optional(),
    turn: z.looseObject({ silence_end_call_timeout: z.number().optional() }).optional(),
    conversation: z
      .looseObject({
        text_only: z.boolean().optional(),
        client_events: z.array(z.string()).optional(),
        max_duration_seconds: z.number().optional(),
      })
      .optional(),
    agent: z
      .looseObject({
        first_message: z.string().optional(),
        dynamic_variables: z
          .looseObject({ dynamic_variable_placeholders: z.record(z.string(), z.unknown()).optional() })
          .optional(),
        prompt: z
          .looseObject({
            prompt: z.string().optional(),
            tool_ids: z.array(z.string()).nullish(),
            built_in_tools: z.record(z.string(), z.unknown()).nullish(),
          })
          .optional(),
      })
      .optional(),
  }),
  platform_settings: z
    .looseObject({
      auth: z
        .looseObject({
          enable_auth: z.boolean().optional(),
          require_origin_header: z.boolean().optional(),
          allowlist: z.array(z.unknown()).nullish(),
        })
        .nullish(),
      overrides: z
        .looseObject({
          enable_conversation_initiation_client_data_from_webhook: z.boolean().optional(),
          conversation_config_override: overrideFlags.nullish(),
        })
        .nullish(),
    })
    .nullish(),
});
export type AgentView = z.infer<typeof agentView>;
