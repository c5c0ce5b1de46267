import { describe, expect, it } from 'vitest';
import type { AgentStart } from '../../../../src/agent/agent.ts';
import { ElevenLabsSession } from '../../../../src/agent/elevenlabs/session.ts';
import { type SessionInput, transition } from '../../../../src/agent/elevenlabs/states.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { FakeSocket } from './fake-socket.ts';
import { RecordingListener } from './recording-listener.ts';

const start: AgentStart = {
  url: 'wss://agent.example/',
  dynamicVariables: { called_number: '+14155550123' },
  startTimeoutMs: 5000,
  inputChunkMs: 20,
};

const metadata = {
  type: 'conversation_initiation_metadata',
  conversation_initiation_metadata_event: {
    conversation_id: 'conv_1',
    agent_output_audio_format: 'pcm_16000',
    user_input_audio_format: 'pcm_16000',
  },
};

function prepare() {
  const socket = new FakeSocket();
  const clock = new ManualClock();
  const listener = new RecordingListener();
  const { connect } = socket;
  const session = new ElevenLabsSession({ start, held: true, listener, clock, log: silentLogger, connect });
  const ends = () => listener.endings.map(({ reason }) => reason);
  return { socket, clock, session, ends };
}

describe('a conversation that is held', () => {
  it('opens its socket and sends nothing until it is told to begin', () => {
    const { socket, clock, session, ends } = prepare();
    socket.open();
    clock.advance(180_000);
    expect(socket.sent).toEqual([]);
    expect(ends()).toEqual([]);
    session.begin();
    expect(socket.messages).toMatchObject([
      { type: 'conversation_initiation_client_data', dynamic_variables: { called_number: '+14155550123' } },
    ]);
    socket.says(metadata);
    expect(session.input).toBeDefined();
    session.begin();
    expect(socket.sent).toHaveLength(1);
    session.close();
    expect(clock.pending).toBe(0);
  });

  it('sends its initiation as soon as the socket opens when it was told before', () => {
    const { socket, session } = prepare();
    session.begin();
    expect(socket.sent).toEqual([]);
    socket.open();
    expect(socket.sent).toHaveLength(1);
    session.close();
  });

  it('owes the answer to a ping until the initiation data, which has to come first, is sent', () => {
    const { socket, session } = prepare();
    socket.open();
    socket.says({ type: 'ping', ping_event: { event_id: 7 } });
    socket.says({ type: 'ping', ping_event: { event_id: 8 } });
    expect(socket.sent).toEqual([]);
    session.begin();
    expect(socket.messages).toMatchObject([
      { type: 'conversation_initiation_client_data' },
      { type: 'pong', event_id: 8 },
    ]);
    socket.says({ type: 'ping', ping_event: { event_id: 9 } });
    expect(socket.messages.slice(2)).toEqual([{ type: 'pong', event_id: 9 }]);
    session.close();
    expect(socket.closedWith).toBe(1000);
  });

  it('has from its beginning the whole time to start', () => {
    const { socket, clock, session, ends } = prepare();
    socket.open();
    clock.advance(60_000);
    session.begin();
    clock.advance(4_999);
    expect(ends()).toEqual([]);
    clock.advance(1);
    expect(ends()).toEqual(['agent-start-timeout']);
  });

  it('is over when its socket does not open in time, or goes while it waits', () => {
    const late = prepare();
    late.clock.advance(5_000);
    expect(late.ends()).toEqual(['agent-start-timeout']);
    const gone = prepare();
    gone.socket.open();
    gone.socket.closes(1001);
    expect(gone.ends()).toHaveLength(1);
    gone.session.begin();
    expect(gone.socket.sent).toEqual([]);
  });

  it('is over when the agent begins without it: our variables would be missing', () => {
    const { socket, ends } = prepare();
    socket.open();
    socket.says(metadata);
    expect(ends()).toEqual(['agent-start-failed']);
    expect(socket.closedWith).toBe(1002);
  });

  it('waits for one time at once: an error before it began leaves no timer when it is over', () => {
    const { socket, clock, session, ends } = prepare();
    socket.open();
    socket.says({ type: 'error', error_event: { code: 1011 } });
    session.begin();
    expect(clock.pending).toBe(1);
    socket.closes(1011);
    expect(ends()).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  it('knows in its table all that may come while it waits, and that nothing but begin sends anything', () => {
    const inputs: SessionInput[] = [
      'queue-waiting',
      'queue-admitted',
      'error',
      'farewell',
      'fault',
      'gone',
      'close',
    ];
    for (const input of inputs)
      expect(transition('prepared', input).effects).not.toContain('send-initiation');
    expect(transition('prepared', 'begin').effects).toEqual(['send-initiation', 'start-deadline']);
  });
});
