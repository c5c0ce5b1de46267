import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './until.ts';

const debian = '/usr/lib/postgresql';

/** Folder with PostgreSQL's programs, the newest one; undefined when it is not installed. */
export function postgresPrograms(): string | undefined {
  if (!existsSync(debian)) return undefined;
  const versions = readdirSync(debian).sort((a, b) => Number(b) - Number(a));
  return versions.map(version => join(debian, version, 'bin')).find(path => existsSync(join(path, 'initdb')));
}

/** Whether PostgreSQL is there; a suite without it is skipped and says so, and throws where it must not be (CI=true). */
export function requirePostgres(name: string): boolean {
  if (postgresPrograms() !== undefined) return true;
  if (process.env['CI'] === 'true') throw new Error(`${name} needs PostgreSQL, which CI must install`);
  process.stderr.write(`SKIPPED ${name}: PostgreSQL (Debian package postgresql) is missing\n`);
  return false;
}

/** A PostgreSQL of a test's own. */
export interface Postgres {
  /** URL of an empty database made for this call. */
  database(): string;
  /** Stops and starts it again: what is in it stays. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Takes connections and answers nothing, as one behind a network that swallows everything; and goes on. */
  freeze(): void;
  thaw(): void;
  remove(): Promise<void>;
}

/** Starts one in a temporary folder, on a socket there and nowhere else. It refuses to run as root, so it does not. */
export async function startPostgres(): Promise<Postgres> {
  const programs = postgresPrograms();
  if (programs === undefined) throw new Error('install the Debian package postgresql');
  const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-pg-'));
  const owner = process.getuid?.() === 0 ? idsOf('postgres') : undefined;
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
  chmodSync(folder, 0o700);
  const data = join(folder, 'data');
  const as = { ...owner, cwd: folder, env: { PATH: process.env['PATH'], LC_ALL: 'C' } };
  const quiet = { ...as, stdio: 'ignore' } as const;
  execFileSync(
    join(programs, 'initdb'),
    ['-D', data, '-A', 'trust', '-U', 'trunkbridge', '-E', 'UTF8', '--locale=C', '--no-sync'],
    quiet,
  );
  let server: ChildProcess | undefined;
  const run = (name: string) =>
    execFileSync(join(programs, name), ['-h', folder, '-U', 'trunkbridge', '-d', 'postgres'], quiet);
  const start = async () => {
    const settings = [
      'listen_addresses=',
      `unix_socket_directories=${folder}`,
      'fsync=off',
      'max_connections=40',
    ];
    server = spawn(
      join(programs, 'postgres'),
      ['-D', data, ...settings.flatMap(setting => ['-c', setting])],
      quiet,
    );
    await until(() => answers(() => run('pg_isready')), 'PostgreSQL to answer', 30_000);
  };
  const stop = async () => {
    const gone = new Promise(resolve => server?.once('exit', resolve));
    server?.kill('SIGINT');
    await gone;
  };
  const signal = (name: 'SIGSTOP' | 'SIGCONT') => {
    const pid = server?.pid;
    if (pid === undefined) return;
    for (const each of [pid, ...childrenOf(pid)]) process.kill(each, name);
  };
  await start();
  let made = 0;
  return {
    database() {
      made += 1;
      const name = `test${made}`;
      execFileSync(join(programs, 'createdb'), ['-h', folder, '-U', 'trunkbridge', name], quiet);
      return `postgres://trunkbridge@/${name}?host=${encodeURIComponent(folder)}`;
    },
    start,
    stop,
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    async remove() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Its own processes: one a connection, and some that look after it. */
function childrenOf(pid: number): number[] {
  const found = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' });
  return found.stdout
    .split('\n')
    .map(Number)
    .filter(each => each > 0);
}

function idsOf(user: string): { readonly uid: number; readonly gid: number } {
  const id = (flag: string) => Number(execFileSync('id', [flag, user], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

function answers(ask: () => unknown): boolean {
  try {
    ask();
    return true;
  } catch {
    return false;
  }
}
