import type { Config, HostPort } from '../config/config.ts';
import { writeHostPort } from '../config/listen.ts';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { type Command, type ExitCode, exitCodes, type Io } from './command.ts';
import {
  configurationHelp,
  configurationOptions,
  loadConfiguration,
  readConfiguration,
} from './configuration.ts';
import { lowerHelperThreads } from './helper-threads.ts';

/** What `startApp` gives, as far as this command uses it. */
export interface RunningApp {
  readonly sip: readonly (HostPort & { readonly transport: string })[];
  readonly http: HostPort;
  readonly publicHttp?: HostPort;
  readonly log: Logger;
  /** Reads the configuration again. What comes of it is in the log. */
  reload(): Promise<unknown>;
  /** Takes no new calls; settles when the ones that are up are over, or were ended at the deadline. */
  drain(): Promise<void>;
  /** Ends whatever is left and closes everything. */
  close(): Promise<void>;
}

/** How long closing may take when a second signal asked for it, ms. */
export const hurryMs = 1_500;

export const command: Command = {
  usage: '[--config FILE]',
  options: configurationOptions,
  help: () => `Takes calls until it is told to stop.

SIGTERM or SIGINT: new calls are refused, those that are up may go on for drain.deadline_seconds, then the process
ends with 0. A second signal ends the calls at once; the process then ends with 1. SIGHUP reads the configuration
again: trunks, numbers, certificates, policies and the log level hold for new calls, a bad file changes nothing.

Options:
  -c, --config FILE  configuration file (default: none, or TRUNKBRIDGE_CONFIG)
  -h, --help         this text

Examples:
  ELEVENLABS_API_KEY=... ELEVENLABS_AGENT_ID=... trunkbridge serve
  trunkbridge serve --config /etc/trunkbridge/trunkbridge.yaml

${configurationHelp()}`,
  async run(args, io) {
    const loaded = readConfiguration(args, io);
    if (loaded === undefined) return exitCodes.wrong;
    for (const note of [...loaded.notes, ...lowerHelperThreads()]) io.err(`note: ${note}`);
    // Whatever is written from here on, the database with its journal too, only this user may read.
    process.umask(0o077);
    const { startApp } = await import('../app.ts');
    return serve(
      loaded.config,
      config => startApp(config, { load: () => loadConfiguration(args, io, true) }),
      io,
    );
  },
};

/** Runs the daemon from start to end. */
export async function serve(
  config: Config,
  start: (config: Config) => Promise<RunningApp>,
  io: Pick<Io, 'err' | 'onSignal' | 'onHangup'>,
): Promise<ExitCode> {
  const signals = new Signals(io);
  let running: RunningApp | undefined;
  // Heard from the start: nobody listening, the signal would end the process.
  const stopReloading = io.onHangup?.(() => void running?.reload());
  try {
    const app = await start(config);
    running = app;
    for (const { transport, ...at } of app.sip)
      app.log.info('listening', { for: `sip ${transport}`, at: writeHostPort(at) });
    app.log.info('listening', { for: 'http', at: writeHostPort(app.http) });
    if (app.publicHttp !== undefined)
      app.log.info('listening', { for: 'public http', at: writeHostPort(app.publicHttp) });
    await signals.next();
    app.log.info('stopping: no new calls, those that are up may finish', {
      deadlineSeconds: config.drain.deadlineSeconds,
    });
    const drained = app.drain().then(() => true);
    if (await Promise.race([drained, signals.next().then(() => false)])) {
      await app.close();
      return exitCodes.ok;
    }
    await Promise.race([app.close(), after(hurryMs), signals.next()]);
    return exitCodes.failed;
  } catch (error) {
    io.err(`trunkbridge: ${messageOf(error)}`);
    return exitCodes.failed;
  } finally {
    stopReloading?.();
    signals.stop();
  }
}

/** Signals one by one; one that comes before it is asked for is kept. */
class Signals {
  readonly stop: () => void;
  #kept = 0;
  #waiting: (() => void)[] = [];

  constructor(io: Pick<Io, 'onSignal'>) {
    this.stop = io.onSignal(() => {
      const resume = this.#waiting.shift();
      if (resume === undefined) this.#kept++;
      else resume();
    });
  }

  async next(): Promise<void> {
    if (this.#kept > 0) this.#kept--;
    else await new Promise<void>(resolve => this.#waiting.push(resolve));
  }
}

const after = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms).unref());
