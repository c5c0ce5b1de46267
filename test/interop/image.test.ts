import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { requirePrograms } from '../support/programs.ts';

const script = join(import.meta.dirname, '../../scripts/image-check.mjs');
/** The check installs every package and compiles the sources. */
const patienceMs = 300_000;

/** Whether the programs are there and this user may make namespaces. Under CI=true it throws where it is not so. */
function isAble(): boolean {
  if (!requirePrograms('the container image', ['unshare', 'setpriv'])) return false;
  const asked = spawnSync(process.execPath, [script, '--able'], { encoding: 'utf8' });
  if (asked.status === 0) return true;
  if (process.env['CI'] === 'true') throw new Error(`the container image cannot be tried: ${asked.stdout}`);
  process.stderr.write(`SKIPPED the container image: ${asked.stdout}`);
  return false;
}

function run(): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'pipe'], timeout: patienceMs });
  let output = '';
  child.stdout.on('data', chunk => {
    output += chunk;
  });
  child.stderr.on('data', chunk => {
    output += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', code => resolve({ code, output }));
  });
}

describe.skipIf(!isAble())('the container image', () => {
  it(
    'builds in a clean folder, is healthy as PID 1 without being root, and ends with 0 on SIGTERM',
    async () => {
      const { code, output } = await run();
      expect(code, output).toBe(0);
      expect(output).toContain('ok    the daemon is PID 1');
      expect(output).toContain('ok    the daemon is not root');
      expect(output).toContain('The image works.');
    },
    patienceMs,
  );
});
