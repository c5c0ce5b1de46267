import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import type { Readable } from 'node:stream';
import { pauseOf } from './collections.ts';

/** How long a child may take to end by itself, ms. */
const stopMs = 5000;
/** Lines kept of what a child wrote, for the message when it fails. */
const keptLines = 40;

export interface ChildOptions {
  readonly args?: readonly string[];
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Gets each line of its output. */
  readonly onLine?: (line: string) => void;
  /** False for a program that knows nothing of this bench: there is no channel to it. */
  readonly channel?: boolean;
  /** Path of a FIFO to be made for its standard output: it holds less than what lies between processes as a rule. */
  readonly fifo?: string;
}

/** A process of the bench: a channel of messages, its output by lines, and a sure end. Its environment is only what it is given. */
export class BenchChild<In extends object, Out extends { readonly type: string }> {
  readonly pid: number;
  /** Pauses of its garbage collector since `pauses` was last emptied, ms; with `--trace-gc`. */
  pauses: number[] = [];
  readonly #name: string;
  readonly #process: ChildProcess;
  readonly #lines: string[] = [];
  readonly #readers: Interface[] = [];
  readonly #stdout: Readable | null;
  readonly #waiting = new Map<string, (message: Out) => void>();
  readonly #exited: Promise<void>;
  #ended = false;

  constructor(name: string, file: string, options: ChildOptions = {}) {
    this.#name = name;
    const nodeArgs = [...(options.nodeArgs ?? [])];
    const env = { ...options.env };
    const fifo = options.fifo === undefined ? undefined : new Fifo(options.fifo);
    const stdio: ('ignore' | 'pipe' | 'ipc' | number)[] = ['ignore', fifo?.writing ?? 'pipe', 'pipe'];
    this.#process =
      options.channel === false
        ? spawn(process.execPath, [...nodeArgs, file, ...(options.args ?? [])], { env, stdio })
        : fork(file, [...(options.args ?? [])], { env, execArgv: nodeArgs, stdio: [...stdio, 'ipc'] });
    fifo?.handedOver();
    this.#stdout = fifo?.reading ?? this.#process.stdout;
    this.pid = this.#process.pid ?? 0;
    this.#exited = new Promise(resolve => {
      this.#process.once('exit', () => {
        this.#ended = true;
        resolve();
      });
    });
    process.once('exit', this.#kill);
    for (const stream of [this.#stdout, this.#process.stderr]) {
      if (stream === null) continue;
      const reader = createInterface({ input: stream });
      reader.on('line', line => this.#take(line, options.onLine));
      this.#readers.push(reader);
    }
    this.#process.on('message', message => {
      const { type } = message as Out;
      this.#waiting.get(type)?.(message as Out);
      this.#waiting.delete(type);
    });
  }

  /** Its last words. */
  get output(): string {
    return this.#lines.join('\n');
  }

  /** Bytes that it wrote to its standard output, as far as they were read. */
  get written(): number {
    return this.#stdout instanceof Socket ? this.#stdout.bytesRead : 0;
  }

  /** Stops reading what it writes: as soon as what lies between is full it can write no more. */
  holdOutput(): void {
    for (const reader of this.#readers) reader.pause();
  }

  releaseOutput(): void {
    for (const reader of this.#readers) reader.resume();
  }

  tell(message: In): void {
    // One that has ended is missed where something is awaited of it.
    this.#process.send?.(message, () => undefined);
  }

  /** The next message of a type; rejects when the child ends first, or after `timeoutMs`. */
  hear<T extends Out['type']>(type: T, timeoutMs: number): Promise<Extract<Out, { type: T }>> {
    return this.orFail(
      new Promise(resolve =>
        this.#waiting.set(type, message => resolve(message as Extract<Out, { type: T }>)),
      ),
      timeoutMs,
      `"${type}"`,
    );
  }

  /** What `promise` gives, unless the child ends before, or it takes longer than `timeoutMs`. */
  async orFail<T>(promise: Promise<T>, timeoutMs: number, what: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(this.#failure(`did not give ${what} in ${timeoutMs} ms`)), timeoutMs);
    });
    const gone = this.#exited.then(() => Promise.reject(this.#failure(`ended before ${what}`)));
    // Whoever loses the race may still reject.
    gone.catch(() => undefined);
    try {
      return await Promise.race([promise, late, gone]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends it, politely first. */
  async stop(): Promise<void> {
    if (!this.#ended) {
      if (this.#process.connected) this.#process.disconnect();
      this.#process.kill('SIGTERM');
      const timer = setTimeout(this.#kill, stopMs);
      await this.#exited;
      clearTimeout(timer);
    }
    process.off('exit', this.#kill);
  }

  readonly #kill = (): void => {
    if (!this.#ended) this.#process.kill('SIGKILL');
  };

  #take(line: string, onLine: ChildOptions['onLine']): void {
    const pause = pauseOf(line);
    if (pause !== undefined) {
      this.pauses.push(pause);
      return;
    }
    this.#lines.push(line);
    if (this.#lines.length > keptLines) this.#lines.shift();
    onLine?.(line);
  }

  #failure(why: string): Error {
    return new Error(`the ${this.#name} ${why}. Its last words:\n${this.output}`);
  }
}

/** A FIFO of which a child gets the one end. */
class Fifo {
  readonly reading: Socket;
  readonly writing: number;

  constructor(path: string) {
    execFileSync('mkfifo', ['-m', '600', path]);
    // Without waiting for somebody who writes.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    this.writing = openSync(path, 'w');
    this.reading = new Socket({ fd, readable: true, writable: false });
    this.reading.on('error', () => undefined);
  }

  handedOver(): void {
    closeSync(this.writing);
  }
}
