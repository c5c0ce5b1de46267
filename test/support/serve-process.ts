import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { until } from './until.ts';

const main = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url));

/** What a daemon needs that no call and no agent is there for: ports of loopback that are free. */
export const idleEnvironment = {
  ELEVENLABS_API_KEY: 'key-of-a-test',
  ELEVENLABS_AGENT_ID: 'agent_of_a_test',
  SIP_LISTEN: 'tcp://127.0.0.1:0',
  HTTP_LISTEN: '127.0.0.1:0',
} as const;

export interface ServeOptions {
  /** The whole environment of the process, besides PATH. */
  readonly env: Readonly<Record<string, string>>;
  /** Folder that it runs in. */
  readonly cwd: string;
  readonly args?: readonly string[];
  /** File descriptor that is its standard output, in place of what `stdout` keeps. */
  readonly output?: number;
}

/** `trunkbridge serve` as a process of its own, with everything that it writes. */
export class ServeProcess {
  stdout = '';
  stderr = '';
  /** Settles with the exit code, or null when a signal ended it. */
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;

  constructor({ env, cwd, args = [], output }: ServeOptions) {
    this.#child = spawn(process.execPath, [main, 'serve', ...args], {
      cwd,
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['ignore', output ?? 'pipe', 'pipe'],
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString('utf8');
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString('utf8');
    });
    this.exited = once(this.#child, 'close').then(([code]) => code as number | null);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Lines of its log with this text. */
  log(msg: string): readonly Readonly<Record<string, unknown>>[] {
    return this.stdout
      .split('\n')
      .filter(line => line.includes(`"msg":"${msg}"`))
      .map(line => JSON.parse(line) as Record<string, unknown>);
  }

  /** The port that something was bound to, once it listens: `sip tcp`, `sip tls` or `http`. Needs LOG_LEVEL of info. */
  async port(what: string, waitMs = 20_000): Promise<number> {
    const at = await until(
      () => this.log('listening').find(line => line['for'] === what)?.['at'],
      () => `${what} to listen; it wrote: ${this.stdout.slice(-500)} ${this.stderr.slice(-500)}`,
      waitMs,
    );
    return Number(String(at).split(':').at(-1));
  }

  signal(name: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): void {
    this.#child.kill(name);
  }

  /** Ends it whatever it is doing. */
  async kill(): Promise<void> {
    if (this.running) this.#child.kill('SIGKILL');
    await this.exited;
  }
}
