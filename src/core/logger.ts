/**
 * What may stand in a log line besides its constant text. Phone numbers go in only masked (`core/mask.ts`); codes,
 * transcripts, credentials and whole messages never.
 */
export type LogFields = Readonly<
  Record<string, string | number | boolean | null | undefined | readonly string[]>
>;

/** The one way to log. `message` is constant text, values go into `fields`. */
export interface Logger {
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that puts `fields` on every line, for instance the id of a call. */
  with(fields: LogFields): Logger;
}

const nothing = () => undefined;

/** Drops everything: for tests and tools that have no log. */
export const silentLogger: Logger = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  with: () => silentLogger,
};
