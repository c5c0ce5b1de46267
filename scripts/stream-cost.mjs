#!/usr/bin/env node
// What a call over a media stream costs, beside the least that Node can do for the same messages. See docs/bench/README.md.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { BenchChild } from '../dist/src/sim/load/child.js';
import { inWords } from '../dist/src/sim/load/made.js';
import { accountSid, dial, Stream, token } from './stream-cost/driver.mjs';

const help = `Usage: node scripts/stream-cost.mjs [options]

Sets calls up over media streams as Twilio does, with an agent that speaks all the time, and tells the CPU of the bridge beside that of
a bare program that moves the same messages, for each message of 20 ms that comes in, and how late its main thread is. Linux only. Build first (npm run build).

Options:
      --calls N     calls (default 200)
      --seconds N   length of the window (default 16; the agent repeats itself every 8)
      --pairs N     times that floor and bridge are run, in turn (default 1)
      --way WORD    how streams come to the bridge: direct, to the worker as a reverse proxy would route them, or main, through
                    its main thread (default direct)
  -h, --help        this text

Examples:
  node scripts/stream-cost.mjs --calls 50 --seconds 8`;

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '16' },
    pairs: { type: 'string', default: '1' },
    way: { type: 'string', default: 'direct' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  console.log(help);
  process.exit(0);
}
const [calls, seconds, pairs] = [values.calls, values.seconds, values.pairs].map(Number);
if (values.way !== 'direct' && values.way !== 'main') {
  console.error(`--way is direct or main, not ${values.way}`);
  process.exit(2);
}
const here = path => new URL(path, import.meta.url).pathname;
/** What runs often is compiled by then; and how long lateness is watched, after what was charged, because watching costs. */
const [warmMs, lagMs] = [10_000, 8_000];
const pause = ms => new Promise(resolve => setTimeout(resolve, ms));

/** A process with its lines; it ends with us. */
function subject(args, env, ready) {
  const child = spawn(process.execPath, ['--import', here('./stream-cost/lag.mjs'), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines = [];
  const found = new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', line => {
        lines.push(line);
        const value = ready(line);
        if (value !== undefined) resolve(value);
      });
    child.once('exit', () => reject(new Error(`it ended: ${lines.slice(-5).join('\n')}`)));
  });
  return { child, lines, found };
}

const cpuMs = pid => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
};

/** CPU of the whole machine, ms. */
function busyMs() {
  const [user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'utf8')
    .split('\n')[0]
    .split(/ +/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) * 10;
}

/** CPU of each thread, ms, by its id. */
const threadsOf = pid =>
  new Map(readdirSync(`/proc/${pid}/task`).map(tid => [tid, cpuMs(`${pid}/task/${tid}`)]));

/** What each thread took since `before`, % of a core: the busiest first, the main thread by its name. */
function threadShares(pid, before, ms) {
  const shares = [...threadsOf(pid)].map(([tid, spent]) => ({
    thread: tid === String(pid) ? 'main' : tid,
    percent: round((100 * (spent - (before.get(tid) ?? 0))) / ms),
  }));
  return shares.sort((a, b) => b.percent - a.percent).slice(0, 3);
}

