import { describe, expect, it } from 'vitest';
import type { AgentStart } from '../../../../src/agent/agent.ts';
import { agentLimits } from '../../../../src/agent/elevenlabs/limits.ts';
import { newMessageCounts } from '../../../../src/agent/elevenlabs/message-counts.ts';
import { ElevenLabsSession } from '../../../../src/agent/elevenlabs/session.ts';
import type { ToolCallId } from '../../../../src/core/ids.ts';
import type { LogFields, Logger } from '../../../../src/core/logger.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { FakeSocket } from './fake-socket.ts';
import { RecordingListener } from './recording-listener.ts';

const begin: AgentStart = {
  url: 'wss://agent.example/v1/convai/conversation?agent_id=a&conversation_signature=secret-ticket',
  dynamicVariables: { caller_id: '+14155550123', system__caller_id: '+14155550123' },
  userId: 'user_1',
  startTimeoutMs: 5000,
  inputChunkMs: 20,
};

/** Writes every line of the log down as one text. */
class Scribe implements Logger {
  readonly lines: string[] = [];
  readonly #write = (message: string, fields?: LogFields) =>
    void this.lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  readonly trace = this.#write;
  readonly debug = this.#write;
  readonly info = this.#write;
  readonly warn = this.#write;
  readonly error = this.#write;
  with(): Logger {
    return this;
  }
}

function converse(start: Partial<AgentStart> = {}) {
  const socket = new FakeSocket();
  const clock = new ManualClock();
  const listener = new RecordingListener();
  const log = new Scribe();
  const counts = newMessageCounts();
  const session = new ElevenLabsSession({
    start: { ...begin, ...start },
    listener,
    clock,
    log,
    connect: socket.connect,
    counts,
  });
  return { socket, clock, listener, log, counts, session };
}

const metadata = (output = 'pcm_16000', input: string | undefined = 'pcm_16000') => ({
  type: 'conversation_initiation_metadata',
  conversation_initiation_metadata_event: {
    conversation_id: 'conv_1',
    agent_output_audio_format: output,
    user_input_audio_format: input,
  },
});

const audio = (eventId: number, bytes: Buffer = Buffer.from([1, 2, 3, 4])) => ({
  type: 'audio',
  audio_event: { audio_base_64: bytes.toString('base64'), event_id: eventId },
});

const endCall = (isError = false) => ({
  type: 'agent_tool_response',
  agent_tool_response: {
    tool_name: 'end_call',
    tool_call_id: 't',
    tool_type: 'system',
    is_error: isError,
    is_called: true,
    event_id: 9,
  },
});

function talking(start: Partial<AgentStart> = {}) {
  const world = converse(start);
  world.socket.open();
  world.socket.says(metadata());
  return world;
}

