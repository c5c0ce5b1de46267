#!/usr/bin/env node
// Attacks the built daemon while calls are up. See docs/attack.md.
import { execFileSync, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { serve } from './attack/serve.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const help = `Usage: node scripts/attack.mjs [options]

Fifty calls are up and new ones are made, first undisturbed, then under attack, then undisturbed again. All on loopback.
Prints what the attacks did and what the calls noticed. Exits with 0, with 1 when a rule was broken, with 2 for wrong use.

Options:
      --calls N      calls that are up all the time (default 50)
      --before S     seconds before the attack (default 10)
      --seconds S    seconds of the attack (default 30)
      --after S      seconds after it (default 10)
      --only NAME    one attack alone, by the beginning of its name
  -h, --help         this text`;

/** `call.max_calls` of the daemon: the calls, those that are just being set up, and those of the trunk that went mad. */
const maxCalls = 500;

/** What the calls may notice. */
const rules = {
  /** Setting up a new authorised call, ms: 99 of 100. */
  setupP99: 250,
  /** Share of the packets to the callers that may be missing. */
  lostShare: 0.001,
  /** Sound that is not the caller's, at the agent, dBFS. */
  injectedDbfs: -55,
  /** The caller's own, dBFS at least. */
  callerDbfs: -30,
  /** Memory that the daemon may have more after the attack, bytes: what malloc keeps for the next time, mostly. */
  growth: 200 * 1_048_576,
};

/** Attacks that share a process: those that have little to do are not to wait for those that have much. */
const attackers = [
  ['INVITE flood'],
  ['RTP injection', 'digest guessing', 'scanner', 'BYE and CANCEL into calls'],
  ['slow senders', 'header and SDP bombs', 'handshakes abandoned'],
];

const parsed = parseOptions();
process.exitCode = parsed === undefined ? 2 : await main(parsed);

function parseOptions() {
  try {
    const { values } = parseArgs({
      options: {
        calls: { type: 'string', default: '50' },
        before: { type: 'string', default: '10' },
        seconds: { type: 'string', default: '30' },
        after: { type: 'string', default: '10' },
        only: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) return { help: true };
    const [calls, before, seconds, after] = [values.calls, values.before, values.seconds, values.after].map(
      Number,
    );
    if ([calls, before, seconds, after].every(each => each > 0 && each <= 600))
      return { calls, before, seconds, after, only: values.only ?? '' };
    throw new Error('every number is from 1 to 600');
  } catch (error) {
    console.error(`attack: ${error.message}\nTry --help.`);
    return undefined;
  }
}

async function main(plan) {
  if (plan.help) {
    console.log(help);
    return 0;
  }
  execFileSync(process.execPath, [join(root, 'scripts/build.mjs'), '--if-stale'], { stdio: 'inherit' });
  const { SimWorld } = await import('../dist/src/sim/world.js');
  const { sightOf } = await import('./attack/sight.mjs');
  // The form in which sound costs the least to carry: what is measured is the daemon, not its stand-in.
  const script = { mode: 'echo', inputFormat: 'ulaw_8000', outputFormat: 'ulaw_8000' };
  const keepAudioBytes = 8_000 * (plan.before + plan.seconds + plan.after + 60);
  const agent = { agents: { agent: script }, keepAudioBytes, keepConversations: 5_000 };
  const world = await SimWorld.start({ agentId: 'agent', agent });
  const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-attack-'));
  const children = [];
  try {
    const daemon = await startDaemon(world, folder, children);
    const callers = asking(forked('callers', children));
    const { calls, secureCallId } = await callers('begin', { target: daemon.target, count: plan.calls });
    // The first second of so many calls is not like the others.
    await pause(3_000);
    const phases = [];
    const start = await callers('look');
    const phase = async (name, seconds, during) => {
      const cpu = daemon.cpu();
      await Promise.all([pause(seconds * 1_000), during?.()]);
      const seen = await callers('look');
      phases.push({
        name,
        seconds,
        ...seen,
        failed: seen.failures.length,
        rss: daemon.rss(),
        cpu: (daemon.cpu() - cpu) / seconds,
      });
    };
    let counts = {};
    await phase('before', plan.before);
    await phase('attack', plan.seconds, async () => {
      const target = { ...daemon.target, calls };
      const chosen = attackers.map(names => names.filter(one => one.startsWith(plan.only)));
      const done = chosen.map(names => attack(forked('attacker', children), target, plan.seconds, names));
      counts = Object.assign({}, ...(await Promise.all(done)));
    });
    await phase('after', plan.after);
    const refused = await daemon.refusals();
    const { spoken, replayed, forged } = await callers('finish');
    counts['replayed SRTP'] = { spoken, replayed, forged };
    await pause(1_000);
    const sight = sightOf(world, daemon.log(), plan.calls, secureCallId);
    return tell({ plan, start, phases, counts, refused, sight, alive: daemon.alive() });
  } catch (error) {
    console.error(`attack: ${error.stack}`);
    return 1;
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function pause(ms) {
  return new Promise(resolve => setTimeout(resolve, ms));
}

function forked(name, children) {
  const child = fork(join(root, `scripts/attack/${name}.mjs`), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  children.push(child);
  // Attackers have machines of their own: they must not take the processor that they attack.
  if (name === 'attacker') setPriority(child.pid, 10);
  return child;
}

/** Has a child do something and gives what it says. */
function asking(child) {
  const waiting = new Map();
  child.on('message', ({ id, output, error }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) resolve(output);
    else reject(new Error(error));
  });
  child.once('exit', code => {
    for (const { reject } of waiting.values()) reject(new Error(`the callers ended with ${code}`));
  });
  let last = 0;
  return (what, input) =>
    new Promise((resolve, reject) => {
      const id = ++last;
      waiting.set(id, { resolve, reject });
      child.send({ id, what, input });
    });
}

function attack(child, target, seconds, names) {
  return new Promise((resolve, reject) => {
    child.once('message', ({ counts }) => resolve(counts));
    child.once('exit', code => reject(new Error(`the attacker ended with ${code}`)));
    child.send({ target, seconds, names });
  });
}

/** A daemon with a carrier that calls, one that went mad, and a branch that signs in from anywhere. */
async function startDaemon(world, folder, children) {
  const config = join(folder, 'trunkbridge.yaml');
  writeFileSync(
    config,
    `agent: { settle_ms: 0 }
call: { max_calls: ${maxCalls} }
trunks:
  - name: carrier
    inbound_trunk_config: { allowed_addresses: [127.0.0.10] }
  - name: mad
    limits: { calls: 20, invites_per_second: 10 }
    inbound_trunk_config: { allowed_addresses: [127.0.0.66, 127.0.0.67] }
  - name: branch
    inbound_trunk_config:
      credentials: { username: branch, password: "a password that nobody guesses" }
`,
  );
  const key = 'a-key-to-read-metrics';
  const child = await serve(world, folder, config, {
    RTP_PORTS: '40000-41999',
    API_KEYS: `attack:read:${key}`,
    LOG_LEVEL: 'info',
  });
  children.push(child);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', text => {
    output += text;
  });
  const log = () =>
    output
      .split('\n')
      .slice(0, -1)
      .filter(line => line.startsWith('{'))
      .map(line => JSON.parse(line));
  const portOf = what => {
    const at = log().find(line => line.msg === 'listening' && line.for === what)?.at ?? '';
    return Number(at.slice(at.lastIndexOf(':') + 1));
  };
  for (let i = 0; i < 200 && !(portOf('http') > 0); i++) await pause(100);
  if (!(portOf('http') > 0)) throw new Error(`the daemon does not listen:\n${output.slice(-2_000)}`);
  const host = '127.0.0.1';
  const http = portOf('http');
  return {
    target: { tcp: { host, port: portOf('sip tcp') }, tls: { host, port: portOf('sip tls') }, calls: [] },
    log,
    alive: () => child.exitCode === null && child.signalCode === null,
    rss: () => 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]),
    /** Processor time so far, s. */
    cpu() {
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1].split(' ');
      return (Number(fields[11]) + Number(fields[12])) / 100;
    },
    /** How often peers and INVITEs were turned away, by cause. */
    async refusals() {
      const answer = await fetch(`http://${host}:${http}/metrics`, { headers: { 'xi-api-key': key } });
      const lines = (await answer.text()).split('\n');
      return lines.filter(
        line => /^trunkbridge_\w*(refus|reject|dropp|unsaid)\w*\{/.test(line) && !line.endsWith(' 0'),
      );
    },
  };
}

