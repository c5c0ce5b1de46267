import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SimWorld } from '../../src/sim/world.ts';
import { Child } from './child.ts';
import { connectWhenOpen, freePort } from './ports.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Scenarios of `scripts/sipp` in which SIPp is called. */
export type Callee =
  | 'callee-answers'
  | 'callee-challenges'
  | 'callee-challenges-proxy'
  | 'callee-crosses'
  | 'callee-early'
  | 'callee-forks'
  | 'callee-refuses'
  | 'callee-rings'
  /** There is nobody: the call must not even be tried. */
  | 'none';

export interface CallOptions {
  readonly callee: Callee;
  /** Lines of `outbound_trunk_config` besides address and transport. */
  readonly trunk?: readonly string[];
  /** Length that the scenario asks for, ms. */
  readonly length?: number;
  /** What the scenario has in square brackets and SIPp does not know. */
  readonly keys?: (port: number) => Readonly<Record<string, string>>;
  readonly to?: string;
}

export interface CallReport {
  /** What the command printed, and its exit code. */
  readonly output: string;
  readonly code: number | string;
  readonly callee: { readonly code: number | string; readonly output: string };
  readonly world: SimWorld;
}

const longest = 40;

/** Runs `trunkbridge call` towards a SIPp that is called over TCP; both have ended when `look` runs. */
export async function placeCall(
  options: CallOptions,
  look: (report: CallReport) => void | Promise<void>,
): Promise<void> {
  const world = await SimWorld.start({ agentId: 'agent_echo' });
  const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-out-'));
  const port = await freePort();
  const sipp = options.callee === 'none' ? undefined : startCallee(options, folder, port);
  try {
    // SIPp drops the connection that only asked whether it listens.
    if (sipp !== undefined) (await connectWhenOpen(port)).destroy();
    const called = await callOver(world, folder, yaml(port, options.trunk ?? []), options.to);
    const callee = { code: (await sipp?.exited) ?? 0, output: sipp?.output ?? '' };
    await look({ ...called, callee, world });
  } finally {
    await sipp?.stop();
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs `trunkbridge call` over the trunk `sipp` of a configuration to its end. */
export async function callOver(
  world: SimWorld,
  folder: string,
  yaml: string,
  to = '+14155550123',
  more: Readonly<Record<string, string>> = {},
): Promise<Pick<CallReport, 'output' | 'code'>> {
  const config = join(folder, 'call.yaml');
  writeFileSync(config, yaml);
  const args = ['--enable-source-maps', join(root, 'dist/src/main.js'), 'call', '--config', config];
  args.push('--trunk', 'sipp', '--to', to, '--from', '+14155550199');
  const env = { PATH: process.env['PATH'] ?? '', ...world.environment(), ...more };
  const child = new Child(process.execPath, args, { cwd: folder, env });
  const limit = setTimeout(() => child.signal('SIGKILL'), (longest + 10) * 1000);
  const code = await child.exited;
  clearTimeout(limit);
  return { output: child.output, code };
}

function startCallee({ callee, length, keys }: CallOptions, folder: string, port: number): Child {
  const scenario = readFileSync(join(root, `scripts/sipp/${callee}.xml`), 'utf8');
  const values = keys?.(port) ?? {};
  // SIPp takes no keyword where a status stands.
  const filled = scenario.replace(/\[(\w+)\]/g, (all, name: string) => values[name] ?? all);
  writeFileSync(join(folder, 'callee.xml'), filled);
  const args = ['-sf', 'callee.xml', '-t', 't1', '-p', String(port)];
  args.push(
    '-i',
    '127.0.0.1',
    '-mi',
    '127.0.0.1',
    '-m',
    '1',
    '-nostdin',
    '-rtp_echo',
    '-d',
    String(length ?? 0),
  );
  args.push('-timeout', `${longest}s`, '-timeout_error', '-trace_err', '-error_file', 'sipp-errors.log');
  return new Child('sipp', args, { cwd: folder, env: { ...process.env, TERM: 'dumb' } });
}

function yaml(port: number, more: readonly string[]): string {
  const lines = [
    'trunks:',
    '  - name: sipp',
    '    outbound_trunk_config:',
    `      address: 127.0.0.1:${port}`,
  ];
  lines.push('      transport: tcp', ...more.map(line => `      ${line}`));
  return `${lines.join('\n')}\n`;
}
