import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SimWorld, type WorldOptions } from '../../src/sim/world.ts';
import { Child } from './child.ts';

const main = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url));
const holdingsHost = fileURLToPath(new URL('holdings-host.mjs', import.meta.url));

export interface StageOptions extends WorldOptions {
  /** Variables on top of those that point the daemon at its stand-ins. */
  readonly env?: Readonly<Record<string, string>>;
  /** YAML of its configuration file. */
  readonly config?: string;
  /** Whether it has the token that Twilio signs webhooks with. */
  readonly twilioToken?: boolean;
  /** Runs the daemon inside of `holdings-host.mjs`, which tells what it holds when it is asked. */
  readonly tellsHoldings?: boolean;
}

/** What a daemon holds at one moment. */
export interface Holdings {
  /** Gauges of the daemon itself, by name. */
  readonly load: Readonly<Record<string, number>>;
  /** Heap of the main thread after a collection, bytes. */
  readonly heap: number;
  /** Memory of the whole process, bytes. */
  readonly rss: number;
  /** File descriptors that are open: sockets of every thread among them. */
  readonly descriptors: number;
  readonly threads: number;
}

/** A line of the daemon's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly level: string; readonly msg: string };

/** The built daemon in a process of its own, its stand-ins in this one, and a folder for what a test writes. */
export class StagedDaemon {
  readonly world: SimWorld;
  readonly child: Child;
  /** Empty at the start, gone after `stop`. */
  readonly folder: string;
  readonly #ports = new Map<string, number>();

  private constructor(world: SimWorld, child: Child, folder: string) {
    this.world = world;
    this.child = child;
    this.folder = folder;
  }

  /** Settles once it listens. */
  static async start(options: StageOptions = {}): Promise<StagedDaemon> {
    const world = await SimWorld.start(options);
    const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-'));
    const args = options.tellsHoldings === true ? ['--expose-gc', holdingsHost] : [main, 'serve'];
    if (options.config !== undefined) {
      writeFileSync(join(folder, 'trunkbridge.yaml'), options.config);
      args.push('--config', join(folder, 'trunkbridge.yaml'));
    }
    const env = {
      PATH: process.env['PATH'] ?? '',
      ...world.environment(),
      ...(options.twilioToken === true ? { TWILIO_AUTH_TOKEN: world.twilio.authToken } : {}),
      ...options.env,
    };
    const child = new Child(process.execPath, ['--enable-source-maps', ...args], { cwd: folder, env });
    const daemon = new StagedDaemon(world, child, folder);
    try {
      await child.until(() => (daemon.#findPorts() ? true : undefined));
      return daemon;
    } catch (error) {
      await daemon.stop();
      throw error;
    }
  }

  get tcp(): number {
    return this.#port('sip tcp');
  }

  get tls(): number {
    return this.#port('sip tls');
  }

  /** Every complete line of its log so far. */
  log(): LogLine[] {
    const lines = this.child.output.split('\n').slice(0, -1);
    return lines.filter(line => line.startsWith('{')).map(line => JSON.parse(line) as LogLine);
  }

  /** Lines with this text, oldest first. */
  logged(text: string): LogLine[] {
    return this.log().filter(({ msg }) => msg === text);
  }

  /** The same, once there are so many: the log is written behind what it tells of. */
  async logs(text: string, count = 1): Promise<LogLine[]> {
    return this.child.until(() => {
      const lines = this.logged(text);
      return lines.length >= count ? lines : undefined;
    });
  }

  /** What the daemon holds now; only with `tellsHoldings`. */
  async holdings(): Promise<Holdings> {
    const told = this.logged('holdings').length;
    this.child.signal('SIGUSR2');
    return (await this.child.until(() => this.logged('holdings')[told])) as unknown as Holdings;
  }

  /** Ends the daemon and its stand-ins; settles with the code it exited with. */
  async stop(): Promise<number | string> {
    try {
      return await this.child.stop();
    } finally {
      await this.world.close();
      rmSync(this.folder, { recursive: true, force: true });
    }
  }

  #findPorts(): boolean {
    for (const line of this.logged('listening')) {
      const at = String(line['at']);
      this.#ports.set(String(line['for']), Number(at.slice(at.lastIndexOf(':') + 1)));
    }
    return this.#ports.has('http');
  }

  #port(what: string): number {
    const port = this.#ports.get(what);
    if (port === undefined) throw new Error(`the daemon does not listen for ${what}`);
    return port;
  }
}
