#!/usr/bin/env node
// All measurements of the SIP edge, one after the other, into one page: docs/edge-results.md. For a machine that does nothing else.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const help = `Usage: node scripts/prove-edge.mjs [options]

Runs every measurement of the SIP edge in turn, twenty-five minutes at most, and writes what they print to a page. Exits with
0 when all of them held, else with 1. Needs sipp (Debian: sip-tester).

Options:
      --only NAME    those alone whose name begins so
      --out FILE     where it is written (default docs/edge-results.md)
  -h, --help         this text`;

const quiet = ['--media', 'none', '--calls', '3000', '--length', '0.3', '--warm', '10'];
const unguarded = ['mainLagMs', 'workerLagMs', 'connectionLagMs'].flatMap(name => [
  '--limit',
  `${name}=1000000`,
]);

/** More than these two cores can carry: with the guard and without it. */
const tooMany = [...quiet, '--rate', '1000', '--duration', '8', '--may-refuse'];

const shown = loads => loads.map(each => each.toFixed(2)).join(', ');

/** Name, script, its arguments, and the most seconds that it may take. */
const measurements = [
  ['parsing', 'parse-cost.mjs', [], 60],
  ['SRTP', 'srtp-cost.mjs', [], 120],
  [
    '100 set-ups a second, no sound',
    'load.mjs',
    [...quiet, '--rate', '100', '--duration', '60', '--max-p99', '40'],
    150,
  ],
  [
    '100 set-ups a second, 2 s of sound',
    'load.mjs',
    [
      '--calls',
      '600',
      '--rate',
      '100',
      '--length',
      '2',
      '--duration',
      '60',
      '--warm',
      '10',
      '--max-p99',
      '40',
    ],
    180,
  ],
  [
    '400 set-ups a second offered',
    'load.mjs',
    [...quiet, '--rate', '400', '--duration', '30', '--may-refuse', '--max-p99', '250'],
    180,
  ],
  ['1,000 set-ups a second offered', 'load.mjs', [...tooMany, '--max-p99', '1000'], 120],
  [
    'the same without the guard: it collapses',
    'load.mjs',
    [...tooMany, '--min-p99', '2000', ...unguarded],
    180,
  ],
  ['idle connections', 'idle-connections.mjs', [], 240],
  ['attack', 'attack.mjs', [], 180],
];

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    out: { type: 'string', default: join(root, 'docs/edge-results.md') },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) console.log(help);
else process.exitCode = await main();

async function main() {
  execFileSync(process.execPath, [join(root, 'scripts/build.mjs'), '--if-stale'], { stdio: 'inherit' });
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
    cwd: root,
    encoding: 'utf8',
  }).trim();
  const memory = `${Math.round(totalmem() / 1024 ** 3)} GB`;
  const page = [
    '# What the SIP edge was measured at',
    '',
    'Written by `node scripts/prove-edge.mjs`; [load.md](load.md) and [attack.md](attack.md) say what each run does.',
    '',
    `${new Date().toISOString().slice(0, 16)} UTC, commit ${commit}, ${cpus()[0].model.trim()}, ${availableParallelism()} cores, ${memory},`,
    `Linux ${release()}, Node ${process.version}. Load before (1, 5, 15 minutes): ${shown(loadavg())}.`,
  ];
  let failed = 0;
  for (const [name, script, args, seconds] of measurements.filter(([each]) => each.startsWith(values.only))) {
    const before = loadavg();
    const { code, output } = await run(script, args, seconds);
    if (code !== 0) failed++;
    const command = ['node', `scripts/${script}`, ...args].join(' ');
    page.push('', `## ${name[0].toUpperCase()}${name.slice(1)}`, '', `    ${command}`, '');
    page.push(`Load before: ${shown(before)}. ${code === 0 ? 'It held.' : `It did not hold (${code}).`}`, '');
    page.push('```text', output.trim(), '```');
    writeFileSync(values.out, `${page.join('\n')}\n`);
    console.log(`${name}: ${code === 0 ? 'held' : `did not hold (${code})`}`);
  }
  console.log(`${failed} did not hold; written to ${values.out} (${readFileSync(values.out).length} bytes)`);
  return failed === 0 ? 0 : 1;
}

/** Runs a script to its end, or to the end of its time; every program it has started ends with it. */
function run(script, args, seconds) {
  const child = spawn(process.execPath, [join(root, 'scripts', script), ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = text => {
    output += text;
  };
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  const limit = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), seconds * 1000);
  return new Promise(resolve => {
    child.once('close', (code, signal) => {
      clearTimeout(limit);
      // Progress is of use to those who wait for it only.
      resolve({ code: code ?? signal, output: output.replace(/^\d+ s: .*\n/gm, '') });
    });
  });
}
