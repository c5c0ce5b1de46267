import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BenchChild } from './child.ts';
import { daemonFlags } from './daemon-flags.ts';
import { LagWatch } from './lags.ts';
import type { FromFloor, FromHost, ToFloor, ToGenerator, ToHost } from './messages.ts';
import type { ProfileName } from './profile.ts';

export type SubjectChild = BenchChild<ToFloor | ToHost, FromFloor | FromHost>;

/** What is measured: it carries calls between the generator and the agent. */
export interface Subject {
  readonly child: SubjectChild;
  /** Warnings and errors that it wrote. */
  readonly complaints: readonly string[];
  /** Begins to watch how late its threads are; the floor does not tell. */
  watchLag?(): LagWatch;
  /** Asks for a path of its own HTTP; the floor has none. */
  ask?(path: string): Promise<Response>;
  /** Makes it ready for the generator, and tells what that is to do. */
  open(): Promise<ToGenerator>;
  stop(): Promise<void>;
}

/** What the bridge does besides carrying calls: records as by default, webhooks as well, or nothing at all. */
export type Keeping = 'records' | 'records and webhooks' | 'nothing';

export interface SubjectOptions {
  readonly profile: ProfileName;
  readonly calls: number;
  /** Base URL of the agent, and the file with its certificate where it is https. */
  readonly agentUrl: string;
  readonly caFile?: string;
  /** Path of the built `main.js`, and threads for media. */
  readonly program: string;
  readonly workers: number;
  /** INVITEs a second, connections they come over, and how long calls live when they are to be replaced. */
  readonly perSecond: number;
  readonly connections: number;
  readonly holdMs?: number;
  /** Whether records are written and webhooks sent, or nothing is remembered. Default: records only. */
  readonly keeps?: Keeping;
  /** Whether every call is recorded, encrypted as by default. */
  readonly recording?: boolean;
  /** Whether sound is encrypted, with keys in SDP. */
  readonly srtp?: boolean;
  /** Whether sound is made in Node even where a compiled program could. */
  readonly nodeTelephones?: boolean;
  /** Calls that there is room for besides. */
  readonly spareCalls?: number;
  /** Whether new calls are refused while threads are late, as they are anywhere else. */
  readonly sheds?: boolean;
  /** Module that is loaded into the bridge before it, and through which it is put under stress. */
  readonly hook?: string;
  /** Module that is loaded into the subject before it, and by which each of its threads watches its event loop. */
  readonly lagHook?: string;
  /** Folder with records that are there already, and the key they are sealed with. */
  readonly data?: { readonly folder: string; readonly key: string };
  /** Arguments for node, besides those that every subject gets. */
  readonly nodeArgs?: readonly string[];
}

/** Room for one more second of calls than are wanted: a replaced call may still be ending. */
const usualSpare = 50;
const firstRtpPort = 20_000;
const startMs = 20_000;
const openMs = 60_000;
/** Complaints that are kept. */
const keptComplaints = 10;

const imported = (path: string | undefined): string[] =>
  path === undefined ? [] : [`--import=${pathToFileURL(path).href}`];

function nodeArgs(flags: readonly string[], options: SubjectOptions): string[] {
  const { hook, lagHook, nodeArgs: more = [] } = options;
  // V8 writes its traces without asking whether anybody reads: with a log that stalls the trace would stall the thread.
  const own = hook === undefined ? ['--trace-gc'] : ['--expose-gc', ...imported(hook)];
  return [...flags, ...own, ...imported(lagHook), ...more];
}

const trust = ({ caFile }: SubjectOptions): Record<string, string> =>
  caFile === undefined ? {} : { NODE_EXTRA_CA_CERTS: caFile };

