import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AgentListener } from '../../src/agent/agent.ts';
import { quickAudio } from '../../src/agent/elevenlabs/protocol/audio-message.ts';
import { readMessage } from '../../src/agent/elevenlabs/protocol/reader.ts';
import { ElevenLabsSession } from '../../src/agent/elevenlabs/session.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { FakeSocket } from '../unit/agent/elevenlabs/fake-socket.ts';

const types = fc.constantFrom(
  'audio',
  'ping',
  'interruption',
  'error',
  'client_error',
  'queue_status',
  'client_tool_call',
  'agent_tool_response',
  'conversation_initiation_metadata',
  'vad_score',
);
const payloadKeys = fc.constantFrom(
  'audio_event',
  'ping_event',
  'interruption_event',
  'error_event',
  'queue_status_event',
  'client_tool_call',
  'agent_tool_response',
  'conversation_initiation_metadata_event',
);
const values = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom(
    'waiting',
    'admitted',
    'timed_out',
    'end_call',
    'pcm_16000',
    'ulaw_8000',
    'AAAA',
    1000,
    1008,
  ),
);
const fields = fc.dictionary(
  fc.constantFrom(
    'event_id',
    'audio_base_64',
    'status',
    'code',
    'error_type',
    'message',
    'tool_name',
    'tool_call_id',
    'parameters',
    'is_error',
    'conversation_id',
    'agent_output_audio_format',
    'user_input_audio_format',
  ),
  values,
);
const nearly = fc
  .tuple(types, payloadKeys, fc.oneof(fields, values))
  .map(([type, key, payload]) => JSON.stringify({ type, [key]: payload }));
const anything = fc.oneof(
  nearly,
  fc.json(),
  fc.string(),
  fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes).toString('latin1')),
);

const deaf: AgentListener = {
  ready: () => undefined,
  queue: () => undefined,
  audio: () => undefined,
  interrupted: () => undefined,
  toolCall: () => undefined,
  turn: () => undefined,
  ended: () => undefined,
};

describe('whatever the agent sends', () => {
  it('the reader makes something of it, and the fast way for sound nothing else', () => {
    fc.assert(
      fc.property(anything, text => {
        const data = Buffer.from(text);
        const reading = readMessage(data);
        const quick = quickAudio(data);
        if (quick !== undefined) expect(reading).toEqual({ kind: 'audio', ...quick });
      }),
      { numRuns: 2000 },
    );
  });

  it('the reader takes bytes that are not even text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
        expect(readMessage(Buffer.from(bytes)).kind).toBeTypeOf('string');
      }),
      { numRuns: 1000 },
    );
  });

  it('a conversation never throws, ends at most once and leaves no timer behind', () => {
    const step = fc.oneof(
      { weight: 8, arbitrary: nearly.map(text => ({ text }) as const) },
      { weight: 2, arbitrary: anything.map(text => ({ text }) as const) },
      { weight: 1, arbitrary: fc.nat(8000).map(ms => ({ ms }) as const) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(1000, 1006, 1008), (steps, code) => {
        const socket = new FakeSocket();
        const clock = new ManualClock();
        const endings: string[] = [];
        const session = new ElevenLabsSession({
          start: { url: 'wss://x', dynamicVariables: {}, startTimeoutMs: 5000, inputChunkMs: 20 },
          listener: { ...deaf, ended: end => void endings.push(end.reason) },
          clock,
          log: silentLogger,
          connect: socket.connect,
        });
        socket.open();
        for (const each of steps) {
          if ('text' in each) socket.saysText(each.text);
          else clock.advance(each.ms);
          session.input?.write(Buffer.alloc(320));
        }
        socket.closes(code);
        session.close();
        expect(endings).toHaveLength(1);
        expect(endings).not.toContain('internal-error');
        expect(clock.pending).toBe(0);
      }),
      { numRuns: 500 },
    );
  });
});
