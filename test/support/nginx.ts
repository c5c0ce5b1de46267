import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child } from './child.ts';
import { connectWhenOpen, freePort } from './ports.ts';

const page = fileURLToPath(new URL('../../docs/media-streams.md', import.meta.url));

export interface NginxOptions {
  /** Where its files are written. */
  readonly folder: string;
  /** Where the public listener of the daemon is. */
  readonly publicPort: number;
  /** Where its first worker takes streams; ends in 0. Absent: the proxy has no route to workers. */
  readonly streamPort?: number;
}

/** nginx in a process of its own, with the locations that docs/media-streams.md shows, on a port of loopback. */
export class Nginx {
  readonly port: number;
  readonly #child: Child;

  private constructor(child: Child, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Settles once it takes connections. */
  static async start({ folder, publicPort, streamPort }: NginxOptions): Promise<Nginx> {
    const port = await freePort();
    const [all = '', workers = ''] = shownLocations();
    const locations = [all.replace(':8081', `:${publicPort}`)];
    if (streamPort !== undefined) locations.unshift(workers.replace(':809', `:${streamPort / 10}`));
    const file = join(folder, 'nginx.conf');
    writeFileSync(file, configuration(folder, port, locations));
    const child = new Child('nginx', ['-c', file, '-e', join(folder, 'nginx.log')], { cwd: folder });
    const nginx = new Nginx(child, port);
    try {
      (await connectWhenOpen(port)).destroy();
    } catch (error) {
      await nginx.stop();
      throw new Error(`nginx did not start:\n${child.output.slice(-3000)}`, { cause: error });
    }
    return nginx;
  }

  async stop(): Promise<void> {
    await this.#child.stop();
  }
}

/** The two `location` blocks of the page, as they stand there. */
function shownLocations(): string[] {
  const text = readFileSync(page, 'utf8');
  return [...text.matchAll(/^ {4}location [\s\S]*?^ {4}\}/gm)].map(([block]) => block);
}

function configuration(folder: string, port: number, locations: readonly string[]): string {
  const own = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    name => `  ${name}_temp_path ${join(folder, `nginx-${name}`)};`,
  );
  return `
daemon off;
worker_processes 1;
pid ${join(folder, 'nginx.pid')};
events { worker_connections 256; }
http {
${own.join('\n')}
  access_log off;
  server {
    listen 127.0.0.1:${port};
${locations.join('\n')}
  }
}
`;
}
