import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { AudioFormat } from '../../../../src/core/audio.ts';
import { SimAgent } from '../../../../src/sim/agent/agent.ts';
import { otpTones, type SimAgentOptions } from '../../../../src/sim/agent/options.ts';
import { decode } from '../../../../src/sim/agent/sound.ts';

type Message = Record<string, never>;

/** A client as simple as can be, so that the stand-in is tested without the bridge. */
class Client {
  readonly messages: Message[] = [];
  readonly #ws: WebSocket;
  #changed: () => void = () => undefined;
  closeCode: number | undefined;

  constructor(url: string) {
    this.#ws = new WebSocket(url);
    this.#ws.on('open', () =>
      this.send({
        type: 'conversation_initiation_client_data',
        dynamic_variables: { caller_id: '+14155550123' },
      }),
    );
    this.#ws.on('message', data => {
      this.messages.push(JSON.parse(String(data)));
      this.#changed();
    });
    this.#ws.on('close', code => {
      this.closeCode = code;
      this.#changed();
    });
  }

  send(message: object): void {
    this.#ws.send(JSON.stringify(message));
  }

  close(): void {
    this.#ws.close(1000);
  }

  async until<T>(check: () => T | undefined): Promise<T> {
    for (;;) {
      const found = check();
      if (found !== undefined) return found;
      await new Promise<void>(resolve => {
        this.#changed = resolve;
      });
    }
  }

  /** The `index`th message of a type. */
  next(type: string, index = 0): Promise<Message> {
    return this.until(() => this.messages.filter(each => each['type'] === type)[index]);
  }

  sounds(): Buffer[] {
    return this.messages
      .filter(each => each['type'] === 'audio')
      .map(each => Buffer.from(each['audio_event']!['audio_base_64'], 'base64'));
  }
}

let agent: SimAgent;
const started: SimAgent[] = [];
const begin = async (options: SimAgentOptions = {}) => {
  agent = await SimAgent.start({ pingMs: 0, leadMs: 60_000, ...options });
  started.push(agent);
};
beforeEach(() => begin());
afterEach(async () => {
  for (const each of started.splice(0)) await each.close();
});

async function ticket(agentId: string, key = agent.apiKey): Promise<Response> {
  const path = `/v1/convai/conversation/get-signed-url?agent_id=${agentId}`;
  return fetch(agent.baseUrl + path, { headers: { 'xi-api-key': key } });
}

async function client(agentId: string): Promise<Client> {
  const { signed_url: url } = (await (await ticket(agentId)).json()) as { signed_url: string };
  return new Client(url);
}

describe('the stand-in', () => {
  it('gives signed urls for a right key and a known agent only', async () => {
    expect((await ticket('agent_echo')).status).toBe(200);
    expect((await ticket('agent_echo', 'wrong')).status).toBe(401);
    expect((await ticket('agent_nobody')).status).toBe(404);
    expect((await ticket('')).status).toBe(422);
    expect((await fetch(`${agent.baseUrl}/v1/other`)).status).toBe(404);
    expect(agent.ticketRequests).toBe(4);
  });

  it('refuses a conversation without a signature of its own', async () => {
    const ws = new WebSocket(
      `${agent.baseUrl.replace('http', 'ws')}/v1/convai/conversation?agent_id=agent_echo`,
    );
    const error = await new Promise<Error>(resolve => ws.on('error', resolve));
    expect(error.message).toContain('401');
    expect(agent.conversations).toEqual([]);
  });

  it.each<[AudioFormat, AudioFormat, number]>([
    ['pcm_16000', 'pcm_16000', 640],
    ['ulaw_8000', 'pcm_16000', 160],
  ])('echoes %s as %s', async (inputFormat, outputFormat, bytes) => {
    await begin({ agents: { mine: { mode: 'echo', inputFormat, outputFormat } } });
    const caller = await client('mine');
    const metadata = await caller.next('conversation_initiation_metadata');
    expect(metadata['conversation_initiation_metadata_event']).toEqual({
      conversation_id: 'conv_1',
      agent_output_audio_format: outputFormat,
      user_input_audio_format: inputFormat,
    });
    const sound = Buffer.alloc(bytes, inputFormat === 'ulaw_8000' ? 0x9a : 7);
    for (let i = 0; i < 4; i++) caller.send({ user_audio_chunk: sound.toString('base64') });
    await caller.next('audio', 3);
    const back = Buffer.concat(caller.sounds());
    if (inputFormat === outputFormat) expect(back).toEqual(Buffer.alloc(4 * bytes, 7));
    else expect(Math.abs(back.length - 4 * 640)).toBeLessThan(160);
    expect(agent.conversations[0]?.audioBytes).toBe(4 * bytes);
  });

  it('speaks its tone and ends the call', async () => {
    const caller = await client('agent_tone');
    await caller.until(() => caller.closeCode);
    expect(caller.closeCode).toBe(1000);
    expect(decode(Buffer.concat(caller.sounds()), 'pcm_16000').length).toBe(2 * 16_000);
    expect((await caller.next('agent_tool_response'))['agent_tool_response']).toMatchObject({
      tool_name: 'end_call',
      is_error: false,
    });
  });

  it('keeps as much sound as it was told to, counts the rest, and forgets the oldest conversations', async () => {
    await begin({ agents: { mine: { mode: 'quiet' } }, keepAudioBytes: 5, keepConversations: 1 });
    const first = await client('mine');
    await first.next('conversation_initiation_metadata');
    first.send({ user_audio_chunk: 'AAAA' });
    first.send({ user_audio_chunk: 'AAAA' });
    const conversation = await agent.conversation(0);
    await conversation.until(({ audioBytes }) => audioBytes === 6);
    expect(conversation.audio().length).toBe(3);
    expect(conversation.arrivals).toHaveLength(1);
    first.close();
    await agent.waitFor(() => agent.open === 0);
    const second = await client('mine');
    await second.next('conversation_initiation_metadata');
    expect(agent.conversations.map(each => each.conversationId)).toEqual(['conv_2']);
    second.close();
  });

  it('notes what the client does wrong', async () => {
    await begin({ agents: { mine: { mode: 'quiet' } } });
    const caller = await client('mine');
    await caller.next('conversation_initiation_metadata');
    caller.send({ type: 'interrupt' });
    caller.send({ type: 'conversation_initiation_client_data' });
    const conversation = await agent.conversation(0);
    await conversation.until(({ violations }) => violations.length === 2);
    expect(conversation.violations).toEqual([
      'type interrupt has no such shape',
      'the initiation data came twice',
    ]);
  });

  it('rejects who waits for something that does not come', async () => {
    await expect(agent.conversation(0, 20)).rejects.toThrow('within 20 ms');
    const waiting = agent.conversation(0);
    const refused = expect(waiting).rejects.toThrow('it was over before');
    await agent.close();
    await refused;
    started.length = 0;
  });
});

