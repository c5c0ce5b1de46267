#!/usr/bin/env node
// Load: calls of SIPp with real RTP through the built daemon to the stand-in agent. See docs/load.md.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));

const help = `Usage: node scripts/load.mjs [options]

Makes calls with real sound (SIPp, TCP) through the built daemon to the stand-in agent of the bench, which talks half of the time, all on loopback.
Prints the limits it had to raise, progress every two seconds, and a summary. Needs sipp (Debian: sip-tester).
Exits with 0, with 1 when a call failed or too much sound was lost, with 2 for wrong use.

Options:
      --calls N          calls at once (default 50)
      --rate R           new calls a second (default 10)
      --duration S       length of the run in seconds, the last calls included (default 30)
      --warm S           seconds of calls before that are not counted, at half the rate and 200 a second at most (default 0)
      --length S         length of a call in seconds (default: calls / rate, which keeps N calls up)
      --media HOW        calls with sound, or with SDP alone: sound, none (default sound)
      --may-refuse       a 503 with Retry-After that names a limit is no failure (with --media none)
      --max-p99 MS       most time from INVITE to 200, at p99
      --min-p99 MS       least such time: the run is to show what more than can be carried does, and is a failure when it
                         does not. Calls that failed or were refused are none
      --codec NAME       pcmu, pcma or mixed (default pcmu)
      --format NAME      audio format of the agent: ulaw_8000, pcm_16000 (default ulaw_8000)
      --connections HOW  one TCP connection like a trunk, or each call its own: one, each (default one)
      --settle MS        agent.settle_ms of the daemon (default 0)
      --chunk MS         agent.input_chunk_ms of the daemon (default 20)
      --workers N        media threads of the daemon, or auto (default auto)
      --max-loss PERCENT most RTP packets that may be lost (default 0.1)
      --json             prints one last line of JSON with what was measured
      --limit NAME=VALUE another limit below sip.limits, as often as wanted
      --profile FOLDER   writes a CPU profile of each thread of the daemon there
      --keep             leaves the folder with logs and statistics, and says where it is
  -h, --help             this text

Examples:
  node scripts/load.mjs --calls 200 --rate 20 --duration 60
  node scripts/load.mjs --calls 10 --rate 20 --length 0.5 --duration 100 --codec mixed --connections each
  node scripts/load.mjs --media none --calls 2000 --rate 400 --length 0.3 --may-refuse --max-p99 250`;

const optionTypes = {
  calls: { type: 'string', default: '50' },
  rate: { type: 'string', default: '10' },
  duration: { type: 'string', default: '30' },
  warm: { type: 'string', default: '0' },
  length: { type: 'string' },
  media: { type: 'string', default: 'sound' },
  'may-refuse': { type: 'boolean' },
  'max-p99': { type: 'string' },
  'min-p99': { type: 'string' },
  codec: { type: 'string', default: 'pcmu' },
  format: { type: 'string', default: 'ulaw_8000' },
  connections: { type: 'string', default: 'one' },
  settle: { type: 'string', default: '0' },
  chunk: { type: 'string', default: '20' },
  workers: { type: 'string', default: 'auto' },
  'max-loss': { type: 'string', default: '0.1' },
  json: { type: 'boolean' },
  limit: { type: 'string', multiple: true, default: [] },
  profile: { type: 'string' },
  keep: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
};

process.exitCode = await main();

async function main() {
  let options;
  try {
    options = parseArgs({ options: optionTypes }).values;
  } catch (error) {
    return misuse(error.message);
  }
  if (options.help) {
    console.log(help);
    return 0;
  }
  execFileSync(process.execPath, [join(root, 'scripts/build.mjs'), '--if-stale'], { stdio: 'inherit' });
  const planning = await import('./load/plan.mjs');
  let plan;
  try {
    plan = planning.makePlan(options);
  } catch (error) {
    if (error instanceof planning.UsageError) return misuse(error.message);
    throw error;
  }
  const raised = planning.raisedLimits(plan);
  console.log(
    `${plan.total} calls of ${plan.length} s, ${plan.rate} a second, at most ${plan.calls} at once, ` +
      `${plan.codecs.join(' and ')}, ${plan.media === 'none' ? 'no sound' : `agent ${plan.format}`}`,
  );
  for (const { name, usual, value } of raised) console.log(`raised ${name} from ${usual} to ${value}`);
  if (raised.length === 0) console.log('no limit had to be raised');
  // What this loads is built only now.
  const { Run } = await import('./load/run.mjs');
  const run = new Run(plan, raised);
  try {
    return await run.execute(options.json === true);
  } catch (error) {
    console.error(`load: ${error.message}`);
    return 1;
  } finally {
    await run.stop();
    if (options.keep) console.log(`left ${run.folder}`);
    else rmSync(run.folder, { recursive: true, force: true });
  }
}

function misuse(why) {
  console.error(`load: ${why}\nTry --help.`);
  return 2;
}
