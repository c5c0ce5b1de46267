#!/usr/bin/env node
// The whole measurement of a release, unattended: every profile beside the floor, into docs/bench. See docs/bench/README.md.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { marksOf, sectionOf } from './bench-release/report.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

const help = `Usage: npm run bench:release -- [options]

Runs every measurement of a release one after the other: about 25 minutes, in which nothing else should run on the machine.
Results go to <version>.json and <version>.md in the folder, after each step, so that what was measured is kept when it
is stopped. Exits with 0, or with 1 when a step failed; a mark that was missed is told and is no failure.

Options:
      --short          one pair of the most telling ones, about five minutes; files are named <version>-short
      --save FOLDER    where results go (default docs/bench)
      --minutes N      begin no step after this long (default 30; short 6)
  -h, --help           this text`;

/** Pairs of bridge and floor: at these numbers of calls, so many rounds of them in turn. */
const plans = {
  long: [
    { name: 'pcmu', title: 'PCMU over ws', calls: [50, 100, 200, 400], rounds: 5, args: [] },
    { name: 'wss', title: 'PCMU over wss', calls: [200], rounds: 3, args: ['--wss'] },
    { name: 'g722', title: 'G.722, agent at 16 kHz', calls: [100], rounds: 3, args: ['--profile', 'g722'] },
    {
      name: 'workers',
      title: 'PCMU over ws, two workers',
      calls: [400],
      rounds: 3,
      args: ['--workers', '2'],
    },
    {
      name: 'pcmu24',
      title: 'PCMU, agent at 24 kHz',
      calls: [100],
      rounds: 1,
      args: ['--profile', 'pcmu24'],
    },
  ],
  short: [
    { name: 'pcmu', title: 'PCMU over ws', calls: [100, 200], rounds: 1, args: [] },
    {
      name: 'workers',
      title: 'PCMU over ws, two workers',
      calls: [400],
      rounds: 1,
      args: ['--workers', '2'],
    },
    { name: 'wss', title: 'PCMU over wss', calls: [200], rounds: 1, args: ['--wss'] },
    { name: 'g722', title: 'G.722, agent at 16 kHz', calls: [100], rounds: 1, args: ['--profile', 'g722'] },
  ],
};
/** Length of the window that is measured, seconds. */
const windowSeconds = 10;
/** Counted and not timed: what does not need a quiet machine, and what the bench has no profile for. */
const packets = {
  long: [
    ['--system-calls', '--chunk', '20,40,60,100'],
    ['--srtp'],
    ['--wss'],
    ['--profile', 'pcma,g722,pcmu24'],
  ],
  short: [
    ['--system-calls', '--pairs', '1'],
    ['--srtp', '--pairs', '1'],
  ],
};
/** One pair, or one line of what packets cost, may take this long, ms. */
const longestMs = 5 * 60_000;

let running;
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    running?.kill(signal);
    process.exitCode = 1;
    stopped = true;
  });
let stopped = false;
process.exitCode = await main();