describe('the scripted verification', () => {
  const results = (caller: Client, index: number, answer: object, isError = false) =>
    caller.next('client_tool_call', index).then(({ client_tool_call: call }) => {
      caller.send({
        type: 'client_tool_result',
        tool_call_id: call!['tool_call_id'],
        result: JSON.stringify(answer),
        is_error: isError,
      });
      return call! as { tool_name: string; parameters: object };
    });

  it('sends a code to the caller, checks what was keyed until it is right, and says good-bye', async () => {
    const caller = await client('agent_otp');
    const sent = await results(caller, 0, { status: 'pending' });
    expect(sent).toMatchObject({
      tool_name: 'send_SMS_verification',
      parameters: { To: '+14155550123', Channel: 'sms' },
    });
    await caller.next('agent_response', 1);
    caller.send({ type: 'user_message', text: 'The caller keyed: 000000' });
    const first = await results(caller, 1, { status: 'pending', valid: false });
    expect(first).toMatchObject({
      tool_name: 'check_SMS_verification',
      parameters: { To: '+14155550123', Code: '000000' },
    });
    await caller.next('agent_response', 2);
    caller.send({ type: 'user_message', text: '493817' });
    expect((await results(caller, 2, { status: 'approved', valid: true })).parameters).toMatchObject({
      Code: '493817',
    });
    const farewell = await caller.next('agent_response', 3);
    expect(farewell['agent_response_event']!['agent_response']).toContain('verified');
    expect(await caller.until(() => caller.closeCode)).toBe(1000);
    expect(agent.conversations[0]?.violations).toEqual([]);
  });

  it('says that it did not work when the code could not be sent', async () => {
    const caller = await client('agent_otp');
    await results(caller, 0, { status: 'error' }, true);
    const farewell = await caller.next('agent_response', 1);
    expect(farewell['agent_response_event']!['agent_response']).toContain('did not work');
    await caller.until(() => caller.closeCode);
  });

  it('gives up after its attempts', async () => {
    await begin({ agents: { once: { mode: 'otp', attempts: 1 } } });
    const caller = await client('once');
    await results(caller, 0, { status: 'pending' });
    await caller.next('agent_response', 1);
    caller.send({ type: 'user_message', text: '1234' });
    await results(caller, 1, { status: 'pending', valid: false });
    await caller.until(() => caller.closeCode);
    expect(caller.messages.filter(each => each['type'] === 'client_tool_call')).toHaveLength(2);
  });

  it('has a tone of its own for each sentence', () => {
    expect(new Set(Object.values(otpTones)).size).toBe(Object.keys(otpTones).length);
  });
});
