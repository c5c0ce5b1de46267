// Compiles src and codecs into dist, and copies the C programs of the benchmark there. `--if-stale` skips the work when dist is newer than every source.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stamp = join(root, 'dist', '.built');

function newest(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map(name => newest(join(path, name))));
}

/** What the benchmark compiles in place lies beside what starts it. */
function copyPrograms(folder) {
  mkdirSync(join(root, 'dist', folder), { recursive: true });
  for (const name of readdirSync(join(root, folder)).filter(each => /\.[ch]$/.test(each)))
    copyFileSync(join(root, folder, name), join(root, 'dist', folder, name));
}

const sources = ['src', 'codecs', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];
const built = existsSync(stamp) ? statSync(stamp).mtimeMs : 0;
const stale = built === 0 || sources.some(name => newest(join(root, name)) > built);
if (stale || !process.argv.includes('--if-stale')) {
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  execFileSync(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'],
    {
      cwd: root,
      stdio: 'inherit',
    },
  );
  for (const folder of ['src/sim/load', 'src/sim/load/agent', 'src/sim/load/telephones'])
    copyPrograms(folder);
  writeFileSync(stamp, '');
}
