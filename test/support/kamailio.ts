import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Certificate } from '../../src/sim/certificate.ts';
import { Child } from './child.ts';
import { connectWhenOpen, freePort } from './ports.ts';

/** The project's own example. */
const example = fileURLToPath(new URL('../../examples/kamailio/kamailio.cfg', import.meta.url));

export interface KamailioOptions {
  /** Where its files are written. */
  readonly folder: string;
  /** Configuration file; the example unless given. */
  readonly file?: string;
  /** Names that are set from the command line. */
  readonly names: Readonly<Record<string, string>>;
  /** Listens for TLS as well, with this certificate, and believes those that it signs. */
  readonly certificate?: Certificate;
}

/** Kamailio in a process of its own, on ports of loopback that it has to itself. */
export class Kamailio {
  readonly tcp: number;
  readonly tls: number | undefined;
  readonly #child: Child;

  private constructor(child: Child, tcp: number, tls: number | undefined) {
    this.#child = child;
    this.tcp = tcp;
    this.tls = tls;
  }

  /** Settles once it takes connections. */
  static async start({ folder, file, names, certificate }: KamailioOptions): Promise<Kamailio> {
    const tcp = await freePort();
    const tls = certificate === undefined ? undefined : await freePort();
    const args = ['-f', file ?? example, '-DD', '-E', '-m', '32', '-M', '8', '-Y', folder];
    args.push('-P', join(folder, 'kamailio.pid'), '-A', `LISTEN=tcp:127.0.0.1:${tcp}`);
    if (certificate !== undefined) {
      args.push('-A', 'WITH_TLS', '-A', `LISTEN_TLS=tls:127.0.0.1:${tls}`);
      args.push(
        ...pem(folder, 'TLS_CERTIFICATE', certificate.cert),
        ...pem(folder, 'TLS_CA', certificate.cert),
      );
      args.push(...pem(folder, 'TLS_KEY', certificate.key));
    }
    for (const [name, value] of Object.entries(names)) args.push('-A', `${name}=${value}`);
    const kamailio = new Kamailio(new Child('kamailio', args, { cwd: folder }), tcp, tls);
    try {
      for (const port of [tcp, tls]) if (port !== undefined) (await connectWhenOpen(port)).destroy();
    } catch (error) {
      await kamailio.stop();
      throw new Error(`kamailio did not start:\n${kamailio.output.slice(-3000)}`, { cause: error });
    }
    return kamailio;
  }

  get output(): string {
    return this.#child.output;
  }

  async stop(): Promise<void> {
    await this.#child.stop();
  }
}

function pem(folder: string, name: string, text: string): string[] {
  const path = join(folder, `${name.toLowerCase()}.pem`);
  writeFileSync(path, text);
  return ['-A', `${name}="${path}"`];
}
