#!/usr/bin/env node
// Fuzzes what reads from the network, guided by coverage. Needs `npm run build`. See docs/fuzz.md.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Coverage } from './fuzz/coverage.mjs';
import { fuzz } from './fuzz/engine.mjs';

const coverage = new Coverage(url => url.includes('/dist/') || url.endsWith('/fuzz/plants.mjs'));
// Only now: see `Coverage`.
const { plants } = await import('./fuzz/plants.mjs');
const { targets } = await import('./fuzz/targets/targets.mjs');

const help = `Usage: node scripts/fuzz.mjs [options]

First finds a planted bug in each target, then looks for real ones. Exits with 0, with 1 when one was found (its input is
written to fuzz-findings/), with 2 for wrong use.

Options:
      --runs N       inputs over all targets (default 1000000)
      --seconds S    most seconds for each target (default 60)
      --seed N       where chance begins (default 3261)
      --only NAME    one target alone, by the beginning of its name
      --no-plants    does not look for the planted bugs
  -h, --help         this text

Targets: ${targets.map(({ name }) => name).join('; ')}`;

const values = readOptions();
const chosen = targets.filter(({ name }) => name.startsWith(values.only));
const total = Number(values.runs);
const seed = Number(values.seed);
if (chosen.length === 0 || !(total > 0) || !(Number(values.seconds) > 0) || !Number.isInteger(seed)) misuse();

function readOptions() {
  try {
    const read = parseArgs({
      options: {
        runs: { type: 'string', default: '1000000' },
        seconds: { type: 'string', default: '60' },
        seed: { type: 'string', default: '3261' },
        only: { type: 'string', default: '' },
        'no-plants': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
    if (!read.help) return read;
    console.log(help);
    return process.exit(0);
  } catch {
    return misuse();
  }
}

function misuse() {
  console.error('fuzz: what is asked for cannot be done. Try --help.');
  process.exit(2);
}

/** How long a planted bug may hide. */
const plantLimits = { runs: 1_000_000, seconds: 300 };
/** Memory that a target may have taken for good, bytes. */
const mostGrowth = 64 * 1_048_576;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

function heap() {
  collect();
  return process.memoryUsage().heapUsed;
}

function planted(target) {
  const plant = plants[target.run.name];
  return {
    ...target,
    run(input) {
      const outcome = target.run(input);
      return outcome instanceof Promise ? outcome.then(plant) : plant(outcome);
    },
  };
}

async function checkPlant(target) {
  const found = await fuzz(planted(target), { ...plantLimits, seed, coverage });
  const good = found.broken?.why.includes('planted: ') === true;
  const after = `${found.runs} inputs, ${(found.ms / 1000).toFixed(1)} s`;
  if (!good)
    report(target.name, found.broken ?? { why: 'the planted bug was not found', input: Buffer.alloc(0) });
  return { good, after };
}

function report(name, { why, input }) {
  mkdirSync('fuzz-findings', { recursive: true });
  const file = join('fuzz-findings', `${name.replace(/\W+/g, '-')}-${Date.now()}.bin`);
  writeFileSync(file, input);
  console.log(`\n${name}: ${why}\nThe input (${input.length} bytes) is in ${file}.\n`);
}

let bad = 0;
console.log(
  '| target | inputs | a second | blocks reached | corpus | slowest ms | heap grew MB | planted bug found after |',
);
console.log('|---|---|---|---|---|---|---|---|');
for (const target of chosen) {
  const plant = values['no-plants'] ? { good: true, after: 'not tried' } : await checkPlant(target);
  const before = heap();
  const runs = Math.ceil(total / chosen.length);
  const found = await fuzz(target, { runs, seconds: Number(values.seconds), seed, coverage });
  const growth = heap() - before;
  if (found.broken !== undefined) report(target.name, found.broken);
  if (growth > mostGrowth) console.log(`\n${target.name}: the heap grew by ${growth} bytes\n`);
  if (!plant.good || found.broken !== undefined || growth > mostGrowth) bad++;
  const rate = Math.round((found.runs * 1000) / found.ms);
  const cells = [target.name, found.runs, rate, found.blocks, found.corpus];
  console.log(
    `| ${[...cells, found.slowest.toFixed(1), (growth / 1_048_576).toFixed(1), plant.after].join(' | ')} |`,
  );
}
process.exitCode = bad === 0 ? 0 : 1;