async function main() {
  let options;
  try {
    options = parseArgs({
      options: {
        short: { type: 'boolean', default: false },
        save: { type: 'string', default: join(root, 'docs', 'bench') },
        minutes: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    console.error(`bench-release: ${error.message}. See --help.`);
    return 2;
  }
  if (options.help) {
    console.log(help);
    return 0;
  }
  return run(options);
}

async function run({ short: isShort, save, minutes }) {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const result = {
    version,
    date: new Date().toISOString(),
    machine: {
      cores: cpus().length,
      cpu: cpus()[0]?.model.trim(),
      node: process.version,
      loadBefore: loadavg()[0],
    },
    steps: [],
    packets: [],
    failed: [],
  };
  const until = Date.now() + Number(minutes ?? (isShort ? 6 : 30)) * 60_000;
  const keep = () => store(join(save, isShort ? `${version}-short` : version), result);
  mkdirSync(save, { recursive: true });
  const form = isShort ? 'short' : 'long';
  for (const plan of plans[form]) {
    const step = { name: plan.name, title: plan.title, runs: [] };
    result.steps.push(step);
    for (let round = 1; round <= plan.rounds; round++) {
      for (const calls of plan.calls) {
        const args = ['--calls', String(calls), '--seconds', String(windowSeconds), ...plan.args];
        await attempt(result, until, `${plan.title}, ${calls} calls, pair ${round}`, async () => {
          const { runs } = await json([
            '--enable-source-maps',
            'dist/src/main.js',
            'bench',
            '--json',
            ...args,
          ]);
          step.runs.push(...runs);
        });
        keep();
      }
    }
  }
  for (const args of packets[form]) {
    await attempt(result, until, `what packets cost, ${args.join(' ')}`, async () => {
      result.packets.push(...(await json(['scripts/media-cost.mjs', '--json', ...args])));
    });
    keep();
  }
  console.log(reportOf(result));
  return result.failed.length > 0 ? 1 : 0;
}

/** Does a piece of the work; one that fails, or for which there is no time, is told in the report and ends nothing. */
async function attempt(result, until, name, work) {
  if (stopped || Date.now() > until) {
    result.failed.push(`${name}: there was no time`);
    return;
  }
  console.error(`bench-release: ${name}`);
  try {
    await work();
  } catch (error) {
    result.failed.push(`${name}: ${error.message}`);
    console.error(`bench-release: ${name} failed: ${error.message}`);
  }
}

/** Runs a program with node and reads the line of JSON that it ends with; one that found something amiss prints it too. */
function json(args) {
  return new Promise((resolve, reject) => {
    running = spawn(process.execPath, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: longestMs,
    });
    let out = '';
    running.stdout.on('data', chunk => {
      out += chunk;
    });
    running.on('error', reject);
    running.on('close', code => {
      const line = out.trim().split('\n').at(-1) ?? '';
      try {
        resolve(JSON.parse(line));
      } catch {
        reject(new Error(`ended with ${code} and no result`));
      }
    });
  });
}

function store(path, result) {
  writeFileSync(`${path}.json`, `${JSON.stringify(result, null, 1)}\n`);
  writeFileSync(`${path}.md`, `${reportOf(result)}\n`);
}

function reportOf(result) {
  const { version, date, machine, steps, failed } = result;
  return [
    `# Trunkbridge ${version}`,
    `${date.slice(0, 10)}, ${machine.cores} cores of ${machine.cpu}, Node ${machine.node}; load before it began ${machine.loadBefore.toFixed(1)}. Telephones and agent ran on the same cores; \`agent.settle_ms\` is 0. Figures are medians of all pairs, "floor" is the bare program in the same minutes. What each means: [README](README.md).`,
    ...(failed.length === 0 ? [] : [`Not measured: ${failed.join('; ')}.`]),
    '## Against the marks',
    marksOf(result),
    ...steps.filter(({ runs }) => runs.length > 0).map(sectionOf),
    packetsOf(result.packets),
  ].join('\n\n');
}

function packetsOf(lines) {
  if (lines.length === 0) return '';
  const rows = lines.map(({ profile, wss, srtp, chunkMs, bytes, micros, ratio, systemCalls }) =>
    [
      `${profile}${wss ? ', wss' : ''}${srtp ? ', SRTP' : ''}`,
      `${chunkMs} ms`,
      `${bytes.bridge.toFixed(0)} (${bytes.floor.toFixed(0)})`,
      `${micros.bridge.toFixed(1)} (${micros.floor.toFixed(1)})`,
      ratio.toFixed(2),
      systemCalls === undefined ? '-' : `${systemCalls.bridge.toFixed(2)} (${systemCalls.floor.toFixed(2)})`,
    ].join(' | '),
  );
  return [
    '## A packet in, one out, and its share of a message to the agent (floor, with messages of 20 ms)\n',
    '| calls of | message | bytes of heap | processor, us | ratio | system calls |',
    '|---|---|---|---|---|---|',
    ...rows.map(row => `| ${row} |`),
  ].join('\n');
}
