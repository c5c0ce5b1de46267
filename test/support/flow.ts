import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { App } from '../../src/app.ts';
import type { EndingReason } from '../../src/core/ending.ts';
import type { SimAgentOptions, SimScript } from '../../src/sim/agent/options.ts';
import type { CallOptions, SimCall } from '../../src/sim/caller/call.ts';
import { SimCaller } from '../../src/sim/caller/caller.ts';
import type { SimTwilioOptions } from '../../src/sim/twilio/server.ts';
import { SimWorld } from '../../src/sim/world.ts';
import { Series } from './series.ts';
import { until } from './until.ts';

/** A line of the daemon's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string; readonly level: string };

export interface BridgeOptions {
  /** What the agent does; echo unless given. */
  readonly script?: SimScript;
  readonly agent?: SimAgentOptions;
  readonly twilio?: SimTwilioOptions;
  /** Variables of the daemon, on top of those that point it at the stand-ins. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether the daemon knows the auth token of the account, which webhooks are signed with. */
  readonly twilioToken?: boolean;
  /** The configuration file of the daemon. */
  readonly yaml?: string;
  /** Whether an operator has let agents send on their own. */
  readonly sends?: boolean;
  /** Whether Twilio is asked about the connection itself, as it is in production; false unless given. */
  readonly checkTwilio?: boolean;
}

/** Modules of the built daemon; what runs in a thread is there as JavaScript. */
const built = <T>(path: string) =>
  import(/* @vite-ignore */ new URL(`../../dist/src/${path}`, import.meta.url).href) as Promise<T>;

/** Each worker of vitest has a range to itself: two daemons would take each other's ports. */
export const firstPort = 20_000 + 2_000 * (Number(process.env['VITEST_POOL_ID'] ?? 0) % 5);

/** Key of an admin, where a test has no keys of its own. */
export const bossKey = 'a-key-of-who-allows-sends';

/** The environment of a daemon in `world`. `API_KEYS` is set because metrics are not for everyone. */
export function environmentOf(world: SimWorld, more: Readonly<Record<string, string>> = {}) {
  return {
    ...world.environment(),
    MEDIA_WORKERS: '1',
    RTP_PORTS: `${firstPort}-${firstPort + 1999}`,
    API_KEYS: `test:read:a-key-to-read-metrics,boss:admin:${bossKey}`,
    LOG_LEVEL: 'debug',
    ...more,
  };
}

/** The daemon has its main thread together with the test and the stand-ins: how late it is says nothing of it. */
const unhurried = { mainLagMs: 1e6, workerLagMs: 1e6, connectionLagMs: 1e6 } as const;

/** A daemon in this process with its real threads and sockets, and the stand-ins around it. */
export class Bridge {
  readonly world: SimWorld;
  readonly app: App;
  readonly lines: LogLine[];
  readonly #callers: SimCaller[] = [];
  readonly #configure: (yaml: string) => void;

  constructor(world: SimWorld, app: App, lines: LogLine[], configure: (yaml: string) => void) {
    this.world = world;
    this.app = app;
    this.lines = lines;
    this.#configure = configure;
  }

  get sipPort(): number {
    return this.port('tcp');
  }

  port(transport: 'tcp' | 'tls'): number {
    const bound = this.app.sip.find(listen => listen.transport === transport);
    if (bound === undefined) throw new Error(`nothing listens for ${transport}`);
    return bound.port;
  }

  /** A PBX with a connection of its own. */
  async caller(transport: 'tcp' | 'tls' = 'tcp'): Promise<SimCaller> {
    const caller = await SimCaller.connect({
      transport,
      host: '127.0.0.1',
      port: this.port(transport),
      ca: this.world.certificate.cert,
    });
    this.#callers.push(caller);
    return caller;
  }

  /** A call over a connection of its own. */
  async call(options: Partial<CallOptions> = {}, transport: 'tcp' | 'tls' = 'tcp'): Promise<SimCall> {
    const caller = await this.caller(transport);
    return caller.call({ codec: 'PCMU', ...options });
  }

  /** A call that was answered. */
  async answered(options: Partial<CallOptions> = {}, transport: 'tcp' | 'tls' = 'tcp'): Promise<SimCall> {
    const call = await this.call(options, transport);
    const { status } = await call.answered;
    expect(status).toBe(200);
    return call;
  }

  /** Lines with this text, oldest first. */
  log(msg: string): LogLine[] {
    return this.lines.filter(line => line.msg === msg);
  }

  /** The line of the first call that is over, or of call number `index` in the order of ending. */
  ended(index = 0): Promise<LogLine & { readonly reason: EndingReason }> {
    return until(() => this.log('call ended')[index] as never, 'a line "call ended"', 15_000);
  }

  /** Has the daemon read another configuration file. */
  async reload(yaml: string): Promise<void> {
    this.#configure(yaml);
    expect(await this.app.reload()).toMatchObject({ ok: true });
  }

