import { parseArgs } from 'node:util';
import { type Command, type ExitCode, exitCodes, type Io } from './command.ts';
import { processIo } from './process-io.ts';
import { version } from './version.ts';

interface Entry {
  readonly summary: string;
  readonly load: () => Promise<{ readonly command: Command }>;
}

/** Every subcommand; its file is loaded only when it is asked for. */
const commands: Readonly<Record<string, Entry>> = {
  serve: { summary: 'Take calls until told to stop.', load: () => import('./serve.ts') },
  check: {
    summary: 'Check the configuration and say what would listen where.',
    load: () => import('./check.ts'),
  },
  call: {
    summary: 'Call a number over a trunk and let the agent talk.',
    load: () => import('./call.ts'),
  },
  agent: {
    summary: 'Give an ElevenLabs agent what a bridge needs, or say what it lacks.',
    load: () => import('./agent.ts'),
  },
  twilio: { summary: 'Say which parts of Twilio will work.', load: () => import('./twilio.ts') },
  demo: {
    summary: 'Play a whole call on loopback, with nothing to configure.',
    load: () => import('./demo.ts'),
  },
  bench: { summary: 'Measure what calls cost, beside a bare program.', load: () => import('./bench.ts') },
  sim: { summary: 'Run the stand-ins for ElevenLabs and Twilio.', load: () => import('./sim.ts') },
};

/** Runs one command line, without the names of node and the script, and returns the code to exit with. */
export async function runCli(
  argv: readonly string[],
  io: Io = processIo,
  table: Readonly<Record<string, Entry>> = commands,
): Promise<ExitCode> {
  const [name, ...rest] = argv;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    const [about] = rest;
    if (name === 'help' && about !== undefined && Object.hasOwn(table, about))
      return runCli([about, '--help'], io, table);
    (name === undefined ? io.err : io.out)(overview(table));
    return name === undefined ? exitCodes.wrong : exitCodes.ok;
  }
  if (name === '--version' || name === '-V') {
    io.out(version());
    return exitCodes.ok;
  }
  const entry = Object.hasOwn(table, name) ? table[name] : undefined;
  if (entry === undefined) {
    io.err(`trunkbridge: there is no command "${name}".\n\n${overview(table)}`);
    return exitCodes.wrong;
  }
  const { command } = await entry.load();
  return runCommand(name, command, rest, io);
}

async function runCommand(name: string, command: Command, args: string[], io: Io): Promise<ExitCode> {
  const usage = `Usage: trunkbridge ${name} ${command.usage}`.trimEnd();
  let parsed: ReturnType<typeof parseArgs>;
  try {
    const options = { ...command.options, help: { type: 'boolean', short: 'h' } } as const;
    parsed = parseArgs({ args, options, allowPositionals: command.positionals === true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    io.err(`trunkbridge ${name}: ${error.message}\n${usage}\nMore: trunkbridge ${name} --help`);
    return exitCodes.wrong;
  }
  if (parsed.values['help'] === true) {
    io.out(`${usage}\n\n${command.help().trim()}`);
    return exitCodes.ok;
  }
  return command.run(parsed.values, io, parsed.positionals);
}

function overview(table: Readonly<Record<string, Entry>>): string {
  const width = Math.max(...Object.keys(table).map(name => name.length));
  const lines = Object.entries(table).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `Trunkbridge ${version()} carries telephone calls to an ElevenLabs voice agent.

Usage: trunkbridge <command> [options]

${lines.join('\n')}

Examples:
  ELEVENLABS_API_KEY=... ELEVENLABS_AGENT_ID=... trunkbridge serve
  trunkbridge check --config trunkbridge.yaml
  trunkbridge serve --help

Exit codes: 0 done, 1 ran and failed, 2 wrong use or configuration.`;
}