/** The bridge: `trunkbridge serve` with a configuration of its own. */
export async function startBridge(options: SubjectOptions): Promise<Subject> {
  const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-bench-'));
  const file = join(folder, 'trunkbridge.yaml');
  writeFileSync(file, configuration(options));
  const complaints: string[] = [];
  const listening = new Map<string, number>();
  let settle = (): void => undefined;
  const started = new Promise<void>(resolve => {
    settle = resolve;
  });
  const child: SubjectChild = new BenchChild('bridge', options.program, {
    args: ['serve', '--config', file],
    nodeArgs: nodeArgs(daemonFlags, options),
    channel: (options.hook ?? options.lagHook) !== undefined,
    ...(options.hook === undefined ? {} : { fifo: join(folder, 'log') }),
    env: { ...environment(options), ...trust(options), ...durable(folder, options) },
    onLine(line) {
      if (/"level":"(warn|error|fatal)"/.test(line) && complaints.length < keptComplaints)
        complaints.push(line);
      if (listening.has('http') || !line.includes('"listening"')) return;
      const { for: what, at } = JSON.parse(line) as { for: string; at: string };
      listening.set(what, Number(at.slice(at.lastIndexOf(':') + 1)));
      if (listening.has('http')) settle();
    },
  });
  const stop = async () => {
    await child.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await child.orFail(started, startMs, 'its ports');
  } catch (error) {
    await stop();
    throw error;
  }
  const { profile, calls, perSecond, connections, holdMs, srtp, nodeTelephones } = options;
  const http = `http://127.0.0.1:${listening.get('http')}`;
  return {
    child,
    complaints,
    watchLag: () => new LagWatch(`${http}/metrics`, apiKey),
    ask: path => fetch(`${http}${path}`, { headers: { authorization: `Bearer ${apiKey}` } }),
    open: async () => ({
      type: 'call',
      profile,
      calls,
      perSecond,
      connections,
      port: listening.get('sip tcp') ?? 0,
      ...(holdMs === undefined ? {} : { holdMs }),
      ...(srtp === undefined ? {} : { srtp }),
      ...(nodeTelephones === undefined ? {} : { nodeTelephones }),
    }),
    stop,
  };
}

/** The bare program beside it. */
export async function startFloor(options: SubjectOptions, entry: string): Promise<Subject> {
  const child: SubjectChild = new BenchChild('floor', entry, {
    nodeArgs: nodeArgs(['--enable-source-maps'], options),
    env: trust(options),
  });
  const { profile, calls, agentUrl } = options;
  await child.hear('ready', startMs);
  return {
    child,
    complaints: [],
    async open() {
      const url = `${agentUrl.replace(/^http/, 'ws')}/v1/convai/conversation`;
      const up = child.hear('up', openMs);
      child.tell({ type: 'start', profile, calls, url });
      return { type: 'stream', profile, ports: (await up).ports };
    },
    stop: () => child.stop(),
  };
}

/** Late work is to be measured here as a rule, not turned away. */
const lagLimits = ['mainLagMs', 'workerLagMs', 'connectionLagMs'].map(name => `    ${name}: 60000\n`);
const admitsAll = `sip:\n  limits:\n${lagLimits.join('')}`;

function configuration({
  calls,
  spareCalls = usualSpare,
  keeps,
  recording,
  srtp,
  sheds,
  agentUrl,
}: SubjectOptions): string {
  const call = `call:\n  max_calls: ${calls + spareCalls}\n  max_seconds: 86400\n`;
  const webhooks =
    keeps === 'records and webhooks'
      ? `webhooks:\n  secret: of-a-benchmark-only\n  allowed_networks: [127.0.0.0/8]\n  post_call:\n    url: ${agentUrl}/hook\n`
      : '';
  const recorded = recording ? 'recording:\n  enabled: true\n' : '';
  // Calls come over TCP.
  const encrypted = srtp ? 'media:\n  encryption: required\n  sdes_over_cleartext: true\n' : '';
  return `agent:\n  settle_ms: 0\n${call}${recorded}${encrypted}${webhooks}${sheds ? '' : admitsAll}`;
}

/** With it, and only on loopback, the bench reads `/metrics` and, under stress, records. */
const apiKey = randomBytes(24).toString('hex');

/** Records are written as anywhere else, with a key that nobody has to be told to keep. */
const durable = (folder: string, { keeps, data }: SubjectOptions): Record<string, string> => ({
  DATA_DIR: keeps === 'nothing' ? ':memory:' : (data?.folder ?? join(folder, 'data')),
  DATA_KEY: data?.key ?? randomBytes(32).toString('base64'),
});

function environment({
  agentUrl,
  calls,
  spareCalls = usualSpare,
  workers,
}: SubjectOptions): Record<string, string> {
  // Twice what is needed for each worker: used ports rest before they are used again.
  const ports = 4 * (calls + spareCalls) + 200;
  return {
    ELEVENLABS_API_KEY: 'bench',
    ELEVENLABS_AGENT_ID: 'agent_bench',
    ELEVENLABS_BASE_URL: agentUrl,
    SIP_LISTEN: 'tcp://127.0.0.1:0',
    HTTP_LISTEN: '127.0.0.1:0',
    API_KEYS: `bench:read:${apiKey}`,
    RTP_PORTS: `${firstRtpPort}-${firstRtpPort + ports - 1}`,
    MEDIA_WORKERS: String(workers),
  };
}
