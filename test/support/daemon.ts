import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SimWorld, type WorldOptions } from '../../src/sim/world.ts';
import { Child } from './child.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

export interface DaemonOptions extends WorldOptions {
  /** Variables on top of those that point the daemon at its stand-ins. */
  readonly env?: Readonly<Record<string, string>>;
  /** YAML of its configuration file. */
  readonly config?: string;
}

/** A line of the daemon's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly level: string; readonly msg: string };

/** The built daemon in a process of its own, with stand-ins in this one. */
export class Daemon {
  readonly world: SimWorld;
  readonly child: Child;
  /** An empty folder for whatever a test writes; gone after `stop`. */
  readonly folder: string;
  #at = new Map<string, number>();

  private constructor(world: SimWorld, child: Child, folder: string) {
    this.world = world;
    this.child = child;
    this.folder = folder;
  }

  static async start(options: DaemonOptions = {}): Promise<Daemon> {
    const world = await SimWorld.start(options);
    const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-'));
    const args = ['--enable-source-maps', join(root, 'dist/src/main.js'), 'serve'];
    if (options.config !== undefined) {
      writeFileSync(join(folder, 'trunkbridge.yaml'), options.config);
      args.push('--config', join(folder, 'trunkbridge.yaml'));
    }
    const env = { PATH: process.env['PATH'] ?? '', ...world.environment(), ...options.env };
    const daemon = new Daemon(world, new Child(process.execPath, args, { cwd: folder, env }), folder);
    try {
      await daemon.child.until(() => (daemon.#findPorts() ? true : undefined));
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

  get http(): number {
    return this.#port('http');
  }

  /** Every complete line of its log so far. */
  log(): LogLine[] {
    const lines = this.child.output.split('\n').slice(0, -1);
    return lines.filter(line => line.startsWith('{')).map(line => JSON.parse(line) as LogLine);
  }

  /** Settles with what `check` finds in the log, as soon as it is there. */
  untilLogged<T>(check: (lines: LogLine[]) => T | undefined, timeoutMs?: number): Promise<T> {
    return this.child.until(() => check(this.log()), timeoutMs);
  }

  /** Samples of `/metrics`: `name{labels}` to value. */
  async metrics(): Promise<Map<string, number>> {
    const response = await fetch(`http://127.0.0.1:${this.http}/metrics`);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`/metrics answered ${response.status}`);
    const samples = text.split('\n').filter(line => line !== '' && !line.startsWith('#'));
    return new Map(
      samples.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
    );
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
    for (const line of this.log()) {
      const at = String(line['at']);
      if (line.msg === 'listening')
        this.#at.set(String(line['for']), Number(at.slice(at.lastIndexOf(':') + 1)));
    }
    return this.#at.has('http');
  }

  #port(what: string): number {
    const port = this.#at.get(what);
    if (port === undefined) throw new Error(`the daemon does not listen for ${what}`);
    return port;
  }
}
