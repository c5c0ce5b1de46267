import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sine } from '../../../codecs/tones.ts';
import type { AgentStart } from '../../../src/agent/agent.ts';
import { TicketOffice } from '../../../src/agent/elevenlabs/ticket.ts';
import { type Clock, systemClock } from '../../../src/core/clock.ts';
import { type LegId, newCallKey } from '../../../src/core/ids.ts';
import { KeyedDigits, newDigitsKey } from '../../../src/core/keyed-digits.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import type { MediaPlan } from '../../../src/sdp/plan.ts';
import { SimAgent } from '../../../src/sim/agent/agent.ts';
import type { SimScript } from '../../../src/sim/agent/options.ts';
import { SimMedia } from '../../../src/sim/caller/media.ts';
import { runWorker, type WorkerPort } from '../../../src/worker/entry.ts';
import type { FromWorker, ToWorker, WorkerOptions } from '../../../src/worker/messages.ts';
import { plan } from '../media/media-world.ts';

const leg = 'leg_1' as LegId;

/** The main thread's end of a worker that runs in this thread. */
class Main {
  readonly heard: FromWorker[] = [];
  readonly #port: MessagePort;
  #wake: () => void = () => undefined;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (message: FromWorker) => {
      this.heard.push(message);
      this.#wake();
    });
  }

  post(message: ToWorker): void {
    this.#port.postMessage(message);
  }

  /** The first message of a type, once it has come. */
  async first<Type extends FromWorker['type']>(type: Type): Promise<Extract<FromWorker, { type: Type }>> {
    for (;;) {
      const found = this.heard.find(message => message.type === type);
      if (found !== undefined) return found as Extract<FromWorker, { type: Type }>;
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
  }

  close(): void {
    this.#port.close();
  }
}

let main: Main;
let agent: SimAgent;
let media: SimMedia;

const scripts: Readonly<Record<string, SimScript>> = {
  agent_echo: { mode: 'echo', inputFormat: 'ulaw_8000', outputFormat: 'ulaw_8000' },
  agent_goodbye: { mode: 'tone', hz: 700, seconds: 0.6, endCall: true },
  agent_quiet: { mode: 'quiet' },
  agent_refuses: { mode: 'misbehave', how: { kind: 'close', code: 1008, when: { afterMetadataMs: 0 } } },
};

const options: WorkerOptions = {
  ports: { first: 24_000, count: 200 },
  bind: { v4: '127.0.0.1', v6: '::1' },
  portRestMs: 0,
  mediaTimeoutMs: 30_000,
  drainCapMs: 10_000,
  agentMaxMessageBytes: 1 << 20,
  logLevel: 'debug',
};

beforeEach(async () => {
  const { port1, port2 } = new MessageChannel();
  main = new Main(port1);
  agent = await SimAgent.start({ agents: scripts });
  media = await SimMedia.open('127.0.0.1', 'PCMU');
  runWorker(port2, options, systemClock);
});

afterEach(async () => {
  media.close();
  main.post({ type: 'stop' });
  main.close();
  await agent.close();
});

/** A worker that is told things one right behind the other, as no port does it. */
function worker(clock: Clock) {
  const listeners: ((message: ToWorker) => void)[] = [];
  const heard: string[] = [];
  const port: WorkerPort = {
    postMessage: message => void heard.push(message.type),
    on: (_, listener) => listeners.push(listener),
    close: () => undefined,
  };
  runWorker(port, options, clock);
  return { heard, tell: (message: ToWorker) => listeners.forEach(listener => void listener(message)) };
}

const planOf = ({ port }: SimMedia): MediaPlan => ({
  ...plan,
  target: { address: '127.0.0.1', rtpPort: port, rtcpPort: port + 1 },
});

async function openLeg(): Promise<void> {
  main.post({ type: 'open', leg, options: { call: newCallKey(), wire: 'rtp', family: 4 } });
  const opened = await main.first('opened');
  main.post({ type: 'apply', leg, plan: planOf(media) });
  media.start({ address: '127.0.0.1', port: opened.local.rtpPort });
}

/** An open leg whose sound goes out because something lets its worker look: the clock is set by hand, and no timer comes. */
async function legWithoutTimers() {
  const clock = { ms: 0 };
  const { tell, heard } = worker({
    ...systemClock,
    now: () => clock.ms,
    timer: () => ({ cancel: () => undefined }),
  });
  tell({ type: 'open', leg, options: { call: newCallKey(), wire: 'rtp', family: 4 } });
  await expect.poll(() => heard).toEqual(['ready', 'opened']);
  tell({ type: 'apply', leg, plan: planOf(media) });
  return { tell, heard, clock };
}

