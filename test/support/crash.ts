import { createHmac, randomInt } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SimCaller } from '../../src/sim/caller/caller.ts';
import { SimWorld } from '../../src/sim/world.ts';
import { ServeProcess } from './serve-process.ts';
import { until } from './until.ts';

const secret = 'a-webhook-secret-0123456789';
const apiKey = 'a-key-to-read-records';
const callers = 6;
/** A start may take long on a machine that does a lot besides. */
const startMs = 90_000;

export interface CrashReport {
  readonly kills: number;
  /** Calls that were answered, as the callers saw it. */
  readonly answered: number;
  readonly records: number;
  /** Records by how their calls ended. */
  readonly endings: Readonly<Record<string, number>>;
  /** Records that were seen to be over before a kill. */
  readonly witnessed: number;
  /** Of those, records that are gone or say something else now. */
  readonly lost: readonly string[];
  /** Answered calls without any record. */
  readonly forgotten: readonly string[];
  /** Calls with two records. */
  readonly duplicated: readonly string[];
  readonly running: readonly string[];
  readonly deliveries: number;
  /** Records whose end was never told. */
  readonly untold: readonly string[];
  /** Ends that were told more than once. */
  readonly toldAgain: number;
}

interface Shown {
  readonly conversation_id: string;
  readonly status: string;
  readonly termination_reason: string;
}

