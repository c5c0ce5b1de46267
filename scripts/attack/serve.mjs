import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The built daemon, with one media worker and the services of `world`; what it logs is on its stdout. */
export async function serve(world, folder, config, env) {
  // It is built only when this is called.
  const { daemonFlags } = await import('../../dist/src/sim/load/daemon-flags.js');
  return spawn(
    process.execPath,
    [...daemonFlags, join(root, 'dist/src/main.js'), 'serve', '--config', config],
    {
      cwd: folder,
      env: { PATH: process.env['PATH'], ...world.environment(), MEDIA_WORKERS: '1', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
}
