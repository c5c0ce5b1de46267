import { examine } from '../agent/elevenlabs/setup/doctor.ts';
import type { Finding } from '../agent/elevenlabs/setup/finding.ts';
import { type AudioKind, audioKinds } from '../agent/elevenlabs/setup/needs.ts';
import { ElevenLabsRest } from '../agent/elevenlabs/setup/rest.ts';
import {
  applySetup,
  createAgent,
  planSetup,
  readWorkspace,
  storeSecret,
} from '../agent/elevenlabs/setup/setup.ts';
import {
  type MoreTool,
  moreTools,
  type ToolKind,
  toolConfigs,
  toolKinds,
  type WebhookDoor,
} from '../agent/elevenlabs/setup/tool-configs.ts';
import type { Config } from '../config/config.ts';
import type { Failure, Result } from '../core/errors.ts';
import { twilioToolSpecs } from '../tools/twilio-tools.ts';
import { writeAgentFiles } from './agent-files.ts';
import { type Arguments, type Command, type ExitCode, exitCodes, type Io } from './command.ts';
import { configurationOptions, readConfiguration } from './configuration.ts';

/** Names of the secrets of a workspace that hold the Authorization header of webhook tools. */
const secretNames: Readonly<Record<'bridge' | 'twilio', string>> = {
  bridge: 'trunkbridge_tools_authorization',
  twilio: 'trunkbridge_twilio_authorization',
};

export const command: Command = {
  usage: 'setup|doctor [--agent ID] [options]',
  positionals: true,
  options: {
    ...configurationOptions,
    agent: { type: 'string', short: 'a' },
    create: { type: 'string' },
    tools: { type: 'string', default: 'client' },
    audio: { type: 'string' },
    more: { type: 'string', multiple: true },
    'dry-run': { type: 'boolean', short: 'n' },
    print: { type: 'string' },
  },
  help: () => `setup gives an ElevenLabs agent what a bridge needs: the tools of the one-time codes, skip_turn and end_call, client
events, audio formats and a part of the prompt. What is there already is kept: descriptions, prompt, other tools. Run twice, it
changes nothing the second time. doctor says in sentences what does not fit, and changes nothing.

Options:
  -a, --agent ID      the agent (default: ELEVENLABS_AGENT_ID)
      --create NAME   setup: make a new agent of that name first
      --tools KIND    setup: how the agent reaches the codes (default: client)
                        client  over the conversation itself; nothing has to be reachable from outside
                        bridge  webhook tools to this daemon: needs PUBLIC_URL and TOOLS_SECRET
                        twilio  the tools of ElevenLabs' guide, straight to Twilio: what this bridge allows, counts and
                                masks does not hold for them, and there is no secure keypad
      --audio KIND    setup: narrowband (ulaw_8000, for G.711) or wideband (pcm_16000, for G.722); default: leave it
      --more TOOL     setup: also ${moreTools.join(', ')}; or twilio: the seven tools of the Twilio account
                      (docs/tools.md); may be given again
  -n, --dry-run       setup: say what would change
      --print DIR     setup: write the files that ElevenLabs' Agents CLI takes into DIR, and ask nobody
  -c, --config FILE   configuration file (default: none, or TRUNKBRIDGE_CONFIG)
  -h, --help          this text

Examples:
  trunkbridge agent doctor
  trunkbridge agent setup --audio narrowband --more transfer_to_number
  trunkbridge agent setup --more twilio
  trunkbridge agent setup --create "Front desk" --audio wideband
  trunkbridge agent setup --tools bridge --dry-run
  trunkbridge agent setup --print ./agents

Exit codes: 0 done, or nothing that must be mended; 1 ElevenLabs refused, or doctor found a fault; 2 wrong use or configuration.`,
  async run(args, io, [action, ...rest]) {
    if ((action !== 'setup' && action !== 'doctor') || rest.length > 0)
      return wrong(io, 'say setup or doctor');
    const wish = readWish(args);
    if (typeof wish === 'string') return wrong(io, wish);
    const loaded = readConfiguration(args, io);
    if (loaded === undefined) return exitCodes.wrong;
    const { config } = loaded;
    const api = new ElevenLabsRest({
      baseUrl: config.elevenlabs.baseUrl,
      apiKey: config.secrets.elevenLabsApiKey,
    });
    const agentId = wish.agent ?? config.elevenlabs.agentId;
    if (action === 'doctor') {
      return agentId === undefined ? wrong(io, noAgent) : doctor(api, agentId, config, io);
    }
    return setup(api, agentId, wish, config, io);
  },
};