/** The operator's server: it takes events, fails now and then, and counts which call each is of. */
class Receiver {
  readonly told = new Map<string, number>();
  deliveries = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<Receiver> {
    const server = createServer();
    const receiver = new Receiver(server);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        const given = String(request.headers['elevenlabs-signature']);
        const fails = randomInt(10) === 0 || !isSigned(given, body);
        if (!fails) receiver.#take(body);
        response.writeHead(fails ? 503 : 200).end();
      });
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/events`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #take(body: string): void {
    const { event_id } = JSON.parse(body) as { event_id: string };
    const call = /"conversation_id":"([^"]+)"/.exec(body)?.[1] ?? event_id;
    this.deliveries += 1;
    this.told.set(call, (this.told.get(call) ?? 0) + 1);
  }
}

function isSigned(header: string, body: string): boolean {
  const at = /t=(\d+)/.exec(header)?.[1] ?? '';
  return header.includes(createHmac('sha256', secret).update(`${at}.${body}`).digest('hex'));
}

/** Kills a daemon under load `kills` times at random moments, and looks at what is left when it runs for the last time. */
export async function crash(kills: number): Promise<CrashReport> {
  const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-crash-'));
  writeFileSync(join(folder, 'trunkbridge.yaml'), 'agent:\n  settle_ms: 0\n');
  const world = await SimWorld.start({
    agentId: 'agent_echo',
    agent: { keepAudioBytes: 0, keepConversations: 1, agents: { agent_echo: { mode: 'echo' } } },
  });
  const receiver = await Receiver.start();
  const stage = new Stage(folder, world, receiver);
  try {
    for (let kill = 0; kill < kills; kill++) await stage.round();
    return await stage.judge(kills);
  } finally {
    await stage.stop();
    receiver.close();
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

class Stage {
  readonly #folder: string;
  readonly #world: SimWorld;
  readonly #receiver: Receiver;
  readonly #answered = new Set<string>();
  /** By call id, how it was seen to have ended. */
  readonly #witnessed = new Map<string, Shown>();
  #daemon: ServeProcess | undefined;
  #made = 0;

  constructor(folder: string, world: SimWorld, receiver: Receiver) {
    this.#folder = folder;
    this.#world = world;
    this.#receiver = receiver;
  }

  async stop(): Promise<void> {
    await this.#daemon?.kill();
  }

  /** Starts it, lets calls come and go, and kills it in the middle of that. */
  async round(): Promise<void> {
    const daemon = this.#start();
    const [sip, http] = [await daemon.port('sip tcp', startMs), await daemon.port('http')];
    const load = Promise.all(Array.from({ length: callers }, () => this.#caller(daemon, sip)));
    const watch = this.#watch(daemon, http);
    await pause(randomInt(300, 2_500));
    await daemon.kill();
    await Promise.all([load, watch]);
  }

  async judge(kills: number): Promise<CrashReport> {
    const daemon = this.#start();
    const http = await daemon.port('http', startMs);
    const metrics = async () => (await ask(http, '/metrics')).text();
    const none = 'trunkbridge_outbox_deliveries{state="waiting"} 0';
    await until(async () => (await metrics()).includes(none), 'every event to be told', 180_000);
    const records = await this.#all(http);
    const byConversation = new Map(records.map(record => [record.conversation_id, record]));
    const known = new Map<string, number>();
    for (const { conversation_id } of records) {
      const whole = await ask(http, `/v1/convai/conversations/${conversation_id}`);
      const { metadata } = (await whole.json()) as { metadata: { phone_call: { call_id: string } } };
      const { call_id } = metadata.phone_call;
      known.set(call_id, (known.get(call_id) ?? 0) + 1);
    }
    const endings: Record<string, number> = {};
    for (const { termination_reason: why } of records) endings[why] = (endings[why] ?? 0) + 1;
    return {
      kills,
      answered: this.#answered.size,
      records: records.length,
      endings,
      witnessed: this.#witnessed.size,
      lost: [...this.#witnessed.values()]
        .filter(
          seen => byConversation.get(seen.conversation_id)?.termination_reason !== seen.termination_reason,
        )
        .map(({ conversation_id }) => conversation_id),
      forgotten: [...this.#answered].filter(call => !known.has(call)),
      duplicated: [...known].filter(([, count]) => count > 1).map(([call]) => call),
      running: records.filter(({ status }) => !isOver(status)).map(({ conversation_id }) => conversation_id),
      deliveries: this.#receiver.deliveries,
      untold: records
        .filter(({ conversation_id }) => !this.#receiver.told.has(conversation_id))
        .map(({ conversation_id }) => conversation_id),
      toldAgain: [...this.#receiver.told.values()].filter(times => times > 1).length,
    };
  }

  #start(): ServeProcess {
    this.#daemon = new ServeProcess({
      cwd: this.#folder,
      args: ['--config', join(this.#folder, 'trunkbridge.yaml')],
      env: {
        ...this.#world.environment(),
        SIP_LISTEN: 'tcp://127.0.0.1:0',
        DATA_DIR: join(this.#folder, 'data'),
        MEDIA_WORKERS: '1',
        RTP_PORTS: '31000-31999',
        API_KEYS: `test:read:${apiKey}`,
        POST_CALL_WEBHOOK_URL: this.#receiver.url,
        WEBHOOK_SECRET: secret,
        WEBHOOK_NETWORKS: '127.0.0.0/8',
      },
    });
    return this.#daemon;
  }

  /** Calls, waits a moment, hangs up, and again, until the daemon is gone. */
  async #caller(daemon: ServeProcess, port: number): Promise<void> {
    const caller = await SimCaller.connect({ transport: 'tcp', host: '127.0.0.1', port }).catch(
      () => undefined,
    );
    while (caller !== undefined && daemon.running && !caller.closed) {
      this.#made += 1;
      const id = `crash-${this.#made}`;
      const call = await caller.call({ codec: 'PCMU', headers: [['X-CALL-ID', id]] });
      const status = await Promise.race([
        call.answered.then(outcome => outcome.status),
        call.ended.then(() => 0),
        pause(5_000).then(() => 0),
      ]);
      if (status === 200) {
        this.#answered.add(id);
        await pause(randomInt(0, 300));
        await Promise.race([call.hangup(), call.ended, pause(2_000)]);
      }
    }
    caller?.close();
  }

  /** Looks again and again which calls are over. */
  async #watch(daemon: ServeProcess, http: number): Promise<void> {
    while (daemon.running) {
      const page = await ask(http, '/v1/convai/conversations?page_size=100&state=ended')
        .then(answer => answer.json() as Promise<{ conversations: Shown[] }>)
        .catch(() => undefined);
      for (const shown of page?.conversations ?? []) this.#witnessed.set(shown.conversation_id, shown);
      await pause(40);
    }
  }

  async #all(http: number): Promise<Shown[]> {
    const shown: Shown[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const answer = await ask(http, `/v1/convai/conversations?page_size=100&cursor=${cursor}`);
      const page = (await answer.json()) as { conversations: Shown[]; next_cursor: string | null };
      shown.push(...page.conversations);
      cursor = page.next_cursor;
    }
    return shown;
  }
}

const isOver = (status: string): boolean => status === 'done' || status === 'failed';

const ask = (port: number, path: string) =>
  fetch(`http://127.0.0.1:${port}${path}`, { headers: { 'xi-api-key': apiKey } });

const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms));