function tell({ plan, start, phases, counts, refused, sight, alive }) {
  const columns = [
    'name',
    'seconds',
    'setups',
    'failed',
    'p50',
    'p99',
    'max',
    'up',
    'packets',
    'lost',
    'repeated',
    'longestGap',
    'cpu',
    'rss',
  ];
  console.log(`| ${columns.join(' | ')} |\n|${'---|'.repeat(columns.length)}`);
  const packets = phases.map((each, i) => ({ ...each, ...since(each, phases[i - 1] ?? start) }));
  for (const each of packets) console.log(`| ${columns.map(name => shown(name, each[name])).join(' | ')} |`);
  console.log(
    `\nload of this machine (1 minute): ${loadavg()[0].toFixed(1)} on ${availableParallelism()} cores`,
  );
  console.log(`raised call.max_calls to ${maxCalls}\n\nWhat the attacks did:\n`);
  for (const [name, each] of Object.entries(counts)) {
    console.log(
      `- ${name}: ${Object.entries(each)
        .map(([what, n]) => `${what} ${n}`)
        .join(', ')}`,
    );
  }
  console.log('\nWhat was counted as turned away:\n');
  for (const line of refused) console.log(`    ${line}`);
  console.log('\nWhat the agents heard:\n');
  for (const [what, value] of Object.entries(sight)) console.log(`- ${what}: ${value}`);
  const [before, during, after] = packets;
  const faults = [
    [!alive, 'the daemon ended'],
    [phases.some(each => each.up !== plan.calls), 'a call was lost'],
    [phases.some(each => each.failures.length > 0), `new calls failed: ${failures(phases)}`],
    [!(during.p99 < rules.setupP99), `setting up took ${during.p99} ms at p99`],
    [during.packets < 0.98 * plan.calls * 50 * plan.seconds, `only ${during.packets} packets came`],
    [during.lost > during.packets * rules.lostShare, `${during.lost} packets were lost`],
    [sight.injected > rules.injectedDbfs, 'sound of somebody else was heard'],
    [sight.weakestCaller < rules.callerDbfs, 'a caller was not heard'],
    [sight.secureCaller < rules.callerDbfs, 'the caller with SRTP was not heard'],
    [!(sight.secureUnauthentic > 0), 'no forged SRTP packet was counted'],
    [
      after.rss - before.rss > rules.growth,
      `memory grew by ${Math.round((after.rss - before.rss) / 1_048_576)} MB`,
    ],
    [(counts['digest guessing']?.guessed ?? 0) > 0, 'a password was guessed'],
    [(counts['BYE and CANCEL into calls']?.accepted ?? 0) > 0, 'a BYE or CANCEL of somebody else was taken'],
  ].flatMap(([broken, what]) => (broken ? [what] : []));
  for (const fault of faults) console.log(`FAILED ${fault}`);
  console.log(faults.length === 0 ? '\nevery rule held' : `\n${faults.length} rules were broken`);
  return faults.length === 0 ? 0 : 1;
}

function failures(phases) {
  return [...new Set(phases.flatMap(each => each.failures))].join(', ');
}

function since(now, before) {
  return {
    packets: now.packets - before.packets,
    lost: now.lost - before.lost,
    repeated: now.repeated - before.repeated,
  };
}

function shown(name, value) {
  if (name === 'rss') return `${Math.round(value / 1_048_576)} MB`;
  if (name === 'cpu') return `${(value * 100).toFixed(0)} %`;
  return typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(1) : String(value);
}
