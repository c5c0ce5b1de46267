import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const flags = ['-O2', '-Wall', '-Wextra', '-Werror=implicit'];
/** Where compilers lie. Processes of the bench know no PATH, and a compiler that was found without one does not find its own parts. */
const env = { PATH: '/usr/local/bin:/usr/bin:/bin' };
const compileMs = 60_000;
/** Of what the compiler says, for the message when it fails. */
const toldCharacters = 400;

/** The path of a program, or why there is none, in a few words. */
export type Compiled = { readonly path: string } | { readonly why: string };

export interface CompileOptions {
  /** Where the sources lie; default beside this file, built or not. */
  readonly folder?: string;
  /** Where programs are kept; default the temporary folder. */
  readonly cache?: string;
  readonly cc?: string;
  /** Besides the usual ones. */
  readonly flags?: readonly string[];
  /** What it is linked with besides libc, as the linker calls it: `ssl`. */
  readonly libraries?: readonly string[];
}

/**
 * Compiles C sources (`.c`, and the `.h` they include) into a program, unless it was done before: it is kept by a hash
 * of all that it is made from. Where that cannot be done the bench has to do without.
 */
export function compiled(name: string, sources: readonly string[], options: CompileOptions = {}): Compiled {
  const { folder = import.meta.dirname, cache = tmpdir(), cc = 'cc', flags: more = [] } = options;
  const linked = (options.libraries ?? []).map(library => `-l${library}`);
  if (process.platform !== 'linux') return { why: 'not Linux' };
  try {
    const made = [cc, process.arch, ...flags, ...more, ...linked].join(' ');
    const hash = createHash('sha256').update(made);
    for (const source of sources) hash.update(readFileSync(join(folder, source)));
    const path = join(ownFolder(cache), `${name}-${hash.digest('hex').slice(0, 16)}`);
    if (!existsSync(path)) {
      // Two that compile at once must not run what the other has only half written.
      const unfinished = `${path}.${process.pid}`;
      const files = sources.filter(source => source.endsWith('.c')).map(source => join(folder, source));
      try {
        execFileSync(cc, [...flags, ...more, '-o', unfinished, ...files, ...linked], {
          env,
          timeout: compileMs,
          stdio: ['ignore', 'ignore', 'pipe'],
        });
        renameSync(unfinished, path);
      } finally {
        rmSync(unfinished, { force: true });
      }
    }
    // Fails where programs in the temporary folder may not be run.
    accessSync(path, constants.X_OK);
    return { path };
  } catch (error) {
    return { why: reason(error, cc) };
  }
}

/** A folder that only we can write to: everybody may put things into the temporary one, and these are run. */
function ownFolder(parent: string): string {
  const uid = process.getuid?.() ?? 0;
  const folder = join(parent, `trunkbridge-compiled-${uid}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stat = lstatSync(folder);
  if (!stat.isDirectory() || stat.uid !== uid || (stat.mode & 0o022) !== 0)
    throw new Error(`others can write to ${folder}`);
  return folder;
}

function reason(error: unknown, cc: string): string {
  const { code, path, message, stderr } = error as NodeJS.ErrnoException & { readonly stderr?: Buffer };
  if (code === 'ENOENT' && path === cc) return `no ${cc}`;
  const told = stderr?.toString().trim().replaceAll(/\s+/g, ' ') ?? '';
  // Of a library that is not installed.
  const [, header] = /fatal error: (\S+): No such file or directory/.exec(told) ?? [];
  if (header !== undefined) return `no ${header}`;
  return told === '' ? message : told.slice(0, toldCharacters);
}
