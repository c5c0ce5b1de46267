import { type DestinationStream, destination as fileDestination, pino } from 'pino';
import { systemClock, type Timer } from '../core/clock.ts';
import type { LogFields, Logger } from '../core/logger.ts';
import { cleanFields, cleanMessage } from './redaction.ts';

/** Limits of the log. */
export const logLimits = {
  /** Most that may wait for the destination, characters; lines beyond it are dropped and counted. */
  waiting: 4 * 1024 * 1024,
  /** Lines are written together when they are so many characters, or the oldest has waited so long, ms. */
  together: 8 * 1024,
  togetherMs: 50,
  /** How long `flush` waits for the destination, ms. */
  flushMs: 1_000,
} as const;

/** File descriptor that the log goes to when nothing else is said. */
const standardOutput = 1;

const levels = ['trace', 'debug', 'info', 'warn', 'error'] as const;
type Level = (typeof levels)[number];

/** The log of the process. Lines are JSON, written asynchronously: logging never waits for a disk or a pipe. */
export interface RootLogger extends Logger {
  /** Holds at once, for every logger made with `with` too. An unknown level changes nothing and returns false. */
  setLevel(level: string): boolean;
  /** Lines lost so far because the destination could not keep up. */
  readonly dropped: number;
  /** Writes out what waits; gives up after `logLimits.flushMs`. */
  flush(): Promise<void>;
}

/**
 * Makes the log. Without `destination` it goes to standard output. Private fields are hidden, numbers masked, control
 * characters replaced and lengths capped here, whatever a caller hands over.
 */
export function createLogger(level: string, destination?: DestinationStream): RootLogger {
  let dropped = 0;
  const stream = destination ?? asyncOutput(standardOutput, () => dropped++);
  const root = pino(
    {
      level: isLevel(level) ? level : 'info',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
    },
    stream,
  );

  const bind = (bound: LogFields): Logger => {
    const line =
      (at: Level) =>
      (message: string, fields?: LogFields): void => {
        if (!root.isLevelEnabled(at)) return;
        root[at](fields === undefined ? bound : { ...bound, ...cleanFields(fields) }, cleanMessage(message));
      };
    return {
      trace: line('trace'),
      debug: line('debug'),
      info: line('info'),
      warn: line('warn'),
      error: line('error'),
      with: fields => bind({ ...bound, ...cleanFields(fields) }),
    };
  };

  return {
    ...bind({}),
    setLevel(wanted) {
      if (!isLevel(wanted)) return false;
      root.level = wanted;
      return true;
    },
    get dropped() {
      return dropped;
    },
    flush: () =>
      new Promise(resolve => {
        const giveUp = setTimeout(resolve, logLimits.flushMs);
        root.flush(() => {
          clearTimeout(giveUp);
          resolve();
        });
      }),
  };
}

const isLevel = (text: string): text is Level => (levels as readonly string[]).includes(text);

/**
 * Writes to a file descriptor or a path without ever waiting for it. What does not fit into `waiting` characters is
 * lost, a whole line at a time, and `onDrop` is told of each. Lines of a short while are written in one piece: a write for
 * each was a tenth of what the main thread did at a hundred new calls a second.
 */
export function asyncOutput(
  dest: number | string,
  onDrop: () => void,
  waiting: number = logLimits.waiting,
): DestinationStream & { flush(done: () => void): void } {
  let piece = '';
  let timer: Timer | undefined;
  /** Whether the last write failed, and whether the process ends. */
  let failing = false;
  let ending = false;
  const push = (): void => {
    timer?.cancel();
    timer = undefined;
    if (piece === '') return;
    const lines = piece;
    piece = '';
    stream.write(lines);
  };
  // Before the stream's own, which writes out what it has when the process ends.
  process.once('exit', push);
  // From one character on it writes at once, as with zero; but with zero its `flush` would do nothing.
  const stream = fileDestination({
    dest,
    sync: false,
    minLength: 1,
    maxLength: waiting,
    retryEAGAIN: () => !ending,
  });
  // Called when the process ends. Left to itself it tries again until everything is written: on a full disk, or in a pipe that
  // nobody reads, for ever, and the process would never end.
  const writeRest = stream.flushSync.bind(stream);
  stream.flushSync = () => {
    ending = true;
    if (failing) return;
    try {
      writeRest();
    } catch {
      // Nobody is left who could be told.
    }
  };
  stream.on('write', () => {
    failing = false;
  });
  const lost = (lines: unknown): void => {
    for (const character of String(lines)) if (character === '\n') onDrop();
  };
  stream.on('drop', lost);
  // A reader that went away (`trunkbridge serve | head`) must not take the calls with it: its lines are lost.
  stream.on('error', () => {
    failing = true;
    onDrop();
  });
  const most = Math.min(logLimits.together, waiting >> 1);
  return {
    write(line) {
      piece += line;
      if (piece.length >= most) push();
      else timer ??= systemClock.timer(logLimits.togetherMs, push);
    },
    flush(done) {
      push();
      stream.flush(done);
    },
  };
}
