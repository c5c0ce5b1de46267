import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { type Problem, writeProblems } from '../config/problem.ts';
import type { Setting } from '../config/setting.ts';
import { fileVariable, settings } from '../config/settings.ts';
import type { Result } from '../core/errors.ts';
import { overloadLimits } from '../core/overload.ts';
import { stackLimits } from '../sip/embedded/limits.ts';
import { messageLimits } from '../sip/embedded/message/limits.ts';
import { trunkLimits } from '../trunks/limits.ts';
import type { Arguments, Io, Options } from './command.ts';

/** Options of every command that reads the configuration. */
export const configurationOptions = { config: { type: 'string', short: 'c' } } as const satisfies Options;

/** Limits that `sip.limits` may override. */
const sipLimits = { ...stackLimits, ...messageLimits, ...trunkLimits, ...overloadLimits };

/** The configuration that a command line and the environment name, or undefined once its problems were printed. */
export function readConfiguration(args: Arguments, io: Io): LoadedConfig | undefined {
  const loaded = loadConfiguration(args, io);
  if (loaded.ok) return loaded.value;
  io.err(writeProblems(loaded.failure));
  return undefined;
}

/** The same with its problems as a value; `again` for a reload. */
export function loadConfiguration(
  args: Arguments,
  io: Pick<Io, 'env'>,
  again = false,
): Result<LoadedConfig, readonly Problem[]> {
  const path = typeof args['config'] === 'string' ? args['config'] : undefined;
  return loadConfig({ path, again, sipLimits, ...(io.env === undefined ? {} : { env: io.env }) });
}

/** Every variable and every key of the file, for the help of the commands that read them. */
export function configurationHelp(): string {
  const all = Object.entries(settings) as [string, Setting][];
  const variables = all.filter(([, { env }]) => env !== undefined);
  const keys = all.filter(([, { env }]) => env === undefined);
  return `The file is YAML; its values may be \${VARIABLE} or file:/path. Variables win over it. ${fileVariable} names it
when --config does not. A secret may also come from a file that <NAME>_FILE names.

Variables (key in the file):
${variables.map(([key, setting]) => entry(`${setting.env} (${key})`, setting)).join('\n')}

Only in the file:
${keys.map(([key, setting]) => entry(key, setting)).join('\n')}
  sip.limits.<name>
      Limits of the SIP stack: ${Object.keys(sipLimits).join(', ')}.
  trunks, numbers, sip.tls_certificates, transfers, menus, tool_access
      Who may call, which number reaches which agent, and certificates by name: see docs/trunks.md. Whom agents may reach:
      docs/transfers.md. Menus: docs/twilio.md. Who may use which tool: docs/sending.md.`;
}

function entry(title: string, { meaning, fallback, required }: Setting): string {
  const note = required !== undefined ? ' Required.' : fallback === undefined ? '' : ` Default: ${fallback}`;
  return `  ${title}\n      ${meaning}${note}`;
}