async function measure(name, agentUrl) {
  const folder = mkdtempSync(join(tmpdir(), 'stream-cost-'));
  const { child, lines, found } = name === 'floor' ? startFloor(agentUrl) : startBridge(agentUrl, folder);
  const streams = [];
  try {
    const { port, streams: streamPort } = await found;
    // What the proxy would do; without it the URL says where the public listener is.
    const reach = url => {
      const { pathname, href } = new URL(url);
      return streamPort !== undefined && pathname.startsWith('/twilio/media/0/')
        ? `ws://127.0.0.1:${streamPort}${pathname}`
        : href;
    };
    for (let i = 0; i < calls; i += 20) {
      const some = Array.from({ length: Math.min(20, calls - i) }, (_, k) =>
        name === 'floor'
          ? new Stream(`ws://127.0.0.1:${port}/`, `CA${i + k}`, {})
          : dial(`http://127.0.0.1:${port}`, i + k, reach),
      );
      streams.push(...(await Promise.all(some)));
      await Promise.all(streams.slice(i).map(stream => stream.opened));
    }
    const talking = talk(streams);
    await pause(warmMs);
    const spent = await charged(child.pid, streams);
    child.kill('SIGUSR2');
    await pause(lagMs);
    child.kill('SIGUSR2');
    await pause(300);
    clearInterval(talking);
    const lag = lines
      .filter(line => line.startsWith('{"lag"'))
      .map(line => JSON.parse(line).lag)
      .at(-1);
    const up = streams.filter(({ ws }) => ws.readyState === 1).length;
    const figures = { ...spent, lag, up };
    console.log(`${name}: ${JSON.stringify(figures)}`);
    return figures;
  } finally {
    for (const { ws } of streams) ws.terminate();
    child.removeAllListeners('exit');
    child.kill('SIGTERM');
    await Promise.race([new Promise(resolve => child.once('exit', resolve)), pause(8000)]);
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A machine that is too busy stalls one of them more than the other. */
function moveTheSame(floor, bridge) {
  return Object.keys(floor).every(name => Math.abs(floor[name] - bridge[name]) <= 0.1 * floor[name]);
}

/** Everybody speaks every 20 ms, a quarter of them every 5 ms; what was missed is made up for, as a telephone does. */
function talk(streams) {
  const begun = performance.now();
  let slots = 0;
  return setInterval(() => {
    for (; begun + slots * 5 <= performance.now(); slots++)
      for (let i = slots % 4; i < streams.length; i += 4) streams[i].speak();
  }, 5);
}

/** What a process takes in one window, and what it moves, for each call. */
async function charged(pid, streams) {
  agent.tell({ type: 'mark' });
  const [busy, cpu, threads, before] = [busyMs(), cpuMs(pid), threadsOf(pid), total(streams)];
  const begun = performance.now();
  await pause(seconds * 1000);
  const ms = performance.now() - begun;
  const spent = cpuMs(pid) - cpu;
  const shares = threadShares(pid, threads, ms);
  const after = total(streams);
  const reported = agent.hear('report', 10_000);
  agent.tell({ type: 'report' });
  const toAgent = (await reported).report.messagesReceived;
  const [sent, messages, marks, bytes] = ['sent', 'messages', 'marks', 'bytes'].map(
    name => after[name] - before[name],
  );
  const each = count => round(count / (ms / 1000) / calls);
  return {
    cpuPercent: round((100 * spent) / ms),
    // Where the machine is too busy for all of them to be sent in time, this alone can be compared.
    usPerMessage: round((1000 * spent) / sent),
    shares,

    // The stand-in of the agent and this driver are in it.
    othersPercent: round((100 * (busyMs() - busy - spent)) / ms),
    // A second, for each call: messages of sound from Twilio and to the agent, and messages, of them marks, and kB to Twilio.
    perCall: {
      in: each(sent),
      toAgent: each(toAgent),
      out: each(messages),
      marks: each(marks),
      kB: each(bytes / 1000),
    },
  };
}

const round = value => Math.round(value * 100) / 100;
const total = streams => ({
  messages: streams.reduce((sum, each) => sum + each.messages, 0),
  bytes: streams.reduce((sum, each) => sum + each.bytes, 0),
  sent: streams.reduce((sum, each) => sum + each.sent, 0),
  marks: streams.reduce((sum, each) => sum + each.marks, 0),
});

function startFloor(agentUrl) {
  const url = `${agentUrl.replace(/^http/, 'ws')}/v1/convai/conversation`;
  return subject([here('./stream-cost/floor.mjs'), url], { PATH: process.env.PATH }, line =>
    line.startsWith('{"port"') ? { port: JSON.parse(line).port } : undefined,
  );
}

function startBridge(agentUrl, folder) {
  const port = 18_300 + Math.floor(Math.random() * 400);
  const streams = values.way === 'direct' ? port + 400 : undefined;
  const file = join(folder, 'trunkbridge.yaml');
  const limits = ['mainLagMs', 'workerLagMs', 'connectionLagMs'].map(name => `    ${name}: 60000\n`).join('');
  writeFileSync(
    file,
    `agent:\n  settle_ms: 0\ncall:\n  max_calls: ${calls + 50}\nsip:\n  limits:\n${limits}`,
  );
  const env = {
    PATH: process.env.PATH,
    ELEVENLABS_API_KEY: 'bench',
    ELEVENLABS_AGENT_ID: 'bench',
    ELEVENLABS_BASE_URL: agentUrl,
    SIP_LISTEN: 'tcp://127.0.0.1:0',
    HTTP_LISTEN: '127.0.0.1:0',
    PUBLIC_HTTP_LISTEN: `127.0.0.1:${port}`,
    ...(streams === undefined ? {} : { TWILIO_STREAM_LISTEN: `127.0.0.1:${streams}` }),
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    TWILIO_ACCOUNT_SID: accountSid,
    TWILIO_AUTH_TOKEN: token,
    // Nobody is there: nothing of this leaves the machine.
    TWILIO_BASE_URL: 'http://127.0.0.1:9',
    MEDIA_WORKERS: '1',
    DATA_DIR: ':memory:',
    LOG_LEVEL: 'warn',
  };
  const made = subject([here('../dist/src/main.js'), 'serve', '--config', file], env, () => undefined);
  return { ...made, found: reachable(port).then(() => ({ port, streams })) };
}

/** Settles when the public listener answers. */
async function reachable(port) {
  for (let tries = 0; tries < 100; tries++) {
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
    if (answer !== undefined) return;
    await pause(200);
  }
  throw new Error('the bridge does not answer');
}

const agent = new BenchChild('agent', here('../dist/src/sim/load/agent-process.js'));
const started = agent.hear('started', 20_000);
agent.tell({ type: 'start', profile: 'pcmu' });
const { baseUrl, made } = await started;
console.log(`the agent is ${inWords(made)}`);
const ratios = [];
for (let pair = 0; pair < pairs; pair++) {
  const floor = await measure('floor', baseUrl);
  const bridge = await measure('bridge', baseUrl);
  const ratio = bridge.usPerMessage / floor.usPerMessage;
  const same = moveTheSame(floor.perCall, bridge.perCall);
  console.log(
    `pair ${pair + 1}: x ${round(ratio)}${same ? '' : ', not counted: they did not move the same messages'}`,
  );
  if (same) ratios.push(ratio);
}
ratios.sort((a, b) => a - b);
console.log(
  ratios.length === 0
    ? `${calls} calls: nothing to compare: this machine is too busy with other things`
    : `${calls} calls: CPU of a message x ${round(ratios[Math.floor(ratios.length / 2)])} of the floor`,
);
await agent.stop();
process.exit(0);
