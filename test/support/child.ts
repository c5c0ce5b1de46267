import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';

/** Output kept of a child, characters; what came first is forgotten first. */
const keptCharacters = 4 * 1024 * 1024;
/** How long a child that was asked to stop may take before it is killed, ms. */
const stopMs = 10_000;

export interface ChildOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Whether it is told things over its standard input. */
  readonly input?: boolean;
}

/** A program that a test runs: what it wrote, how it ended, and a sure way to get rid of it. */
export class Child {
  /** Standard output and standard error, in the order they came. */
  output = '';
  /** Code of the exit, or the name of the signal that ended it. */
  readonly exited: Promise<number | string>;
  readonly #name: string;
  readonly #process: ChildProcess;
  readonly #watchers = new Set<() => void>();
  #over = false;

  constructor(program: string, args: readonly string[], { input = false, ...options }: ChildOptions = {}) {
    this.#name = program;
    const spawned: SpawnOptions = { stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'], ...options };
    this.#process = spawn(program, args, spawned);
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    }
    // It may end before it has read all.
    this.#process.stdin?.on('error', () => undefined);
    this.exited = new Promise(resolve => {
      const settle = (how: number | string) => {
        this.#over = true;
        for (const check of this.#watchers) check();
        resolve(how);
      };
      this.#process.on('error', error => settle(error.message));
      // `close` and not `exit`: by then everything it wrote has been read.
      this.#process.on('close', (code, signal) => settle(code ?? signal ?? 'unknown'));
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Settles with what `check` finds in the output; rejects when the child ends first, or after `timeoutMs`. */
  async until<T>(check: (output: string) => T | undefined, timeoutMs = 20_000): Promise<T> {
    return new Promise((resolve, reject) => {
      const finish = (act: () => void) => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        act();
      };
      const fail = (why: string) =>
        finish(() => reject(new Error(`${this.#name} ${why}. Its last words:\n${this.output.slice(-3000)}`)));
      const look = () => {
        const found = check(this.output);
        if (found !== undefined) finish(() => resolve(found));
        else if (this.#over) fail('ended before it wrote what was waited for');
      };
      const timer = setTimeout(() => fail(`did not write what was waited for in ${timeoutMs} ms`), timeoutMs);
      this.#watchers.add(look);
      look();
    });
  }

  /** To its standard input; what it has no ear for any more is dropped. */
  write(text: string): void {
    if (!this.#over) this.#process.stdin?.write(text);
  }

  signal(name: NodeJS.Signals): void {
    if (!this.#over) this.#process.kill(name);
  }

  /** Ends it, politely first. Settles with how it ended. */
  async stop(): Promise<number | string> {
    this.signal('SIGTERM');
    const kill = setTimeout(() => this.signal('SIGKILL'), stopMs);
    const how = await this.exited;
    clearTimeout(kill);
    return how;
  }

  #take(text: string): void {
    this.output = (this.output + text).slice(-keptCharacters);
    for (const look of this.#watchers) look();
  }
}
