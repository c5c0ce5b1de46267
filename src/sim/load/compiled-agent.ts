import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Certificate } from '../certificate.ts';
import { type Compiled, compiled } from './compiled.ts';
import { CompiledProcess } from './compiled-process.ts';
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
  'wire',
];
const sources = [
  ...modules.map(name => `agent/${name}.c`),
  ...modules.filter(name => name !== 'main').map(name => `agent/${name}.h`),
  'agent/limits.h',
  'agent/tls.h',
  'measures.c',
  'measures.h',
];
const answerMs = 15_000;

export interface AgentProgramOptions {
  /** Whether it is to know TLS, for which OpenSSL and its headers are needed; default false. */
  readonly tls?: boolean;
  /** Of the compiler, besides the usual ones: for tests. */
  readonly flags?: readonly string[];
}

/** The program, or why there is none. */
export function agentProgram({ tls = false, flags = [] }: AgentProgramOptions = {}): Compiled {
  const libraries = tls ? ['ssl', 'crypto'] : [];
  return compiled('agent', [...sources, tls ? 'agent/tls.c' : 'agent/no-tls.c'], { flags, libraries });
}

export interface CompiledAgentOptions {
  /** Of the program. */
  readonly path: string;
  /** With it the program has to know TLS. */
  readonly tls?: Certificate;
  /** Conversations begin, and nothing is said in them; default false. */
  readonly silent?: boolean;
  /** Told when the program ends before it is closed. */
  readonly onLost: (error: Error) => void;
}

type Answer =
  | { readonly type: 'started'; readonly port: number }
  | { readonly type: 'marked' }
  | { readonly type: 'report'; readonly report: AgentReport };

/** The agent for load as a program of its own (agent/main.c), for a fraction of what LoadAgent takes. */
export class CompiledAgent {
  readonly #program: CompiledProcess<Answer>;
  readonly #scheme: 'http' | 'https';
  #port = 0;

  static async start(profile: Profile, options: CompiledAgentOptions): Promise<CompiledAgent> {
    const agent = new CompiledAgent(options);
    const program = agent.#program;
    program.tell(profileLine(profile));
    program.tell(`speech ${agentPiece(profile).toString('base64')}`);
    if (!options.silent) program.tell(scriptLine());
    if (options.tls !== undefined) program.tell(tlsLine(options.tls));
    const { port } = await program.ask('listen', 'started', answerMs);
    agent.#port = port;
    return agent;
  }

  private constructor({ path, tls, onLost }: CompiledAgentOptions) {
    this.#scheme = tls === undefined ? 'http' : 'https';
    this.#program = new CompiledProcess({ name: 'agent', path, onLost });
  }

  get made(): Made {
    return this.#program.made;
  }

  get baseUrl(): string {
    return `${this.#scheme}://127.0.0.1:${this.#port}`;
  }

  /** The window of measurement begins. */
  async mark(): Promise<void> {
    await this.#program.ask('mark', 'marked', answerMs);
  }

  async report(): Promise<AgentReport> {
    return (await this.#program.ask('report', 'report', answerMs)).report;
  }

  /** Settles when it has ended, as it should. */
  close(): Promise<void> {
    return this.#program.close();
  }
}

function profileLine(profile: Profile): string {
  const bytesPerMs = callerBytes(profile) / frameMs;
  return `profile ${profile.inputFormat} ${profile.outputFormat} ${bytesPerMs} ${loudPeak}`;
}

function tlsLine({ cert, key }: Certificate): string {
  const der = createPrivateKey(key).export({ type: 'pkcs8', format: 'der' });
  return `tls ${new X509Certificate(cert).raw.toString('base64')} ${der.toString('base64')}`;
}

/** All steps until they begin again. */
function scriptLine(): string {
  const steps = Array.from({ length: scriptSteps }, (_, index) => {
    const { pieces, begins, cuts } = stepOf(index);
    return `${pieces}${begins ? 'b' : ''}${cuts ? 'c' : ''}`;
  });
  return `script ${steps.join()}`;
}
