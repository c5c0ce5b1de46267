import { generate } from 'selfsigned';
import { afterEach, describe, expect, it } from 'vitest';
import type { AgentStart } from '../../../../src/agent/agent.ts';
import { type AgentLimits, agentLimits } from '../../../../src/agent/elevenlabs/limits.ts';
import { newMessageCounts } from '../../../../src/agent/elevenlabs/message-counts.ts';
import { ElevenLabsSession } from '../../../../src/agent/elevenlabs/session.ts';
import { connectWith, type SocketEnd } from '../../../../src/agent/elevenlabs/socket.ts';
import { TicketOffice } from '../../../../src/agent/elevenlabs/ticket.ts';
import { type AudioFormat, audioFormats, bytesPerSample, sampleRate } from '../../../../src/core/audio.ts';
import { systemClock } from '../../../../src/core/clock.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import { SimAgent } from '../../../../src/sim/agent/agent.ts';
import type { Misbehaviour, SimAgentOptions, SimScript } from '../../../../src/sim/agent/options.ts';
import { RecordingListener } from './recording-listener.ts';

const open: SimAgent[] = [];
afterEach(async () => {
  for (const agent of open.splice(0)) await agent.close();
});

async function sim(script: SimScript, options: SimAgentOptions = {}): Promise<SimAgent> {
  const agent = await SimAgent.start({ otherwise: script, pingMs: 0, ...options });
  open.push(agent);
  return agent;
}

/** A session with the stand-in over a real socket. */
async function converse(agent: SimAgent, start: Partial<AgentStart> = {}, limits: Partial<AgentLimits> = {}) {
  const office = new TicketOffice({
    baseUrl: agent.baseUrl,
    apiKey: agent.apiKey,
    timeoutMs: 10_000,
    log: silentLogger,
  });
  const ticket = await office.signedUrl('agent_test');
  if (!ticket.ok) throw ticket.failure;
  const listener = new RecordingListener();
  const counts = newMessageCounts();
  const all = { ...agentLimits, ...limits };
  const session = new ElevenLabsSession({
    start: {
      url: ticket.value,
      dynamicVariables: { caller_id: '+14155550123' },
      startTimeoutMs: 10_000,
      inputChunkMs: 20,
      ...start,
    },
    listener,
    clock: systemClock,
    log: silentLogger,
    connect: connectWith(all),
    limits: all,
    counts,
  });
  return { session, listener, counts, url: ticket.value };
}

async function misbehaving(how: Misbehaviour, start: Partial<AgentStart> = {}) {
  const agent = await sim({ mode: 'misbehave', how });
  return { agent, ...(await converse(agent, start)) };
}

async function endOf(how: Misbehaviour, start: Partial<AgentStart> = {}): Promise<string | undefined> {
  const { listener } = await misbehaving(how, start);
  await listener.until(({ endings }) => endings.length > 0);
  return listener.endings[0]?.reason;
}

