// Runs the built daemon as `serve` does, and on SIGUSR2 writes what it holds, after a collection of garbage.
import { readdirSync } from 'node:fs';
import { startApp } from '../../dist/src/app.js';
import { loadConfig } from '../../dist/src/config/load.js';
import { overloadLimits } from '../../dist/src/core/overload.js';
import { stackLimits } from '../../dist/src/sip/embedded/limits.js';

const at = process.argv.indexOf('--config');
const sipLimits = { ...stackLimits, ...overloadLimits };
const loaded = loadConfig({ path: at < 0 ? undefined : process.argv[at + 1], sipLimits });
if (!loaded.ok) throw new Error(JSON.stringify(loaded.failure));
const app = await startApp(loaded.value.config);
const tell = fields => process.stdout.write(`${JSON.stringify({ level: 'info', ...fields })}\n`);
const listening = (what, { address, port }) =>
  tell({ msg: 'listening', for: what, at: `${address}:${port}` });
for (const listen of app.sip) listening(`sip ${listen.transport}`, listen);
listening('http', app.http);

process.on('SIGUSR2', () => {
  globalThis.gc();
  const { heapUsed, rss } = process.memoryUsage();
  const descriptors = readdirSync('/proc/self/fd').length;
  const threads = readdirSync('/proc/self/task').length;
  tell({ msg: 'holdings', load: app.load(), heap: heapUsed, rss, descriptors, threads });
});
process.on('SIGTERM', async () => {
  await app.close();
  process.exit(0);
});
