import { describe, expect, it } from 'vitest';
import { readClient } from '../../../../src/sim/agent/client-input.ts';

const read = (message: unknown) => readClient(JSON.stringify(message));

describe('what the stand-in takes from a client', () => {
  it('is sound, in the usual shape and in any other', () => {
    expect(readClient('{"user_audio_chunk":"AAAA"}')).toEqual({ kind: 'audio', base64: 'AAAA' });
    expect(readClient('{ "user_audio_chunk" : "AAAA" }')).toEqual({ kind: 'audio', base64: 'AAAA' });
  });

  it('is every other message of the protocol', () => {
    expect(read({ type: 'pong', event_id: 3 })).toEqual({ kind: 'pong', eventId: 3 });
    expect(read({ type: 'user_message', text: 'a' })).toEqual({ kind: 'user-message', text: 'a' });
    expect(read({ type: 'contextual_update', text: 'b' })).toEqual({ kind: 'context', text: 'b' });
    expect(read({ type: 'user_activity' })).toEqual({ kind: 'activity' });
    const result = { type: 'client_tool_result', tool_call_id: 't', result: '{}', is_error: false };
    expect(read(result)).toEqual({ kind: 'tool-result', result });
    const data = { type: 'conversation_initiation_client_data', dynamic_variables: { a: 1 } };
    expect(read(data)).toEqual({ kind: 'initiation', data });
  });

  it.each<[string, unknown]>([
    [
      'a reserved variable',
      { type: 'conversation_initiation_client_data', dynamic_variables: { system__x: 1 } },
    ],
    [
      'a variable that is an object',
      { type: 'conversation_initiation_client_data', dynamic_variables: { x: {} } },
    ],
    [
      'a result that is no text',
      { type: 'client_tool_result', tool_call_id: 't', result: {}, is_error: false },
    ],
    ['a result without is_error', { type: 'client_tool_result', tool_call_id: 't', result: '' }],
    ['a pong without an id', { type: 'pong' }],
    ['an unknown type', { type: 'interrupt' }],
    ['null', null],
  ])('is not %s, which the real service would refuse', (_, message) => {
    expect(read(message).kind).toBe('violation');
  });

  it('is not what is no JSON', () => {
    expect(readClient('{"type"').kind).toBe('violation');
  });
});
