import { type ClientData, readClientData } from '../agent/elevenlabs/protocol/client-data.ts';
import { type CallOutcome, outcomeOf } from '../call/outcome.ts';
import type { Config } from '../config/config.ts';
import { readText } from '../config/sources.ts';
import { type Ending, sentence } from '../core/ending.ts';
import { messageOf } from '../core/errors.ts';
import type { LegStats } from '../core/leg-stats.ts';
import { peekSwitches } from '../store/peek.ts';
import { type Arguments, type Command, type ExitCode, exitCodes, type Io } from './command.ts';
import { configurationHelp, configurationOptions, readConfiguration } from './configuration.ts';

/** What `startApp` gives, as far as this command uses it. */
export interface CallingApp {
  place(request: {
    readonly trunk: string;
    readonly to: string;
    readonly from?: string;
    readonly agentId: string;
    readonly clientData?: ClientData;
  }): Promise<
    { readonly ok: true; readonly value: PlacedCall } | { readonly ok: false; readonly failure: Ending }
  >;
  stopCalls(): void;
  close(): Promise<void>;
}

interface PlacedCall {
  readonly ended: Promise<{ readonly end: Ending; readonly answered: boolean; readonly stats: LegStats }>;
}

export const command: Command = {
  usage: '--trunk NAME --to NUMBER [--from NUMBER] [--agent ID] [--data JSON|@FILE] [--config FILE]',
  options: {
    ...configurationOptions,
    trunk: { type: 'string', short: 't' },
    to: { type: 'string' },
    from: { type: 'string' },
    agent: { type: 'string', short: 'a' },
    data: { type: 'string', short: 'd' },
  },
  help: () => `Calls a number over a trunk, lets the agent talk, and tells how it went. It needs no running daemon, and one
that runs is not disturbed: SIP and HTTP take free ports. SIGINT or SIGTERM hangs up. While the kill switch is on
(tools.kill_switch, or the switch in the store of DATA_DIR or DATABASE_URL) nobody is called.

Options:
  -t, --trunk NAME   trunk with an outbound_trunk_config
      --to NUMBER    number to call, with plus and country code
      --from NUMBER  number that calls (default: from of the trunk, or its user name)
  -a, --agent ID     agent that talks (default: ELEVENLABS_AGENT_ID)
  -d, --data JSON    what the conversation begins with: dynamic_variables, conversation_config_override, user_id as
                     in docs/webhooks.md, or @FILE with it. With it the initiation webhook is not asked.
  -c, --config FILE  configuration file (default: none, or TRUNKBRIDGE_CONFIG)
  -h, --help         this text

Example:
  trunkbridge call --config trunkbridge.yaml --trunk carrier --to +14155550123 --agent agent_abc

Exit codes: 0 answered, 1 not answered (busy, no-answer, declined, failed), 2 wrong use or configuration.

${configurationHelp()}`,
  async run(args, io) {
    const wish = readWish(args);
    if (typeof wish === 'string') {
      io.err(`trunkbridge call: ${wish}\nUsage: trunkbridge call ${command.usage}`);
      return exitCodes.wrong;
    }
    const loaded = readConfiguration(args, io);
    if (loaded === undefined) return exitCodes.wrong;
    const { config } = loaded;
    const agentId = wish.agent ?? config.elevenlabs.agentId;
    const trunk = config.trunks.find(({ name }) => name === wish.trunk);
    if (agentId === undefined || trunk?.outbound === undefined) {
      io.err(`trunkbridge call: ${agentId === undefined ? 'which agent? Give --agent' : noTrunk(config)}`);
      return exitCodes.wrong;
    }
    const killSwitch = await stopped(config);
    if (typeof killSwitch === 'string') {
      io.err(`trunkbridge call: ${killSwitch}`);
      return exitCodes.failed;
    }
    const { startApp } = await import('../app.ts');
    return call(
      await startApp(aside(config, killSwitch), { register: false, checkTwilio: false }),
      { ...wish, agentId },
      io,
    );
  },
};

