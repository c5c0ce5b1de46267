#!/usr/bin/env node
// What a call over a media stream costs, beside the least that Node can do for the same messages. See docs/bench/README.md.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { BenchChild } from '../dist/src/sim/load/child.js';
import { accountSid, dial, Stream, token } from './stream-cost/driver.mjs';

const help = `Usage: node scripts/stream-cost.mjs [options]

Sets calls up over media streams as Twilio does, with an agent that speaks all the time, and tells the CPU of the bridge beside that of
a bare program that moves the same messages, for each message of 20 ms that comes in, and how late its main thread is. Linux only. Build first (npm run build).

Options:
      --calls N     calls (default 200)
      --seconds N   length of the window (default 15)
      --pairs N     times that floor and bridge are run, in turn (default 1)
      --way WORD    how streams come to the bridge: direct, to the worker as a reverse proxy would route them, or main, through
                    its main thread (default direct)
  -h, --help        this text

Examples:
  node scripts/stream-cost.mjs --calls 50 --seconds 10`;

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '15' },
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
    let slot = 0;
    const talking = setInterval(() => {
      for (let i = slot; i < streams.length; i += 4) streams[i].speak();
      slot = (slot + 1) % 4;
    }, 5);
    await pause(4000);
    child.kill('SIGUSR2');
    const [cpu, before] = [cpuMs(child.pid), total(streams)];
    const threads = threadsOf(child.pid);
    const begun = performance.now();
    await pause(seconds * 1000);
    const ms = performance.now() - begun;
    const spent = cpuMs(child.pid) - cpu;
    const shares = threadShares(child.pid, threads, ms);
    const got = total(streams);
    child.kill('SIGUSR2');
    await pause(300);
    clearInterval(talking);
    const lag = lines
      .filter(line => line.startsWith('{"lag"'))
      .map(line => JSON.parse(line).lag)
      .at(-1);
    const up = streams.filter(({ ws }) => ws.readyState === 1).length;
    const perSecond = (got.messages - before.messages) / (ms / 1000) / calls;
    const figures = {
      cpuPercent: round((100 * spent) / ms),
      // Where the machine is too busy for all of them to be sent in time, this alone can be compared.
      usPerMessage: round((1000 * spent) / (got.sent - before.sent)),
      lag,
      shares,
      up,
      messagesPerCall: round(perSecond),
      marksPerCall: round((got.marks - before.marks) / (ms / 1000) / calls),
      kbPerCall: round((got.bytes - before.bytes) / ms / calls),
    };
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
const { baseUrl } = await started;
const ratios = [];
for (let pair = 0; pair < pairs; pair++) {
  const floor = await measure('floor', baseUrl);
  const bridge = await measure('bridge', baseUrl);
  ratios.push(bridge.usPerMessage / floor.usPerMessage);
}
ratios.sort((a, b) => a - b);
console.log(
  `${calls} calls: CPU of a message x ${round(ratios[Math.floor(ratios.length / 2)])} of the floor`,
);
await agent.stop();
process.exit(0);
