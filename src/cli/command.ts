import type { ParseArgsConfig } from 'node:util';

/** How every command ends. */
export const exitCodes = {
  ok: 0,
  /** It ran and failed. */
  failed: 1,
  /** Wrong use, or a configuration that cannot be used. */
  wrong: 2,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The world as a command sees it. */
export interface Io {
  /** Environment variables; absent: those of the process, which only `config` reads. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** One line or several to standard output. */
  out(text: string): void;
  /** The same to standard error. */
  err(text: string): void;
  /** Calls `listener` for each SIGTERM and SIGINT until the returned function is called. */
  onSignal(listener: (signal: string) => void): () => void;
  /** The same for SIGHUP, where there is one. */
  onHangup?(listener: () => void): () => void;
}

export type Options = NonNullable<ParseArgsConfig['options']>;

/** Values of options as `node:util` parses them. */
export type Arguments = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

/** One subcommand: one file that exports this as `command`. */
export interface Command {
  /** What follows the name in the first line of the help: `[--config FILE]`. */
  readonly usage: string;
  /** Text of the help behind the usage: what it does, each option, at least one example. */
  readonly help: () => string;
  readonly options: Options;
  /** Whether words without a dash are taken. */
  readonly positionals?: boolean;
  run(args: Arguments, io: Io, positionals: readonly string[]): Promise<ExitCode>;
}