describe('a conversation over a real socket', () => {
  it.each(audioFormats.map(format => [format]))('echoes %s byte for byte', async (format: AudioFormat) => {
    const agent = await sim({ mode: 'echo', inputFormat: format, outputFormat: format });
    const { session, listener } = await converse(agent);
    await listener.until(({ metadata }) => metadata !== undefined);
    const sound = Buffer.from(Array.from({ length: 9600 }, (_, i) => (i * 31) % 253));
    session.input?.write(sound);
    const chunk = Math.floor(sampleRate(format) / 50) * bytesPerSample(format);
    const whole = sound.length - (sound.length % chunk);
    await listener.until(({ soundBytes }) => soundBytes >= whole);
    const back = Buffer.concat(listener.sounds.map(each => each.bytes));
    expect(back.equals(sound.subarray(0, back.length))).toBe(true);
    const [conversation] = agent.conversations;
    expect(conversation?.audio().equals(back)).toBe(true);
    expect(conversation?.violations).toEqual([]);
    session.close();
    await agent.waitFor(() => conversation?.closed);
    expect(conversation?.closed?.code).toBe(1000);
    expect(agent.open).toBe(0);
  });

  it('answers pings, runs tools and says things', async () => {
    const agent = await sim({ mode: 'quiet' }, { pingMs: 20 });
    const { session, listener } = await converse(agent);
    const conversation = await agent.conversation(0);
    await listener.until(({ metadata }) => metadata !== undefined);
    expect(conversation.initiation?.dynamic_variables).toEqual({ caller_id: '+14155550123' });
    const asked = conversation.callTool('lookup', { Name: 'Zoë' });
    await listener.until(({ calls }) => calls.length > 0);
    expect(listener.calls[0]).toMatchObject({ name: 'lookup', parameters: { Name: 'Zoë' } });
    session.answerTool({ id: listener.calls[0]!.id, result: '{"status":"ok"}', isError: false });
    expect(await asked).toMatchObject({ result: '{"status":"ok"}', is_error: false });
    session.tell('42', 'turn');
    session.tell('quiet word', 'context');
    await conversation.until(
      ({ contextualUpdates, pongs }) => contextualUpdates.length > 0 && pongs.length > 1,
    );
    expect(conversation.userMessages).toEqual(['42']);
    expect(conversation.contextualUpdates).toEqual(['quiet word']);
    expect(conversation.violations).toEqual([]);
    session.close();
  });

  it('ends with the agent: the whole tone came before, and the close with 1000 is told once', async () => {
    const agent = await sim({ mode: 'tone', hz: 440, seconds: 0.5, endCall: true }, { leadMs: 10_000 });
    const { listener } = await converse(agent);
    await listener.until(({ endings }) => endings.length > 0);
    expect(listener.soundBytes).toBe(16_000);
    await agent.waitFor(() => agent.open === 0);
    expect(listener.endings).toEqual([{ result: 'success', reason: 'agent-ended-call' }]);
  });

  it('refuses a certificate that nobody vouches for', async () => {
    const pems = await generate([{ name: 'commonName', value: 'localhost' }], { keySize: 2048 });
    const agent = await sim({ mode: 'quiet' }, { tls: { key: pems.private, cert: pems.cert } });
    expect(agent.baseUrl).toMatch(/^https:/);
    // The certificate is signed by nobody, and nobody told this process to trust it.
    const ends: SocketEnd[] = [];
    await new Promise<void>(resolve => {
      connectWith()(agent.baseUrl.replace('https', 'wss'), {
        opened: () => undefined,
        text: () => undefined,
        binary: () => undefined,
        ended: end => {
          ends.push(end);
          resolve();
        },
      });
    });
    expect(ends).toEqual([{ kind: 'failed', code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }]);
  });

  it('uses a signed url once: the second time it is agent-unauthorized', async () => {
    const agent = await sim({ mode: 'quiet' });
    const { session, listener, url } = await converse(agent);
    await listener.until(({ metadata }) => metadata !== undefined);
    session.close();
    const { listener: again } = await converse(agent, { url });
    await again.until(({ endings }) => endings.length > 0);
    expect(again.endings[0]?.reason).toBe('agent-unauthorized');
  });

  it.each(['ws://192.0.2.1/x', 'http://127.0.0.1/x', 'not a url'])('never opens %s', async url => {
    const listener = new RecordingListener();
    new ElevenLabsSession({
      start: { url, dynamicVariables: {}, startTimeoutMs: 10_000, inputChunkMs: 20 },
      listener,
      clock: systemClock,
      log: silentLogger,
      connect: connectWith(),
    });
    await listener.until(({ endings }) => endings.length > 0);
    expect(listener.endings).toEqual([
      { result: 'agent', reason: 'agent-unreachable', detail: 'INSECURE_URL' },
    ]);
  });

  it('can be closed while it connects, and tells nothing', async () => {
    const agent = await sim({ mode: 'quiet' });
    const { session, listener } = await converse(agent);
    session.close();
    const second = await converse(agent);
    await second.listener.until(({ metadata }) => metadata !== undefined);
    expect(listener.endings).toEqual([]);
    second.session.close();
  });
});

