import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Tests that run what was built: they need threads, and vitest cannot start a TypeScript worker on Node 20. */
const needsBuild = /contract|flow|interop|long|demo/;

/** Compiles the sources once before a run that includes tests of the built program. */
export function setup(): void {
  const filters = process.argv.slice(2).filter(argument => argument.includes('test/'));
  if (filters.length > 0 && !filters.some(filter => needsBuild.test(filter))) return;
  const script = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url));
  execFileSync(process.execPath, [script, '--if-stale'], { stdio: 'inherit' });
}