/** What the seven tools of the Twilio account are asked for by. */
const twilioGroup = 'twilio';

const noAgent = 'which agent? Give --agent, or set ELEVENLABS_AGENT_ID';

interface Wish {
  readonly agent?: string;
  readonly create?: string;
  readonly tools: ToolKind;
  readonly audio?: AudioKind;
  readonly more: readonly MoreTool[];
  /** The tools of the Twilio account, all or none. */
  readonly twilio: boolean;
  readonly dryRun: boolean;
  readonly print?: string;
}

function readWish(args: Arguments): Wish | string {
  const { agent, create, tools, audio, print } = args;
  const more = (args['more'] ?? []) as readonly string[];
  if (!isOne(toolKinds, tools)) return `--tools takes ${toolKinds.join(', ')}`;
  if (audio !== undefined && !isOne(audioKinds, audio)) return `--audio takes ${audioKinds.join(', ')}`;
  const strange = more.find(each => each !== twilioGroup && !isOne(moreTools, each));
  if (strange !== undefined) return `--more takes ${[...moreTools, twilioGroup].join(', ')}`;
  if (create !== undefined && agent !== undefined) return '--create makes an agent, --agent names one';
  return {
    tools,
    more: more.filter((each): each is MoreTool => isOne(moreTools, each)),
    twilio: more.includes(twilioGroup),
    dryRun: args['dry-run'] === true,
    ...(typeof agent === 'string' ? { agent } : {}),
    ...(typeof create === 'string' ? { create } : {}),
    ...(audio === undefined ? {} : { audio }),
    ...(typeof print === 'string' ? { print } : {}),
  };
}

const isOne = <T extends string>(words: readonly T[], word: unknown): word is T =>
  (words as readonly unknown[]).includes(word);

function wrong(io: Io, what: string): ExitCode {
  io.err(`trunkbridge agent: ${what}\nUsage: trunkbridge agent ${command.usage}`);
  return exitCodes.wrong;
}

function failed(io: Io, { code, message }: Failure): ExitCode {
  const advice: Readonly<Record<string, string>> = {
    unauthorized: ' Check ELEVENLABS_API_KEY.',
    forbidden: ' The key needs the permission to read and write agents, tools and secrets.',
    'not-found': ' Check the id of the agent, and that ELEVENLABS_BASE_URL is the region it lives in.',
    unreachable: ' Check ELEVENLABS_BASE_URL.',
  };
  io.err(`trunkbridge agent: ${message}.${advice[code] ?? ''}`);
  return exitCodes.failed;
}

async function doctor(rest: ElevenLabsRest, agentId: string, config: Config, io: Io): Promise<ExitCode> {
  const workspace = await readWorkspace(rest, agentId);
  if (!workspace.ok) return failed(io, workspace.failure);
  const { publicUrl } = config.http;
  const findings = examine(workspace.value, {
    group: twilioToolSpecs(),
    ...(publicUrl === undefined ? {} : { publicUrl }),
  });
  if (findings.length === 0) io.out('The agent has everything that a bridge needs.');
  for (const finding of ordered(findings)) io.out(`${finding.severity}: ${finding.sentence}`);
  return findings.some(({ severity }) => severity === 'fault') ? exitCodes.failed : exitCodes.ok;
}

const ordered = (findings: readonly Finding[]): Finding[] => [
  ...findings.filter(({ severity }) => severity === 'fault'),
  ...findings.filter(({ severity }) => severity === 'advice'),
];