interface Wish {
  readonly trunk: string;
  readonly to: string;
  readonly from?: string;
  readonly agent?: string;
  readonly clientData?: ClientData;
}

function readWish({ trunk, to, from, agent, data }: Arguments): Wish | string {
  if (typeof trunk !== 'string') return 'over which trunk? Give --trunk';
  if (typeof to !== 'string') return 'which number? Give --to';
  const clientData = typeof data === 'string' ? readData(data) : undefined;
  if (typeof clientData === 'string') return clientData;
  return {
    trunk,
    to,
    ...(clientData === undefined ? {} : { clientData }),
    ...(typeof from === 'string' ? { from } : {}),
    ...(typeof agent === 'string' ? { agent } : {}),
  };
}

/** The value of `--data`, or what is wrong with it. */
function readData(given: string): ClientData | string {
  let data: unknown;
  try {
    data = JSON.parse(given.startsWith('@') ? readText(given.slice(1)) : given);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code === undefined ? '--data is no JSON' : `the file of --data cannot be read (${code})`;
  }
  const read = readClientData(data);
  if (!read.ok) return `--data cannot be used: ${read.failure.join('; ')}`;
  const { ignored } = read.value;
  return ignored.length === 0 ? read.value : `--data has what is not known: ${ignored.join(', ')}`;
}

function noTrunk({ trunks }: Config): string {
  const names = trunks.filter(({ outbound }) => outbound !== undefined).map(({ name }) => name);
  return names.length === 0
    ? 'no trunk has an outbound_trunk_config'
    : `there is no such trunk with an outbound_trunk_config; there are ${names.join(', ')}`;
}

/** Whether the operator has stopped calls of ours, over the API of a daemon that has this store too; or why nobody knows. */
async function stopped({ tools, store, secrets }: Config): Promise<boolean | string> {
  try {
    const turned = await peekSwitches({ dataDir: store.dataDir, databaseUrl: secrets.databaseUrl });
    return turned?.kill_switch ?? tools.killSwitch;
  } catch (error) {
    const where = secrets.databaseUrl === undefined ? 'DATA_DIR' : 'DATABASE_URL';
    return `nobody is called: the store (${where}), which has the kill switch, cannot be read: ${messageOf(error)}`;
  }
}

/** The same configuration on free ports, and nothing kept: a daemon that runs with it keeps its own. */
function aside(config: Config, killSwitch: boolean): Config {
  const listen = config.sip.listen.map(where => ({ ...where, port: 0 }));
  return {
    ...config,
    sip: { ...config.sip, listen },
    store: { keepDays: 0 },
    tools: { ...config.tools, killSwitch },
    http: { ...config.http, listen: { address: '127.0.0.1', port: 0 } },
    media: { ...config.media, workers: 1 },
  };
}

/** Places the call and waits for its end; a signal ends it. */
export async function call(
  app: CallingApp,
  wish: Wish & { readonly agentId: string },
  io: Pick<Io, 'out' | 'err' | 'onSignal'>,
): Promise<ExitCode> {
  const stop = io.onSignal(() => app.stopCalls());
  try {
    const placed = await app.place(wish);
    if (!placed.ok) {
      io.out(line('failed', placed.failure));
      return exitCodes.failed;
    }
    const summary = await placed.value.ended;
    const outcome = outcomeOf(summary);
    io.out(line(outcome, summary.end));
    return outcome === 'answered' ? exitCodes.ok : exitCodes.failed;
  } catch (error) {
    io.err(`trunkbridge: ${messageOf(error)}`);
    return exitCodes.failed;
  } finally {
    stop();
    await app.close();
  }
}

function line(outcome: CallOutcome, end: Ending): string {
  return `${outcome}: ${sentence(end)} (${end.reason})`;
}
