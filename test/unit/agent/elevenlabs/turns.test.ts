import { describe, expect, it } from 'vitest';
import type { ConversationOverrides } from '../../../../src/agent/agent.ts';
import { agentLimits } from '../../../../src/agent/elevenlabs/limits.ts';
import { ElevenLabsSession } from '../../../../src/agent/elevenlabs/session.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { FakeSocket } from './fake-socket.ts';
import { RecordingListener } from './recording-listener.ts';

const metadata = {
  type: 'conversation_initiation_metadata',
  conversation_initiation_metadata_event: {
    conversation_id: 'conv_1',
    agent_output_audio_format: 'pcm_16000',
    user_input_audio_format: 'pcm_16000',
  },
};

const said = (text: string) => ({
  type: 'user_transcript',
  user_transcription_event: { user_transcript: text, event_id: 2 },
});

function converse(overrides?: ConversationOverrides) {
  const socket = new FakeSocket();
  const listener = new RecordingListener();
  new ElevenLabsSession({
    start: {
      url: 'wss://agent.example/',
      dynamicVariables: {},
      ...(overrides === undefined ? {} : { overrides }),
      startTimeoutMs: 5000,
      inputChunkMs: 20,
    },
    listener,
    clock: new ManualClock(),
    log: silentLogger,
    connect: socket.connect,
  });
  socket.open();
  return { socket, listener };
}

describe('what is said in a conversation', () => {
  it('is told once the conversation has begun, and bounded', () => {
    const { socket, listener } = converse();
    socket.says(said('too early'));
    socket.says(metadata);
    socket.says(said('hello'));
    socket.says(said('x'.repeat(agentLimits.turnCharacters + 1)));
    expect(listener.turns[0]).toEqual({ kind: 'said', role: 'user', text: 'hello', eventId: 2 });
    expect(listener.turns[1]).toMatchObject({ text: 'x'.repeat(agentLimits.turnCharacters) });
    expect(listener.turns).toHaveLength(2);
  });
});

describe('the initiation data', () => {
  it('carries overrides as they are given, and the field is left out where there are none', () => {
    const overrides = { agent: { first_message: 'Back again.' } };
    expect(converse(overrides).socket.messages[0]).toMatchObject({ conversation_config_override: overrides });
    expect(converse().socket.messages[0]).not.toHaveProperty('conversation_config_override');
  });
});