/** Where webhook tools go; a sentence when what they need is not configured. */
function webhookBase(kind: ToolKind, { http, secrets, twilio }: Config): WebhookBase | string | undefined {
  if (kind === 'client') return undefined;
  if (kind === 'bridge') {
    if (http.publicUrl === undefined || secrets.tools === undefined)
      return '--tools bridge needs PUBLIC_URL and TOOLS_SECRET';
    return { url: http.publicUrl, name: secretNames.bridge, value: `Bearer ${secrets.tools}` };
  }
  const service = twilio.senders.verifyServiceSid;
  if (service === undefined || secrets.twilio === undefined)
    return '--tools twilio needs TWILIO_VERIFY_SERVICE_SID and the credentials of the account';
  const login =
    secrets.twilio.kind === 'key'
      ? `${secrets.twilio.keySid}:${secrets.twilio.keySecret}`
      : `${twilio.accountSid}:${secrets.twilio.authToken}`;
  return {
    url: `https://verify.twilio.com/v2/Services/${service}`,
    name: secretNames.twilio,
    value: `Basic ${Buffer.from(login).toString('base64')}`,
  };
}

interface WebhookBase {
  readonly url: string;
  /** Name and content of the workspace's secret. */
  readonly name: string;
  readonly value: string;
}

async function setup(
  rest: ElevenLabsRest,
  agentId: string | undefined,
  wish: Wish,
  config: Config,
  io: Io,
): Promise<ExitCode> {
  const base = webhookBase(wish.tools, config);
  if (typeof base === 'string') return wrong(io, base);
  const promised = base && { url: base.url, secretId: `the id of the secret ${base.name}` };
  if (wish.print !== undefined) {
    const files = writeAgentFiles(wish.print, wishedTools(wish, promised), wish.audio);
    io.out(files.map(file => `wrote ${file}`).join('\n'));
    return exitCodes.ok;
  }
  if (wish.create !== undefined && wish.dryRun)
    return wrong(io, '--dry-run cannot look at an agent that is not there');
  const id = wish.create === undefined ? agentId : await createAgent(rest, wish.create);
  if (id === undefined) return wrong(io, noAgent);
  if (typeof id !== 'string') {
    if (!id.ok) return failed(io, id.failure);
    io.out(`agent ${id.value}: made`);
    return change(rest, id.value, wish, base, io);
  }
  return change(rest, id, wish, base, io);
}

const wishedTools = ({ tools, more, twilio }: Wish, door: WebhookDoor | undefined) =>
  toolConfigs(tools, door, more, twilio ? twilioToolSpecs() : []);

async function change(
  rest: ElevenLabsRest,
  agentId: string,
  wish: Wish,
  base: WebhookBase | undefined,
  io: Io,
): Promise<ExitCode> {
  const workspace = await readWorkspace(rest, agentId);
  if (!workspace.ok) return failed(io, workspace.failure);
  const door = await doorOf(rest, base, wish.dryRun);
  if (door !== undefined && !door.ok) return failed(io, door.failure);
  const plan = planSetup(workspace.value, {
    tools: wishedTools(wish, door?.value),
    ...(wish.audio === undefined ? {} : { audio: wish.audio }),
  });
  for (const line of plan.changes) io.out(line);
  if (plan.changes.length === 0) io.out('Nothing to change: the agent has it all.');
  if (wish.tools === 'twilio')
    io.err(
      'note: these tools go straight to Twilio: the policy and the secure keypad of this bridge do not apply.',
    );
  if (wish.dryRun || plan.changes.length === 0) return exitCodes.ok;
  const applied = await applySetup(rest, workspace.value, plan);
  if (!applied.ok) return failed(io, applied.failure);
  io.out('Done. trunkbridge agent doctor says what is left.');
  return exitCodes.ok;
}

async function doorOf(
  rest: ElevenLabsRest,
  base: WebhookBase | undefined,
  dryRun: boolean,
): Promise<Result<WebhookDoor> | undefined> {
  if (base === undefined) return undefined;
  if (dryRun) return { ok: true, value: { url: base.url, secretId: `the id of the secret ${base.name}` } };
  const stored = await storeSecret(rest, base.name, base.value);
  return stored.ok ? { ok: true, value: { url: base.url, secretId: stored.value } } : stored;
}
