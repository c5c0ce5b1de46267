import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Made } from './made.ts';

export interface CompiledProcessOptions<Told> {
  /** In messages. */
  readonly name: string;
  readonly path: string;
  readonly args?: readonly string[];
  /** Gets what nobody waits for. */
  readonly onNews?: (news: Told) => void;
  /** Told when it ends before it is closed. */
  readonly onLost: (error: Error) => void;
}

interface Waiting<Told> {
  readonly type: string;
  readonly take: (answer: Told) => void;
  readonly fail: (error: Error) => void;
}

/** A program that was compiled in place, while it runs: it gets lines, answers in order with lines of JSON, and ends with its input. */
export class CompiledProcess<Told extends { readonly type: string }> {
  readonly made: Made;
  readonly #name: string;
  readonly #process: ChildProcess;
  readonly #waiting: Waiting<Told>[] = [];
  readonly #ended: Promise<string>;
  /** Why nothing more can be had of it. */
  #over: Error | undefined;

  constructor({ name, path, args = [], onNews, onLost }: CompiledProcessOptions<Told>) {
    this.#name = name;
    this.#process = spawn(path, args, { env: {}, stdio: ['pipe', 'pipe', 'inherit'] });
    this.made = { by: 'compiled', pid: this.#process.pid ?? 0 };
    const { stdin, stdout } = this.#process;
    // A program that has ended cannot be written to: its end is told below.
    stdin?.on('error', () => undefined);
    if (stdout !== null) {
      createInterface({ input: stdout }).on('line', line => {
        const told = JSON.parse(line) as Told;
        if (told.type === this.#waiting[0]?.type) this.#waiting.shift()?.take(told);
        else onNews?.(told);
      });
    }
    this.#ended = new Promise(resolve => {
      this.#process.once('error', error => resolve(`could not be run (${error.message})`));
      this.#process.once('close', (code, signal) => resolve(`ended with ${code ?? signal}`));
    });
    void this.#ended.then(why => {
      const error = this.#error(why);
      if (this.#finish(error)) onLost(error);
    });
  }

  tell(line: string): void {
    if (this.#over === undefined) this.#process.stdin?.write(`${line}\n`);
  }

  /** Tells it a line, and gives the answer. */
  ask<T extends Told['type']>(line: string, type: T, withinMs: number): Promise<Extract<Told, { type: T }>> {
    const answer = this.hear(type, withinMs);
    this.tell(line);
    return answer;
  }

  /** What it tells next, after all that is waited for already. */
  hear<T extends Told['type']>(type: T, withinMs: number): Promise<Extract<Told, { type: T }>> {
    if (this.#over !== undefined) return Promise.reject(this.#over);
    return new Promise((resolve, reject) => {
      const late = () => this.#finish(this.#error(`did not give "${type}" in ${withinMs} ms`));
      const timer = setTimeout(late, withinMs);
      this.#waiting.push({
        type,
        take: answer => {
          clearTimeout(timer);
          resolve(answer as Extract<Told, { type: T }>);
        },
        fail: error => {
          clearTimeout(timer);
          reject(error);
        },
      });
    });
  }

  /** Settles when it has ended, as it should. Of one that was lost nothing more is told. */
  async close(): Promise<void> {
    const wasUp = this.#finish(this.#error('was closed'));
    this.#process.stdin?.end();
    const why = await this.#ended;
    if (wasUp && why !== 'ended with 0') throw this.#error(why);
  }

  #error(why: string): Error {
    return new Error(`the compiled ${this.#name} ${why}`);
  }

  /** False when it was over before. */
  #finish(error: Error): boolean {
    if (this.#over !== undefined) return false;
    this.#over = error;
    for (const { fail } of this.#waiting.splice(0)) fail(error);
    return true;
  }
}
