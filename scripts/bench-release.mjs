#!/usr/bin/env node
// The whole measurement of a release, unattended: every part beside the floor, into docs/bench. See docs/bench/README.md.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formOf, parts } from './bench-release/parts.mjs';
import { marksOf, marksTable, metInWords, reportOf } from './bench-release/report.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const optionTypes = {
  only: { type: 'string', default: '' },
  short: { type: 'boolean', default: false },
  save: { type: 'string', default: join(root, 'docs', 'bench') },
  minutes: { type: 'string' },
  seconds: { type: 'string' },
  calls: { type: 'string' },
  rounds: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
};

const minutes = seconds => Math.max(1, Math.round(seconds / 60));
const total = (some, form) => some.reduce((all, part) => all + part.seconds(form), 0);
const form = formOf({});
const listed = parts.map(
  ({ name, title, seconds }) => `  ${name.padEnd(9)} ${title}, ${minutes(seconds(form))} min`,
);
const help = `Usage: npm run bench:release -- [options]

Runs every measurement of a release one after the other, about ${minutes(total(parts, form))} minutes, in which nothing else should run on the
machine, and says in one table which marks were met. Results go to <version>.json and <version>.md in the folder, after
each part, so that what was measured is kept when it is stopped. A mark that was missed is told and is no failure: exits
with 0, or with 1 when a part gave no result.

Parts:
${listed.join('\n')}

Options:
      --only NAME      those parts alone whose name begins so; what is stored of the others stays
      --short          one pair of each, about ${minutes(total(parts, formOf({ short: true })))} minutes; files are named <version>-short
      --minutes N      begin no part that would not be over after so long
      --save FOLDER    where results go (default docs/bench)
      --seconds N, --calls N, --rounds N
                       other windows, calls and pairs, to try it with; files are named <version>-short
  -h, --help           this text`;

/** A part may take this many times what is expected, and so long besides, ms. */
const patience = 2;
const patienceMs = 120_000;

let running;
let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    stopped = true;
    running?.kill(signal);
  });
process.exitCode = await main();

async function main() {
  let options;
  try {
    options = parseArgs({ options: optionTypes }).values;
    for (const name of ['minutes', 'seconds', 'calls', 'rounds']) options[name] = wholeNumber(options, name);
  } catch (error) {
    return misuse(error.message);
  }
  if (options.help) {
    console.log(help);
    return 0;
  }
  const chosen = parts.filter(({ name }) => name.startsWith(options.only));
  if (chosen.length === 0)
    return misuse(`--only takes the beginning of ${parts.map(({ name }) => name).join(', ')}`);
  return run(chosen, options);
}

async function run(chosen, { only, save, minutes: most, ...wanted }) {
  const form = formOf(wanted);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const path = join(save, form.whole ? version : `${version}-short`);
  const result = { version, parts: only === '' ? [] : storedParts(path), missing: [] };
  const until = Date.now() + (most === undefined ? Number.POSITIVE_INFINITY : most * 60_000);
  mkdirSync(save, { recursive: true });
  for (const [at, part] of chosen.entries()) {
    const left = total(chosen.slice(at), form);
    tell(
      `${at + 1} of ${chosen.length}, ${part.title}: ${minutes(part.seconds(form))} min, ${minutes(left)} to go`,
    );
    const why = await attempt(result, part, form, until);
    if (why !== undefined) {
      tell(`${part.title}: ${why}`);
      result.missing.push(`${part.title} (${why})`);
    } else tell(`${part.title}: ${metInWords(marksOf(result).filter(({ name }) => name === part.name))}`);
    // What an earlier run has stored is not given for nothing.
    if (result.parts.length > 0) store(path, result);
  }
  console.log(marksTable(marksOf(result)));
  for (const each of result.missing) console.log(`\nNot measured: ${each}`);
  const where = result.parts.length > 0 ? `; written to ${path}.json and ${path}.md` : '';
  console.log(`\n${metInWords(marksOf(result))}${where}`);
  return result.missing.length > 0 ? 1 : 0;
}

/** Carries out a part, and keeps what it gave in place of what it gave before; says why there is nothing. */
async function attempt(result, part, form, until) {
  const seconds = part.seconds(form);
  if (stopped) return 'stopped';
  if (Date.now() + seconds * 1000 > until) return 'there was no time';
  const begun = { date: new Date().toISOString(), loadBefore: loadavg()[0] };
  try {
    const results = [];
    for (const command of part.commands(form))
      results.push(await json(command, patienceMs + patience * seconds * 1000));
    const { name, title } = part;
    const one = { name, title, ...begun, machine: machine(), commands: part.commands(form), results };
    const order = parts.map(each => each.name);
    result.parts = [...result.parts.filter(each => each.name !== name), one].sort(
      (a, b) => order.indexOf(a.name) - order.indexOf(b.name),
    );
    return undefined;
  } catch (error) {
    return stopped ? 'stopped' : error.message;
  }
}

/** Runs a program with node and reads the line of JSON that it ends with; one that found something amiss prints it too. */
function json(args, longestMs) {
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
    running.on('close', (code, signal) => {
      const line = out.trim().split('\n').at(-1) ?? '';
      try {
        resolve(JSON.parse(line));
      } catch {
        reject(new Error(`ended with ${code ?? signal} and no result`));
      }
    });
  });
}

function machine() {
  return { cores: cpus().length, cpu: cpus()[0]?.model.trim(), node: process.version };
}

/** What an earlier run has left there. */
function storedParts(path) {
  if (!existsSync(`${path}.json`)) return [];
  return JSON.parse(readFileSync(`${path}.json`, 'utf8')).parts ?? [];
}

function store(path, result) {
  writeFileSync(`${path}.json`, `${JSON.stringify(result, null, 1)}\n`);
  writeFileSync(`${path}.md`, `${reportOf(result)}\n`);
}

function wholeNumber(options, name) {
  if (options[name] === undefined) return undefined;
  const value = Number(options[name]);
  if (!(Number.isInteger(value) && value > 0)) throw new Error(`--${name} takes a number from 1`);
  return value;
}

function tell(text) {
  console.error(`bench-release: ${text}`);
}

function misuse(why) {
  tell(`${why}. See --help.`);
  return 2;
}
