import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type Compiled, compiled } from './compiled.ts';
import type { Made } from './made.ts';
import type { AgentReport } from './messages.ts';
import { agentPiece, callerBytes, frameMs, loudPeak, type Profile } from './profile.ts';
import { scriptSteps, stepOf } from './talk.ts';

const modules = [
  'main',
  'buffer',
  'caller-message',
  'connection',
  'conversation',
  'frames',
  'handshake',
  'json',
  'loop',
  'request',
  'server',
  'stage',
];
const sources = [
  ...modules.map(name => `agent/${name}.c`),
  ...modules.filter(name => name !== 'main').map(name => `agent/${name}.h`),
  'agent/limits.h',
  'measures.c',
  'measures.h',
];
const answerMs = 15_000;

/** The program, or why there is none. More flags are for tests. */
export const agentProgram = (flags: readonly string[] = []): Compiled =>
  compiled('agent', sources, { flags });

export interface CompiledAgentOptions {
  /** Of the program. */
  readonly path: string;
  /** Conversations begin, and nothing is said in them; default false. */
  readonly silent?: boolean;
  /** Told when the program ends before it is closed. */
  readonly onLost: (error: Error) => void;
}

type Answer =
  | { readonly type: 'started'; readonly port: number }
  | { readonly type: 'marked' }
  | { readonly type: 'report'; readonly report: AgentReport };

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** The agent for load as a program of its own (agent/main.c), for a few percent of what LoadAgent takes. It knows no TLS. */
export class CompiledAgent {
  readonly made: Made;
  readonly #process: ChildProcess;
  readonly #onLost: (error: Error) => void;
  /** It answers in order. */
  readonly #waiting: Waiting[] = [];
  readonly #exited: Promise<string>;
  #closed = false;
  #port = 0;

  static async start(profile: Profile, options: CompiledAgentOptions): Promise<CompiledAgent> {
    const agent = new CompiledAgent(options);
    agent.#tell(profileLine(profile));
    agent.#tell(`speech ${agentPiece(profile).toString('base64')}`);
    if (!options.silent) agent.#tell(scriptLine());
    const answer = await agent.#ask('listen');
    if (answer.type === 'started') agent.#port = answer.port;
    return agent;
  }

  private constructor({ path, onLost }: CompiledAgentOptions) {
    this.#onLost = onLost;
    this.#process = spawn(path, [], { env: {}, stdio: ['pipe', 'pipe', 'inherit'] });
    this.made = { by: 'compiled', pid: this.#process.pid ?? 0 };
    const { stdin, stdout } = this.#process;
    // A program that has ended cannot be written to: its end is told below.
    stdin?.on('error', () => undefined);
    if (stdout !== null) {
      createInterface({ input: stdout }).on('line', line =>
        this.#waiting.shift()?.resolve(JSON.parse(line) as Answer),
      );
    }
    this.#exited = new Promise(resolve => {
      this.#process.once('error', error => resolve(error.message));
      this.#process.once('close', (code, signal) => resolve(`it ended with ${code ?? signal}`));
    });
    void this.#exited.then(why => this.#lost(why));
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The window of measurement begins. */
  async mark(): Promise<void> {
    await this.#ask('mark');
  }

  async report(): Promise<AgentReport> {
    const answer = await this.#ask('report');
    if (answer.type !== 'report') throw new Error(`the agent answered ${answer.type}, not a report`);
    return answer.report;
  }

  /** Settles when it has ended, as it should. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#process.stdin?.end();
    const why = await this.#exited;
    if (why !== 'it ended with 0') throw this.#error(why);
  }

  #tell(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  async #ask(line: string): Promise<Answer> {
    if (this.#closed) throw new Error('the agent was closed');
    let timer: NodeJS.Timeout | undefined;
    const answer = new Promise<Answer>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      timer = setTimeout(
        () => reject(new Error(`the agent did not answer "${line}" in ${answerMs} ms`)),
        answerMs,
      );
    });
    this.#tell(line);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }

  #error = (why: string) => new Error(`the compiled agent: ${why}`);

  #lost(why: string): void {
    const error = this.#error(why);
    for (const { reject } of this.#waiting.splice(0)) reject(error);
    if (!this.#closed) this.#onLost(error);
    this.#closed = true;
  }
}

function profileLine(profile: Profile): string {
  const bytesPerMs = callerBytes(profile) / frameMs;
  return `profile ${profile.inputFormat} ${profile.outputFormat} ${bytesPerMs} ${loudPeak}`;
}

/** All steps until they begin again. */
function scriptLine(): string {
  const steps = Array.from({ length: scriptSteps }, (_, index) => {
    const { pieces, begins, cuts } = stepOf(index);
    return `${pieces}${begins ? 'b' : ''}${cuts ? 'c' : ''}`;
  });
  return `script ${steps.join()}`;
}