async function startOf(agentId: string): Promise<AgentStart> {
  const office = new TicketOffice({
    baseUrl: agent.baseUrl,
    apiKey: agent.apiKey,
    timeoutMs: 5000,
    log: silentLogger,
  });
  const ticket = await office.signedUrl(agentId);
  if (!ticket.ok) throw ticket.failure;
  return { url: ticket.value, dynamicVariables: {}, startTimeoutMs: 5000, inputChunkMs: 20 };
}

async function startAgent(agentId: string): Promise<void> {
  main.post({ type: 'agent', leg, start: await startOf(agentId) });
}

describe('a media worker', () => {
  it('carries sound from the telephone to the agent and back', async () => {
    await openLeg();
    await startAgent('agent_echo');
    await main.first('agent-ready');
    main.post({ type: 'play', leg });
    media.voice = sine(8000, 1000, -10);
    await expect.poll(() => media.heard.stretch(1000).ms, { timeout: 10_000 }).toBeGreaterThan(300);
    main.post({ type: 'close', leg });
    const { stats } = await main.first('closed');
    expect(stats.codec).toBe('PCMU');
    expect(stats.packetsSent).toBeGreaterThan(15);
    await agent.waitFor(each => each.conversations[0]?.closed?.code === 1000);
  });

  it('holds what the agent says until it is told to play, and then plays it from its first sample', async () => {
    await openLeg();
    await startAgent('agent_goodbye');
    await main.first('agent-ready');
    await expect.poll(() => media.heard.ms, { timeout: 10_000 }).toBeGreaterThan(200);
    expect(media.heard.stretch(700).ms).toBe(0);
    main.post({ type: 'play', leg });
    const { end } = await main.first('agent-ended');
    expect(end.reason).toBe('agent-ended-call');
    await expect.poll(() => media.heard.stretch(700).ms, { timeout: 10_000 }).toBeGreaterThanOrEqual(580);
  });

  it('tells at once that an agent failed before it was to be heard', async () => {
    await openLeg();
    await startAgent('agent_refuses');
    expect((await main.first('agent-ended')).end.reason).toBe('agent-contract-violation');
  });

  it('answers a leg that it does not know with nothing, and goes on', async () => {
    main.post({ type: 'play', leg: 'leg_unknown' as LegId });
    await openLeg();
    const heard = main.heard.map(({ type }) => type).filter(type => type !== 'lag');
    expect(heard).toEqual(['ready', 'opened']);
  });

  it('does what it is told of a leg that is still being opened once it is open, in order', async () => {
    const { tell, heard } = worker(systemClock);
    tell({ type: 'open', leg, options: { call: newCallKey(), wire: 'rtp', family: 4 } });
    tell({ type: 'secure', leg, ask: 1, key: undefined });
    tell({ type: 'close', leg });
    expect(heard).toEqual(['ready']);
    await expect.poll(() => heard).toEqual(['ready', 'opened', 'done', 'closed']);
    tell({ type: 'stop' });
  });

  it('sends what is due between the things that it is told, and does not wait for its timer', async () => {
    const { tell, clock } = await legWithoutTimers();
    for (clock.ms = 5; clock.ms <= 200; clock.ms += 5) tell({ type: 'tell', leg, text: '', how: 'context' });
    await expect.poll(() => media.reception.packets).toBeGreaterThanOrEqual(9);
    tell({ type: 'stop' });
  });

  it('sends what is due between what agents say, and does not wait for its timer', async () => {
    const { tell, heard, clock } = await legWithoutTimers();
    tell({ type: 'agent', leg, start: await startOf('agent_quiet') });
    await expect.poll(() => heard).toContain('agent-ready');
    const conversation = await agent.conversation(0);
    const before = media.reception.packets;
    for (let said = 1; said <= 10; said++) {
      clock.ms += 20;
      conversation.sayText('Good morning');
      await expect.poll(() => heard.filter(type => type === 'turn').length).toBe(said);
    }
    await expect.poll(() => media.reception.packets - before).toBeGreaterThanOrEqual(9);
    tell({ type: 'stop' });
  });

  it('tells once a second what it has done', async () => {
    await openLeg();
    const pulse = await main.first('pulse');
    expect(pulse).toMatchObject({ legs: 1, ports: 2 });
    expect(pulse.metrics.packetsSent).toBeGreaterThan(0);
  });

  it('presses keys, and tells when they are through and when the agent has finished', async () => {
    await openLeg();
    await startAgent('agent_goodbye');
    await main.first('agent-ready');
    main.post({ type: 'play', leg });
    main.post({ type: 'quiet', leg, ask: 7, longestMs: 5000 });
    const done = (ask: number) => main.heard.find(message => message.type === 'done' && message.ask === ask);
    await expect.poll(() => done(7), { timeout: 10_000 }).toEqual({ type: 'done', leg, ask: 7, ok: true });
    expect(media.heard.stretch(700).ms).toBeGreaterThanOrEqual(580);
    main.post({ type: 'digits', leg, ask: 8, keys: '4', form: 'tones' });
    await expect.poll(() => done(8), { timeout: 10_000 }).toMatchObject({ ok: true });
    await expect.poll(() => media.heard.stretch(770).ms, { timeout: 10_000 }).toBeGreaterThan(60);
    main.post({ type: 'digits', leg, ask: 9, keys: '1'.repeat(65), form: 'tones' });
    await expect.poll(() => done(9), { timeout: 10_000 }).toMatchObject({ ok: false });
  });

  it('says when it is in secure mode, and tells then what is keyed under the key that it was given', async () => {
    await openLeg();
    await startAgent('agent_quiet');
    await main.first('agent-ready');
    const key = newDigitsKey();
    main.post({ type: 'secure', leg, ask: 3, key });
    expect(await main.first('done')).toEqual({ type: 'done', leg, ask: 3, ok: true });
    media.key('4711#');
    const { digits } = await main.first('keyed');
    expect(KeyedDigits.unseal(digits, key).take()).toBe('4711');
    expect(agent.conversations[0]?.told).toEqual([]);
  });

  it('tells what was said and keyed, and plays a sound of ours before what the agent says', async () => {
    await openLeg();
    await startAgent('agent_quiet');
    await main.first('agent-ready');
    main.post({ type: 'play', leg });
    const conversation = await agent.conversation(0);
    conversation.sayText('Good morning');
    expect((await main.first('turn')).news).toEqual({
      kind: 'said',
      role: 'agent',
      text: 'Good morning',
      eventId: 1,
    });
    main.post({ type: 'digit', leg, digit: '7' });
    main.post({ type: 'digit', leg, digit: '#' });
    const keyed = () => main.heard.find(each => each.type === 'turn' && each.news.kind === 'keyed');
    await expect.poll(keyed, { timeout: 10_000 }).toMatchObject({ news: { text: '7' } });
    main.post({ type: 'prompt', leg, ask: 3, prompt: 'beep', when: 'now' });
    await conversation.say(700, 300);
    await expect
      .poll(() => main.heard.find(each => each.type === 'done'), { timeout: 10_000 })
      .toEqual({
        type: 'done',
        leg,
        ask: 3,
        ok: true,
      });
    await expect.poll(() => media.heard.stretch(700).ms, { timeout: 10_000 }).toBeGreaterThan(250);
    expect(media.heard.stretch(1000).to).toBeLessThanOrEqual(media.heard.stretch(700).from);
    expect(media.heard.stretch(1000).ms).toBeGreaterThan(350);
  });

  it('joins two legs: both hear each other, and the agent is closed with 1000', async () => {
    await openLeg();
    await startAgent('agent_quiet');
    await main.first('agent-ready');
    main.post({ type: 'play', leg });
    const other = 'leg_2' as LegId;
    const telephone = await SimMedia.open('127.0.0.1', 'PCMA');
    try {
      main.post({
        type: 'open',
        leg: other,
        options: { call: newCallKey(), wire: 'rtp', family: 4, near: leg },
      });
      const opened = () =>
        main.heard.flatMap(each => (each.type === 'opened' && each.leg === other ? [each.local] : []))[0];
      await expect.poll(opened, { timeout: 10_000 }).toBeDefined();
      main.post({ type: 'join', leg, other, how: 'early' });
      const target = { address: '127.0.0.1', rtpPort: telephone.port, rtcpPort: telephone.port + 1 };
      const plan: MediaPlan = {
        codec: 'PCMA',
        sendPayloadType: 8,
        receivePayloadTypes: { 8: 'PCMA' },
        packetTime: 20,
        direction: 'sendrecv',
        target,
      };
      main.post({ type: 'apply', leg: other, plan });
      telephone.start({ address: '127.0.0.1', port: opened()?.rtpPort ?? 0 });
      telephone.voice = sine(8000, 1100, -10);
      await expect.poll(() => media.heard.stretch(1100).ms, { timeout: 10_000 }).toBeGreaterThan(300);
      expect(agent.conversations[0]?.closed).toBeUndefined();
      main.post({ type: 'join', leg, other, how: 'full' });
      await agent.waitFor(each => each.conversations[0]?.closed?.code === 1000);
      media.voice = sine(8000, 700, -10);
      await expect.poll(() => telephone.heard.stretch(700).ms, { timeout: 10_000 }).toBeGreaterThan(300);
      expect(main.heard.map(({ type }) => type)).not.toContain('agent-ended');
      main.post({ type: 'join', leg, other: 'leg_unknown' as LegId, how: 'full' });
      main.post({ type: 'close', leg: other });
      await main.first('closed');
    } finally {
      telephone.close();
    }
  });
});
