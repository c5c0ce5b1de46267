import type { Clock } from '../core/clock.ts';
import type { LogFields, Logger } from '../core/logger.ts';
import type { FromWorker, LogLevel } from './messages.ts';

const order: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error'];

/** Most lines a worker sends to the main thread in a second; what is over that is counted. */
export const linesPerSecond = 500;

/** The log of a worker: lines go to the main thread, bounded, and only those that its level asks for. */
export class WorkerLog implements Logger {
  readonly #clock: Clock;
  readonly #post: (message: FromWorker) => void;
  readonly #fields: LogFields;
  readonly #shared: { threshold: number; second: number; lines: number; dropped: number };

  constructor(
    level: string,
    clock: Clock,
    post: (message: FromWorker) => void,
    parent?: WorkerLog,
    fields: LogFields = {},
  ) {
    this.#clock = clock;
    this.#post = post;
    this.#fields = fields;
    this.#shared = parent === undefined ? { threshold: 0, second: 0, lines: 0, dropped: 0 } : parent.#shared;
    if (parent === undefined) this.level(level);
  }

  /** Lines that were not sent because there were too many. */
  get dropped(): number {
    return this.#shared.dropped;
  }

  /** Changes the level for this log and all that were made from it. */
  level(level: string): void {
    const at = order.indexOf(level as LogLevel);
    this.#shared.threshold = at < 0 ? order.indexOf('info') : at;
  }

  trace(message: string, fields?: LogFields): void {
    this.#write(0, message, fields);
  }

  debug(message: string, fields?: LogFields): void {
    this.#write(1, message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#write(2, message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#write(3, message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#write(4, message, fields);
  }

  with(fields: LogFields): Logger {
    return new WorkerLog('', this.#clock, this.#post, this, { ...this.#fields, ...fields });
  }

  #write(at: number, message: string, fields: LogFields | undefined): void {
    const shared = this.#shared;
    if (at < shared.threshold) return;
    const second = Math.floor(this.#clock.now() / 1000);
    if (second !== shared.second) {
      shared.second = second;
      shared.lines = 0;
    }
    shared.lines += 1;
    if (shared.lines > linesPerSecond) {
      shared.dropped += 1;
      return;
    }
    const level = order[at];
    if (level === undefined) throw new Error(`no log level ${at}`);
    this.#post({ type: 'log', level, message, fields: { ...this.#fields, ...fields } });
  }
}
