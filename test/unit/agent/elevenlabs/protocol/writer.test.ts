import { describe, expect, it } from 'vitest';
import {
  contextualUpdate,
  initiation,
  pong,
  toolResult,
  userMessage,
} from '../../../../../src/agent/elevenlabs/protocol/writer.ts';
import type { ToolCallId } from '../../../../../src/core/ids.ts';

const start = { url: 'wss://x', startTimeoutMs: 1, inputChunkMs: 20 };

describe('client messages', () => {
  it('initiate with no field that was not given', () => {
    expect(
      JSON.parse(initiation({ ...start, dynamicVariables: { caller_id: '+1', vip: true, age: 3 } })),
    ).toEqual({
      type: 'conversation_initiation_client_data',
      dynamic_variables: { caller_id: '+1', vip: true, age: 3 },
      source_info: { source: 'trunkbridge' },
    });
  });

  it('initiate with what the conversation shall have otherwise than its agent', () => {
    const overrides = { agent: { first_message: '', language: 'de' }, tts: { voice_id: 'v1' } };
    const more = { userId: '+1', overrides, extraBody: { tenant: 7 } };
    expect(JSON.parse(initiation({ ...start, dynamicVariables: {}, ...more }))).toEqual({
      type: 'conversation_initiation_client_data',
      dynamic_variables: {},
      conversation_config_override: overrides,
      custom_llm_extra_body: { tenant: 7 },
      user_id: '+1',
      source_info: { source: 'trunkbridge' },
    });
  });

  it('never hold a variable whose name begins with system__', () => {
    const variables = { system__caller_id: '+1', system__: 'x', my_system__x: 'kept' };
    const message = JSON.parse(initiation({ ...start, dynamicVariables: variables }));
    expect(message.dynamic_variables).toEqual({ my_system__x: 'kept' });
  });

  it('escape whatever text they carry', () => {
    const text = 'quote " backslash \\ newline \n and \u2028';
    expect(JSON.parse(userMessage(text))).toEqual({ type: 'user_message', text });
    expect(JSON.parse(contextualUpdate(text))).toEqual({ type: 'contextual_update', text });
    expect(JSON.parse(toolResult({ id: 't' as ToolCallId, result: text, isError: true }))).toEqual({
      type: 'client_tool_result',
      tool_call_id: 't',
      result: text,
      is_error: true,
    });
  });

  it('echo the id of a ping', () => {
    expect(pong(12)).toBe('{"type":"pong","event_id":12}');
  });
});