  async metrics(): Promise<Series> {
    const response = await this.http('/metrics');
    expect(response.status).toBe(200);
    return new Series(await response.text());
  }

  /** A request with the key that may read, unless `init` has another. */
  http(path: string, init: RequestInit = {}): Promise<Response> {
    const { address, port } = this.app.http;
    return fetch(`http://${address}:${port}${path}`, {
      headers: { 'xi-api-key': 'a-key-to-read-metrics' },
      ...init,
    });
  }

  /** Lets agents send on their own, as an operator does. */
  async allowSends(): Promise<void> {
    const answer = await this.http('/v1/twilio/allow-sends', {
      method: 'POST',
      headers: { 'xi-api-key': bossKey, 'content-type': 'application/json' },
      body: JSON.stringify({ allow: true, confirm: true, reason: 'a test of what is allowed' }),
    });
    expect(answer.status).toBe(200);
  }

  /** Settles when nothing of any call is left; the peers keep their connections. */
  async idle(): Promise<void> {
    await until(
      () => {
        const { calls, legs, ports, dialogs } = this.app.load();
        return calls + legs + ports + dialogs === 0;
      },
      () => `a daemon without calls: ${JSON.stringify(this.app.load())}`,
      15_000,
    );
    await until(() => this.world.agent.open === 0, 'the last socket of an agent to close');
  }

  /** Lets the callers go and gives everything back; fails when anything is still held. */
  async stop(): Promise<void> {
    await this.idle();
    for (const caller of this.#callers) caller.close();
    await until(() => this.app.load().connections === 0, 'the last SIP connection to close');
    await this.discard();
    const { calls, legs, connections, transactions, dialogs, timers } = this.app.load();
    expect({ calls, legs, connections, transactions, dialogs, timers }).toEqual({
      calls: 0,
      legs: 0,
      connections: 0,
      transactions: 0,
      dialogs: 0,
      timers: 0,
    });
    expect(
      this.lines.filter(line => String(line.msg).startsWith('fault') || line['reason'] === 'internal-error'),
    ).toEqual([]);
  }

  /** Gives everything back, whatever state it is in. */
  async discard(): Promise<void> {
    for (const caller of this.#callers) caller.close();
    await this.app.close();
    await this.world.close();
  }
}

const configPath = 'test.yaml';

/** Reads the configuration that is not there, and other files that are. */
const fileOr = (yaml: string) => (path: string) => (path === configPath ? yaml : readFileSync(path, 'utf8'));

export async function startBridge(options: BridgeOptions = {}): Promise<Bridge> {
  const { loadConfig } = await built<typeof import('../../src/config/load.ts')>('config/load.js');
  const { createLogger } =
    await built<typeof import('../../src/observability/log.ts')>('observability/log.js');
  const { startApp } = await built<typeof import('../../src/app.ts')>('app.js');
  const { stackLimits } =
    await built<typeof import('../../src/sip/embedded/limits.ts')>('sip/embedded/limits.js');
  const script = options.script ?? { mode: 'echo' };
  const world = await SimWorld.start({
    agentId: 'agent_under_test',
    agent: { ...options.agent, agents: { agent_under_test: script } },
    ...(options.twilio === undefined ? {} : { twilio: options.twilio }),
  });
  const env = environmentOf(world, {
    ...(options.twilioToken === true ? { TWILIO_AUTH_TOKEN: world.twilio.authToken } : {}),
    ...options.env,
  });
  let { yaml } = options;
  const load = () => {
    const file = yaml === undefined ? {} : { path: configPath, read: fileOr(yaml) };
    return loadConfig({ env, sipLimits: stackLimits, ...file });
  };
  const loaded = load();
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.failure));
  const lines: LogLine[] = [];
  const log = createLogger(loaded.value.config.log.level, {
    write: (line: string) => void lines.push(JSON.parse(line) as LogLine),
  });
  const { config } = loaded.value;
  try {
    const app = await startApp(
      { ...config, sip: { ...config.sip, limits: { ...unhurried, ...config.sip.limits } } },
      // What the stand-in is asked is counted: only calls ask it something.
      { log, checkTwilio: options.checkTwilio ?? false, load },
    );
    const bridge = new Bridge(world, app, lines, changed => {
      yaml = changed;
    });
    if (options.sends === true) await bridge.allowSends();
    return bridge;
  } catch (error) {
    await world.close();
    throw error;
  }
}

/** Runs `body` with a daemon of its own, and afterwards sees that nothing is left of its calls. */
export async function withBridge(
  options: BridgeOptions,
  body: (bridge: Bridge) => Promise<void>,
): Promise<void> {
  const bridge = await startBridge(options);
  try {
    await body(bridge);
  } catch (error) {
    const log = bridge.lines.slice(-40).map(line => JSON.stringify(line));
    await bridge.discard();
    if (error instanceof Error) error.message += `\nThe log ended with:\n${log.join('\n')}`;
    throw error;
  }
  await bridge.stop();
}
