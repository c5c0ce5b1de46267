import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { LoadAgent } from '../../../../src/sim/load/agent.ts';
import { profiles } from '../../../../src/sim/load/profile.ts';

let agent: LoadAgent | undefined;
afterEach(() => agent?.close());

interface Said {
  readonly type: string;
  readonly audio_event?: { readonly audio_base_64: string; readonly event_id: number };
  readonly conversation_initiation_metadata_event?: Record<string, string>;
}

/** A conversation with the agent, as far as its first `count` messages. */
async function converse(count: number): Promise<{ socket: WebSocket; said: Said[] }> {
  agent = await LoadAgent.start(profiles.pcmu);
  const response = await fetch(`${agent.baseUrl}/v1/convai/conversation/get-signed-url?agent_id=a`);
  const { signed_url: url } = (await response.json()) as { signed_url: string };
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await new Promise(resolve => socket.once('open', resolve));
  const said: Said[] = [];
  const enough = new Promise<void>(resolve => {
    socket.on('message', data => {
      said.push(JSON.parse(String(data)) as Said);
      if (said.length === count) resolve();
    });
  });
  socket.send(
    JSON.stringify({
      type: 'conversation_initiation_client_data',
      dynamic_variables: { call_id: 'load-12' },
    }),
  );
  await enough;
  return { socket, said };
}

describe('the agent for load', () => {
  it('names its formats, then greets at once', async () => {
    const { said } = await converse(5);
    expect(said[0]?.conversation_initiation_metadata_event).toMatchObject({
      agent_output_audio_format: 'ulaw_8000',
      user_input_audio_format: 'ulaw_8000',
    });
    const pieces = said.slice(1).map(({ audio_event: event }) => event);
    expect(pieces.map(piece => piece?.event_id)).toEqual([1, 1, 1, 1]);
    expect(Buffer.from(pieces[0]?.audio_base_64 ?? '', 'base64')).toHaveLength(800);
    const { ready, greeting } = agent!.report().marks;
    expect([ready[0]?.call, greeting[0]?.call]).toEqual([12, 12]);
  });

  it('counts the sound that it gets, and marks where it becomes loud', async () => {
    const { socket } = await converse(1);
    agent!.mark();
    for (const byte of [0xff, 0xff, 0x80, 0x80, 0xff]) {
      const sound = Buffer.alloc(160, byte).toString('base64');
      socket.send(`{"user_audio_chunk":"${sound}"}`);
    }
    // The answer to the ping comes after all that went before it.
    await new Promise(resolve => {
      socket.once('pong', resolve);
      socket.ping();
    });
    const report = agent!.report();
    expect(report).toMatchObject({ messagesReceived: 5, conversations: 1 });
    expect(report.pace.least).toBeGreaterThan(0);
    expect(report.marks.heard).toHaveLength(1);
    expect(report.marks.heard[0]?.call).toBe(12);
  });

  it('forgets a conversation that was closed', async () => {
    const { socket } = await converse(1);
    agent!.mark();
    socket.close(1000);
    const [code] = await new Promise<unknown[]>(resolve => socket.once('close', (...end) => resolve(end)));
    expect(code).toBe(1000);
    await new Promise(resolve => setImmediate(resolve));
    expect(agent!.report().conversations).toBe(0);
  });
});