describe('the beginning of a conversation', () => {
  it('sends the initiation data first, without the variables that ElevenLabs reserves', () => {
    const { socket } = converse();
    expect(socket.sent).toEqual([]);
    socket.open();
    expect(socket.messages).toEqual([
      {
        type: 'conversation_initiation_client_data',
        dynamic_variables: { caller_id: '+14155550123' },
        user_id: 'user_1',
        source_info: { source: 'trunkbridge' },
      },
    ]);
  });

  it('is ready with the formats that the metadata names, and only then takes caller sound', () => {
    const { socket, listener, session } = converse();
    socket.open();
    expect(session.input).toBeUndefined();
    socket.says(metadata('pcm_44100', 'ulaw_8000'));
    expect(listener.metadata).toEqual({
      conversationId: 'conv_1',
      outputFormat: 'pcm_44100',
      inputFormat: 'ulaw_8000',
    });
    expect(session.input?.format).toBe('ulaw_8000');
  });

  it('takes pcm_16000 for granted when the metadata leaves the input format out', () => {
    const { socket, session } = converse();
    socket.open();
    socket.says({
      type: 'conversation_initiation_metadata',
      conversation_initiation_metadata_event: {
        conversation_id: 'c',
        agent_output_audio_format: 'ulaw_8000',
      },
    });
    expect(session.input?.format).toBe('pcm_16000');
  });

  it('ends with agent-format-unsupported when a format is none of the seven', () => {
    const { socket, listener } = converse();
    socket.open();
    socket.says(metadata('opus_48000'));
    expect(listener.endings).toEqual([
      { result: 'agent', reason: 'agent-format-unsupported', detail: 'opus_48000' },
    ]);
    expect(listener.metadata).toBeUndefined();
    expect(socket.closedWith).toBe(1002);
  });

  it('ends with agent-start-timeout when the metadata does not come in time, counted from connecting', () => {
    const { socket, clock, listener } = converse();
    clock.advance(3000);
    socket.open();
    clock.advance(1999);
    expect(listener.endings).toEqual([]);
    clock.advance(1);
    expect(listener.endings.map(end => end.reason)).toEqual(['agent-start-timeout']);
    expect(socket.closedWith).toBe(1000);
  });

  it('ends with agent-start-timeout when the socket never opens', () => {
    const { clock, listener } = converse();
    clock.advance(5000);
    expect(listener.endings.map(end => end.reason)).toEqual(['agent-start-timeout']);
  });

  it('does not time out once it is ready', () => {
    const { clock, listener } = talking();
    clock.advance(3_600_000);
    expect(listener.endings).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('tells an upgrade that was refused by its HTTP status', () => {
    const { socket, listener } = converse();
    socket.ends({ kind: 'refused', status: 401 });
    expect(listener.endings).toEqual([{ result: 'agent', reason: 'agent-unauthorized', detail: 'HTTP 401' }]);
  });

  it('drops sound that comes before the metadata, for its format is not known', () => {
    const { socket, listener, counts } = converse();
    socket.open();
    socket.says(audio(1));
    expect(listener.sounds).toEqual([]);
    expect(counts.early_audio).toBe(1);
  });
});

describe('a queue in front of the agent', () => {
  it('stops the start deadline while the caller waits and sets it anew when admitted', () => {
    const { socket, clock, listener } = converse();
    socket.open();
    socket.says({ type: 'queue_status', queue_status_event: { status: 'waiting' } });
    clock.advance(60_000);
    expect(listener.endings).toEqual([]);
    socket.says({ type: 'queue_status', queue_status_event: { status: 'admitted' } });
    clock.advance(4999);
    expect(listener.endings).toEqual([]);
    clock.advance(1);
    expect(listener.endings.map(end => end.reason)).toEqual(['agent-start-timeout']);
    expect(listener.queued).toEqual(['waiting', 'admitted']);
  });

  it('becomes ready when the metadata comes after admission', () => {
    const { socket, clock, listener } = converse();
    socket.open();
    socket.says({ type: 'queue_status', queue_status_event: { status: 'waiting' } });
    socket.says({ type: 'queue_status', queue_status_event: { status: 'admitted' } });
    socket.says(metadata());
    expect(listener.metadata?.conversationId).toBe('conv_1');
    expect(clock.pending).toBe(0);
  });

  it('lets hold music through when the metadata came before the queue', () => {
    const { socket, listener } = talking();
    socket.says({ type: 'queue_status', queue_status_event: { status: 'waiting' } });
    socket.says(audio(1));
    expect(listener.queued).toEqual(['waiting']);
    expect(listener.sounds).toHaveLength(1);
  });

  it('ends with agent-queue-timeout at the close with 4300 that follows timed_out', () => {
    const { socket, listener } = converse();
    socket.open();
    socket.says({ type: 'queue_status', queue_status_event: { status: 'waiting' } });
    socket.says({ type: 'queue_status', queue_status_event: { status: 'timed_out' } });
    expect(listener.endings).toEqual([]);
    socket.closes(4300, 'timed_out');
    expect(listener.queued).toEqual(['waiting', 'timed_out']);
    expect(listener.endings.map(end => end.reason)).toEqual(['agent-queue-timeout']);
  });
});

describe('a conversation that runs', () => {
  it('answers a ping at once with the same id, even before the metadata', () => {
    const { socket } = converse();
    socket.open();
    socket.says({ type: 'ping', ping_event: { event_id: 7, ping_ms: 300 } });
    expect(socket.messages.at(-1)).toEqual({ type: 'pong', event_id: 7 });
  });

  it('hands the agent sound on, byte for byte', () => {
    const { socket, listener } = talking();
    const sound = Buffer.from([0, 255, 128, 7, 9]);
    socket.says(audio(3, sound));
    expect(listener.sounds).toEqual([{ eventId: 3, bytes: sound }]);
  });

  it('forwards an interruption and drops later sound of that event and those before it', () => {
    const { socket, listener, counts } = talking();
    socket.says(audio(4));
    socket.says({ type: 'interruption', interruption_event: { event_id: 4 } });
    socket.says(audio(4));
    socket.says(audio(3));
    socket.says(audio(5));
    expect(listener.interruptions).toEqual([4]);
    expect(listener.sounds.map(sound => sound.eventId)).toEqual([4, 5]);
    expect(counts.late_audio).toBe(2);
  });

  it('takes an interruption without an id to mean everything said so far', () => {
    const { socket, listener } = talking();
    socket.says(audio(6));
    socket.says({ type: 'interruption' });
    socket.says(audio(6));
    expect(listener.interruptions).toEqual([6]);
    expect(listener.sounds).toHaveLength(1);
  });

  it('hands a client tool call on, and expects a response when nothing is said about it', () => {
    const { socket, listener } = talking();
    const call = { tool_name: 'send', tool_call_id: 't1', parameters: { To: 'x' }, event_id: 4 };
    socket.says({ type: 'client_tool_call', client_tool_call: call });
    socket.says({
      type: 'client_tool_call',
      client_tool_call: { ...call, tool_call_id: 't2', expects_response: false },
    });
    expect(listener.calls).toEqual([
      { id: 't1', name: 'send', parameters: { To: 'x' }, expectsResponse: true },
      { id: 't2', name: 'send', parameters: { To: 'x' }, expectsResponse: false },
    ]);
  });

  it('sends tool answers, turns and context as their own messages', () => {
    const { socket, session } = talking();
    session.answerTool({ id: 't1' as ToolCallId, result: '{"status":"sent"}', isError: false });
    session.tell('1234', 'turn');
    session.tell('on hold', 'context');
    expect(socket.messages.slice(1)).toEqual([
      { type: 'client_tool_result', tool_call_id: 't1', result: '{"status":"sent"}', is_error: false },
      { type: 'user_message', text: '1234' },
      { type: 'contextual_update', text: 'on hold' },
    ]);
  });

  it('sends nothing but the initiation data and pongs before it is ready', () => {
    const { socket, session } = converse();
    socket.open();
    session.answerTool({ id: 't1' as ToolCallId, result: '{}', isError: false });
    session.tell('1234', 'turn');
    expect(socket.sent).toHaveLength(1);
  });

  it('sends caller sound in messages of the chunk length', () => {
    const { socket, session } = talking({ inputChunkMs: 40 });
    const frame = Buffer.alloc(640, 5);
    session.input?.write(frame);
    expect(socket.sent).toHaveLength(1);
    session.input?.write(frame);
    expect(socket.messages[1]).toEqual({ user_audio_chunk: Buffer.alloc(1280, 5).toString('base64') });
  });

  it('never writes what the agent or the caller said, a code or the ticket into the log', () => {
    const { socket, session, log } = talking();
    socket.says({
      type: 'agent_response',
      agent_response_event: { agent_response: 'hush-hush', event_id: 1 },
    });
    socket.says({
      type: 'user_transcript',
      user_transcription_event: { user_transcript: 'hush-hush', event_id: 1 },
    });
    socket.says({
      type: 'client_tool_call',
      client_tool_call: {
        tool_name: 'check',
        tool_call_id: 't',
        parameters: { Code: '493817' },
        event_id: 1,
      },
    });
    socket.saysText('{"hush-hush');
    socket.says({ type: 'error', error_event: { code: 1008, message: "hush-hush '+14155550123'" } });
    session.close();
    session.tell('493817', 'turn');
    expect(log.lines.length).toBeGreaterThan(2);
    expect(log.lines.join('\n')).not.toMatch(/hush|493817|14155550123|secret-ticket/);
  });
});

describe('the end of a conversation', () => {
  it('is told when the close follows the end of the call, with the last sentence heard in between', () => {
    const { socket, listener, clock } = talking();
    socket.says(endCall());
    socket.says(audio(8));
    expect([listener.sounds.length, listener.endings]).toEqual([1, []]);
    socket.closes(1000);
    expect(listener.endings).toEqual([{ result: 'success', reason: 'agent-ended-call' }]);
    expect(clock.pending).toBe(0);
  });

  it('is told a second after the end of the call when no close follows, once, and the socket stays open', () => {
    const { socket, listener, session, clock } = talking();
    socket.says(endCall());
    clock.advance(agentLimits.farewellMs);
    expect(listener.endings).toEqual([{ result: 'success', reason: 'agent-ended-call' }]);
    expect(socket.closedWith).toBeUndefined();
    socket.says(audio(8));
    expect(listener.sounds).toHaveLength(1);
    socket.closes(1000);
    session.close();
    expect(listener.endings).toHaveLength(1);
  });

  it('closes with 1000 when our side closes after the farewell', () => {
    const { socket, session } = talking();
    socket.says(endCall());
    session.close();
    expect(socket.closedWith).toBe(1000);
  });

  it('goes on when end_call failed', () => {
    const { socket, listener } = talking();
    socket.says(endCall(true));
    expect(listener.endings).toEqual([]);
  });

  it('is agent-ended-call at a close with 1000 alone', () => {
    const { socket, listener } = talking();
    socket.closes(1000);
    expect(listener.endings).toEqual([{ result: 'success', reason: 'agent-ended-call' }]);
  });

  it('is a failed start when the close with 1000 comes before the metadata', () => {
    const { socket, listener } = converse();
    socket.open();
    socket.closes(1000);
    expect(listener.endings.map(end => end.reason)).toEqual(['agent-start-failed']);
  });

  it('is agent-max-duration when the error says so, whatever code the close has', () => {
    const { socket, listener } = talking();
    socket.says({ type: 'error', error_event: { code: 1000, error_type: 'max_duration_exceeded' } });
    socket.closes(1006);
    expect(listener.endings).toEqual([{ result: 'success', reason: 'agent-max-duration' }]);
  });

  it('takes its reason from the error event that came before the close', () => {
    const { socket, listener } = talking();
    socket.says({ type: 'error', error_event: { code: 1002, error_type: 'llm_timeout' } });
    expect(listener.endings).toEqual([]);
    socket.closes(1002, 'something went wrong');
    expect(listener.endings.map(end => end.reason)).toEqual(['agent-llm-timeout']);
  });

  it('does not wait for ever for the close after an error event', () => {
    const { socket, clock, listener } = talking();
    socket.says({ type: 'error', error_event: { code: 1002, error_type: 'tts_cascade_error' } });
    clock.advance(agentLimits.errorGraceMs - 1);
    expect(listener.endings).toEqual([]);
    clock.advance(1);
    expect(listener.endings.map(end => end.reason)).toEqual(['agent-tts-error']);
    expect(socket.closedWith).toBe(1000);
  });

  it('lets the conversation go on after a client_error, which need not be the end', () => {
    const { socket, clock, listener } = talking();
    socket.says({ type: 'client_error', error_event: { code: 1008, error_name: 'x', message: 'y' } });
    clock.advance(60_000);
    expect(listener.endings).toEqual([]);
  });

  it.each([
    [1000, 'agent-ended-call'],
    [1006, 'agent-lost'],
  ])('is not taken from a client_error of long before: a close with %i is %s', (code, reason) => {
    const { socket, clock, listener } = talking();
    socket.says({ type: 'client_error', error_event: { code: 1002, error_type: 'llm_timeout' } });
    clock.advance(60_000);
    socket.closes(code);
    expect(listener.endings.map(end => end.reason)).toEqual([reason]);
  });

  it.each(['error', 'client_error'])('stays the end of the call when %s comes after end_call', type => {
    const { socket, clock, listener } = talking();
    socket.says(endCall());
    socket.says({ type, error_event: { code: 1002, error_type: 'tts_cascade_error' } });
    clock.advance(agentLimits.farewellMs);
    expect(listener.endings).toEqual([{ result: 'success', reason: 'agent-ended-call' }]);
  });

  it('is agent-lost when the connection breaks', () => {
    const { socket, listener } = talking();
    socket.closes(1006);
    expect(listener.endings.map(end => end.reason)).toEqual(['agent-lost']);
  });

  it('is agent-message-too-large when a message exceeds the limit', () => {
    const { socket, listener } = talking();
    socket.ends({ kind: 'failed', code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' });
    expect(listener.endings.map(end => end.reason)).toEqual(['agent-message-too-large']);
  });

  it('bears a few bad messages and binary frames, and ends with agent-garbage above the budget', () => {
    const { socket, listener, counts, log } = talking();
    for (let i = 0; i < agentLimits.badMessages - 1; i++) socket.saysText('{"type":');
    socket.saysBinary(4);
    expect(listener.endings).toEqual([]);
    expect([counts.bad, counts.binary]).toEqual([agentLimits.badMessages - 1, 1]);
    socket.saysText('[]');
    expect(listener.endings.map(end => end.reason)).toEqual(['agent-garbage']);
    expect(socket.closedWith).toBe(1002);
    expect(log.lines).toHaveLength(1);
  });

  it('is agent-lost when the socket has taken no caller sound for too long', () => {
    const { socket, clock, listener, session } = talking();
    socket.bufferedBytes = agentLimits.callerBufferedBytes + 1;
    session.input?.write(Buffer.alloc(640));
    clock.advance(agentLimits.stallMs);
    session.input?.write(Buffer.alloc(640));
    expect(listener.endings).toEqual([]);
    clock.advance(1);
    session.input?.write(Buffer.alloc(640));
    expect(listener.endings.map(end => end.reason)).toEqual(['agent-lost']);
  });

  it('calls no listener after our side has closed', () => {
    const { socket, clock, listener, session } = talking();
    session.close();
    session.close();
    expect(socket.closedWith).toBe(1000);
    socket.says(audio(1));
    socket.says(endCall());
    socket.closes(1006);
    clock.advance(60_000);
    expect([listener.sounds, listener.endings]).toEqual([[], []]);
    expect(clock.pending).toBe(0);
  });

  it('is internal-error when its listener throws, and the fault goes no further', () => {
    const { socket, listener, log } = talking();
    listener.audio = () => {
      throw new Error('broken');
    };
    expect(() => socket.says(audio(1))).not.toThrow();
    expect(listener.endings).toEqual([{ result: 'us', reason: 'internal-error' }]);
    expect(log.lines.at(-1)).toContain('broken');
    expect(socket.closedWith).toBe(1002);
  });

  it('can be closed while it still connects', () => {
    const { socket, clock, listener, session } = converse();
    session.close();
    socket.open();
    socket.ends({ kind: 'failed', code: 'HANDSHAKE' });
    expect(socket.sent).toEqual([]);
    expect(listener.endings).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});
