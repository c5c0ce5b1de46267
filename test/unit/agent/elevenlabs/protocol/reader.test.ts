import { describe, expect, it } from 'vitest';
import { readMessage } from '../../../../../src/agent/elevenlabs/protocol/reader.ts';

const read = (message: unknown) => readMessage(Buffer.from(JSON.stringify(message)));

describe('reading a server message', () => {
  it('finds the payload under the key of its type', () => {
    expect(read({ type: 'ping', ping_event: { event_id: 7, ping_ms: null } })).toEqual({
      kind: 'ping',
      eventId: 7,
    });
    expect(read({ type: 'interruption', interruption_event: { event_id: 3, reason: 'old' } })).toEqual({
      kind: 'interruption',
      eventId: 3,
    });
    expect(read({ type: 'queue_status', queue_status_event: { status: 'waiting' } })).toEqual({
      kind: 'queue',
      status: 'waiting',
    });
  });

  it('knows who said what, and what was heard of it', () => {
    const heard = { user_transcript: 'hello', event_id: 2 };
    expect(read({ type: 'user_transcript', user_transcription_event: heard })).toEqual({
      kind: 'turn',
      news: { kind: 'said', role: 'user', text: 'hello', eventId: 2 },
    });
    expect(read({ type: 'agent_response', agent_response_event: { agent_response: 'hi' } })).toEqual({
      kind: 'turn',
      news: { kind: 'said', role: 'agent', text: 'hi', eventId: -1 },
    });
    const event = { original_agent_response: 'hi there', corrected_agent_response: 'hi', event_id: 3 };
    expect(read({ type: 'agent_response_correction', agent_response_correction_event: event })).toEqual({
      kind: 'turn',
      news: { kind: 'corrected', text: 'hi', eventId: 3 },
    });
  });

  it.each(['user_transcript', 'vad_score', 'dtmf_request', 'made_up_tomorrow', 'constructor', '__proto__'])(
    'lets the type %s pass',
    type => {
      expect(read({ type, whatever: { event_id: 'seven' } })).toEqual({ kind: 'other' });
    },
  );

  it('lets a queue status pass that nobody knows', () => {
    expect(read({ type: 'queue_status', queue_status_event: { status: 'moved_up' } })).toEqual({
      kind: 'other',
    });
  });

  it.each<[string, unknown]>([
    ['a ping whose id is text', { type: 'ping', ping_event: { event_id: '7' } }],
    ['a ping without a payload', { type: 'ping' }],
    ['sound without an event id', { type: 'audio', audio_event: { audio_base_64: 'AAAA' } }],
    ['sound that is a number', { type: 'audio', audio_event: { audio_base_64: 7, event_id: 1 } }],
    [
      'metadata without formats',
      {
        type: 'conversation_initiation_metadata',
        conversation_initiation_metadata_event: { conversation_id: 'c' },
      },
    ],
    ['a tool call without an id', { type: 'client_tool_call', client_tool_call: { tool_name: 'x' } }],
    ['a list', []],
    ['null', null],
    ['a text', 'ping'],
    ['an object without a type', { ping_event: { event_id: 1 } }],
  ])('calls %s bad', (_, message) => {
    expect(read(message)).toEqual({ kind: 'bad', cause: 'shape' });
  });

  it('calls sound bad that is not base64, and text that is not JSON', () => {
    expect(read({ type: 'audio', audio_event: { audio_base_64: 'A?==', event_id: 1 } })).toEqual({
      kind: 'bad',
      cause: 'base64',
    });
    expect(readMessage(Buffer.from('{"type":'))).toEqual({ kind: 'bad', cause: 'json' });
  });

  it('reads a final piece without sound as no sound', () => {
    expect(read({ type: 'audio', audio_event: { event_id: 4, is_final: true } })).toEqual({
      kind: 'audio',
      eventId: 4,
      audio: Buffer.alloc(0),
    });
  });

  it('takes parameters that are nested without end for none', () => {
    const call = (levels: number) =>
      readMessage(
        Buffer.from(
          `{"type":"client_tool_call","client_tool_call":{"tool_call_id":"t","tool_name":"n","parameters":{"on":${'['.repeat(levels)}${']'.repeat(levels)}}}}`,
        ),
      );
    expect(call(31)).toMatchObject({ kind: 'tool-call', parameters: { on: expect.any(Array) } });
    for (const levels of [32, 4_000, 8_000])
      expect(call(levels)).toEqual({
        ...{ kind: 'tool-call', id: 't', name: 'n' },
        ...{ parameters: {}, expectsResponse: true },
      });
  });

  it('gives a tool call without parameters an empty object, so that the tool can say what it misses', () => {
    const call = { tool_name: 'x', tool_call_id: 't', event_id: 1 };
    for (const parameters of [undefined, null, 'To=1', [1]]) {
      expect(read({ type: 'client_tool_call', client_tool_call: { ...call, parameters } })).toEqual({
        kind: 'tool-call',
        id: 't',
        name: 'x',
        parameters: {},
        expectsResponse: true,
      });
    }
  });

  it('reads the response of a tool in both of its forms', () => {
    const response = { tool_name: 'end_call', is_error: false };
    const expected = { kind: 'tool-response', name: 'end_call', isError: false };
    expect(read({ type: 'agent_tool_response', agent_tool_response: response })).toEqual(expected);
    expect(
      read({ type: 'agent_tool_response_full_payload', agent_tool_response_full_payload: response }),
    ).toEqual(expected);
  });

  it('reads an error with its payload, flat, and in the older form', () => {
    const event = { code: 1002, error_type: 'llm_timeout', message: 'm', reason: 'r' };
    expect(read({ type: 'error', error_event: event })).toEqual({
      kind: 'error',
      error: { code: 1002, type: 'llm_timeout', text: 'm r', final: true },
    });
    expect(read({ type: 'error', message: 'received 1002' })).toEqual({
      kind: 'error',
      error: { code: undefined, type: undefined, text: 'received 1002', final: true },
    });
    expect(
      read({ type: 'client_error', error_event: { code: 1008, error_name: 'n', message: 'm' } }),
    ).toEqual({
      kind: 'error',
      error: { code: 1008, type: undefined, text: 'm n', final: false },
    });
  });
});