describe('an agent that misbehaves over a real socket', () => {
  it('and is slow begins late', async () => {
    const { listener, session } = await misbehaving({ kind: 'slow', delayMs: 50 });
    await listener.until(({ metadata }) => metadata !== undefined);
    expect(listener.endings).toEqual([]);
    session.close();
  });

  it('and is silent ends with agent-start-timeout, and is closed with 1000', async () => {
    const { agent, listener } = await misbehaving({ kind: 'silent' }, { startTimeoutMs: 300 });
    await listener.until(({ endings }) => endings.length > 0);
    expect(listener.endings[0]?.reason).toBe('agent-start-timeout');
    await agent.waitFor(() => agent.open === 0);
    expect(agent.conversations[0]?.closed?.code ?? 1000).toBe(1000);
  });

  it.each<[Misbehaviour, string]>([
    [{ kind: 'close', code: 1008, reason: 'bad', when: 'before-metadata' }, 'agent-contract-violation'],
    [{ kind: 'close', code: 1000, when: 'before-metadata' }, 'agent-start-failed'],
    [{ kind: 'close', code: 1002, when: { afterMetadataMs: 20 } }, 'agent-operational-failure'],
    [{ kind: 'close', code: 1011, when: { afterMetadataMs: 20 } }, 'agent-crashed'],
    [{ kind: 'close', code: 3000, when: { afterMetadataMs: 0 } }, 'agent-request-error'],
    [{ kind: 'close', code: 4001, when: { afterMetadataMs: 0 } }, 'agent-closed-unexpectedly'],
    [
      { kind: 'close', code: 1002, errorType: 'cascade_brain_error', when: { afterMetadataMs: 0 } },
      'agent-brain-error',
    ],
    [
      { kind: 'close', code: 1000, errorType: 'max_duration_exceeded', when: { afterMetadataMs: 0 } },
      'agent-max-duration',
    ],
    [
      {
        kind: 'close',
        code: 1002,
        reason: 'This request exceeds your quota limit.',
        when: 'before-metadata',
      },
      'agent-quota',
    ],
    [{ kind: 'drop', afterMetadataMs: 20 }, 'agent-lost'],
    [{ kind: 'refuse', status: 403 }, 'agent-unauthorized'],
    [{ kind: 'refuse', status: 404 }, 'agent-not-found'],
    [{ kind: 'refuse', status: 429 }, 'agent-busy'],
    [{ kind: 'refuse', status: 500 }, 'agent-unreachable'],
    [{ kind: 'format', name: 'opus_48000' }, 'agent-format-unsupported'],
    [{ kind: 'garbage', what: 'json', count: 30 }, 'agent-garbage'],
    [{ kind: 'garbage', what: 'shape', count: 30 }, 'agent-garbage'],
    [{ kind: 'garbage', what: 'binary', count: 30 }, 'agent-garbage'],
    [{ kind: 'huge', bytes: 20_000_000 }, 'agent-message-too-large'],
    [{ kind: 'queue', waitMs: 20, outcome: 'timed_out', metadata: 'first' }, 'agent-queue-timeout'],
  ])('%o ends with %s', async (how, reason) => {
    expect(await endOf(how)).toBe(reason);
  });

  it('is reached after the queue', async () => {
    for (const metadata of ['first', 'admission'] as const) {
      const how = { kind: 'queue', waitMs: 30, outcome: 'admitted', metadata } as const;
      const { listener, session } = await misbehaving(how);
      await listener.until(each => each.queued.length === 2 && each.metadata !== undefined);
      expect(listener.queued).toEqual(['waiting', 'admitted']);
      session.close();
    }
  });

  it('and sends a few bad messages goes on all the same', async () => {
    const { listener, counts, session } = await misbehaving({ kind: 'garbage', what: 'binary', count: 5 });
    await listener.until(() => counts.binary === 5);
    session.input?.write(Buffer.alloc(640, 1));
    await listener.until(({ sounds }) => sounds.length > 0);
    expect(listener.endings).toEqual([]);
    session.close();
  });

  it('and sends minutes at once in messages of 1.5 MB is heard whole', async () => {
    const { listener, counts, session } = await misbehaving({ kind: 'flood', seconds: 120 });
    await listener.until(({ soundBytes }) => soundBytes >= 120 * 32_000);
    expect(listener.soundBytes).toBe(120 * 32_000);
    expect(counts.audio).toBeLessThan(6);
    session.close();
  });

  it('and sends sound of an event that it interrupted is not heard', async () => {
    const how = { kind: 'interrupt', speakMs: 3000, atMs: 50, latePieces: 4 } as const;
    const { listener, counts, session } = await misbehaving(how);
    await listener.until(() => counts.late_audio === 4);
    session.input?.write(Buffer.alloc(640, 1));
    await listener.until(({ sounds }) => sounds.some(sound => sound.eventId === 2));
    expect(listener.interruptions).toEqual([1]);
    session.close();
  });

  it('and exceeds a limit that was set lower is told so with 1009', async () => {
    const agent = await sim({ mode: 'misbehave', how: { kind: 'huge', bytes: 4000 } });
    const { listener } = await converse(agent, {}, { maxMessageBytes: 2000 });
    await listener.until(({ endings }) => endings.length > 0);
    expect(listener.endings[0]?.reason).toBe('agent-message-too-large');
    await agent.waitFor(() => agent.conversations[0]?.closed);
    expect(agent.conversations[0]?.closed?.code).toBe(1009);
  });
});
