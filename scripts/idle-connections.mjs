#!/usr/bin/env node
// What connections that do nothing cost, and whether calls notice thousands of them. See docs/load.md.
// Usage: npm run build && node scripts/idle-connections.mjs [memory|calls|raised]...
import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { serve } from './attack/serve.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const host = '127.0.0.1';

/** What has to hold. */
const bounds = { tlsBytes: 40 * 1024, setupP99: 250, lostShare: 0.001 };
/** Connections that are opened: all of them beside calls, and those whose memory is measured. */
const sizes = { beside: 5_000, measured: 1_000 };
/** Calls that are up meanwhile, and for how long, s. */
const calls = { count: 20, seconds: 15 };

const raisedLimits = {
  connections: 8_000,
  connectionsPerSource: 6_000,
  strangerConnections: 6_000,
  handshakesPerSecond: 2_000,
  handshakesPerSecondPerSource: 2_000,
  firstMessageMs: 120_000,
};

const wanted = process.argv.slice(2);
const runs = { memory, calls: () => beside('calls', {}), raised: () => beside('raised', raisedLimits) };
const faults = [];
for (const [name, run] of Object.entries(runs)) {
  if (wanted.length === 0 || wanted.includes(name)) await run();
}
console.log(`load of this machine (1 minute): ${loadavg()[0].toFixed(1)}`);
for (const fault of faults) console.log(`FAILED ${fault}`);
process.exit(faults.length === 0 ? 0 : 1);

/** Memory of a connection that has said one thing and then nothing, and of one that was only let in. */
async function memory() {
  await withDaemon(raisedLimits, async daemon => {
    for (const kind of ['tls', 'tcp']) {
      // Whatever the first ones make is there for all.
      const first = await open(kind, daemon, 100, 1);
      await pause(1_000);
      const before = daemon.rss();
      const sockets = await open(kind, daemon, sizes.measured, 1);
      await pause(2_000);
      const bytes = (daemon.rss() - before) / sockets.length;
      console.log(
        `idle ${kind} connection: ${(bytes / 1024).toFixed(1)} kB of memory (${sockets.length} of them)`,
      );
      if (kind === 'tls' && !(bytes < bounds.tlsBytes))
        faults.push(`an idle TLS connection takes ${bytes} bytes`);
      for (const socket of [...first, ...sockets]) socket.destroy();
      await pause(1_000);
    }
  });
}

/** Calls from one address, and thousands of connections from others that say nothing, or half of something. */
async function beside(name, limits) {
  for (const [limit, value] of Object.entries(limits)) console.log(`raised sip.limits.${limit} to ${value}`);
  await withDaemon(limits, async (daemon, children) => {
    const callers = asking(
      fork(join(root, 'scripts/attack/callers.mjs'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
      children,
    );
    await callers('begin', { target: daemon.target, count: calls.count });
    await pause(3_000);
    const start = await callers('look');
    await pause(calls.seconds * 1_000);
    const before = await callers('look');
    const sockets = await open('tcp', daemon, sizes.beside, 250, index =>
      index % 2 === 0 ? '' : 'INVITE sip:x@y SIP/2.0\r\nVia: ',
    );
    const standing = sockets.filter(socket => !socket.destroyed).length;
    await pause(calls.seconds * 1_000);
    const during = await callers('look');
    await callers('finish');
    const lost = during.lost - before.lost;
    const packets = during.packets - before.packets;
    console.log(
      `${sizes.beside} connections from 250 addresses (${name}): ${standing} were let in, ${daemon.connections()} kB more; ` +
        `setting up p99 ${before.p99.toFixed(0)} ms before, ${during.p99.toFixed(0)} ms beside them; ` +
        `${packets} packets to ${calls.count} calls, ${lost} lost, ${during.failures.length} calls failed`,
    );
    if (during.up !== calls.count) faults.push(`${name}: a call was lost`);
    if (during.failures.length > 0) faults.push(`${name}: new calls failed: ${during.failures.join(', ')}`);
    if (!(during.p99 < bounds.setupP99)) faults.push(`${name}: setting up took ${during.p99} ms at p99`);
    if (lost > packets * bounds.lostShare) faults.push(`${name}: ${lost} packets were lost`);
    if (start.up !== calls.count) faults.push(`${name}: the calls did not come up`);
    for (const socket of sockets) socket.destroy();
  });
}

/** Opens connections from as many addresses of 127/8, and writes to each what `first` says. */
async function open(kind, daemon, count, addresses, first = () => '\r\n\r\n') {
  const sockets = [];
  for (let index = 0; index < count; index += 50) {
    const batch = Array.from({ length: Math.min(50, count - index) }, (_each, i) => {
      const at = index + i;
      const localAddress = addresses === 1 ? '127.0.0.10' : `127.0.1.${1 + (at % addresses)}`;
      return opened(kind, daemon.target[kind], localAddress, first(at));
    });
    sockets.push(...(await Promise.all(batch)));
  }
  return sockets;
}

function opened(kind, target, localAddress, text) {
  return new Promise(resolve => {
    const options = { ...target, localAddress };
    const socket = kind === 'tls' ? connectTls({ ...options, rejectUnauthorized: false }) : connect(options);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => resolve(socket));
    socket.once(kind === 'tls' ? 'secureConnect' : 'connect', () => {
      if (text !== '') socket.write(text);
      resolve(socket);
    });
    socket.resume();
  });
}

async function withDaemon(limits, work) {
  const { SimWorld } = await import('../dist/src/sim/world.js');
  const script = { mode: 'echo', inputFormat: 'ulaw_8000', outputFormat: 'ulaw_8000' };
  const world = await SimWorld.start({
    agentId: 'agent',
    agent: { agents: { agent: script }, keepAudioBytes: 0 },
  });
  const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-idle-'));
  const children = [];
  try {
    await work(await startDaemon(world, folder, limits, children), children);
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startDaemon(world, folder, limits, children) {
  const config = join(folder, 'trunkbridge.yaml');
  const lines = Object.entries(limits).map(([name, value]) => `    ${name}: ${value}`);
  writeFileSync(
    config,
    `agent: { settle_ms: 0 }
${lines.length === 0 ? '' : `sip:\n  limits:\n${lines.join('\n')}\n`}trunks:
  - name: carrier
    inbound_trunk_config: { allowed_addresses: [127.0.0.10] }
  - name: branch
    inbound_trunk_config:
      credentials: { username: branch, password: "a password that nobody guesses" }
`,
  );
  const child = await serve(world, folder, config, { RTP_PORTS: '42000-43999' });
  children.push(child);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', text => {
    if (output.length < 65_536) output += text;
  });
  const portOf = what => Number(new RegExp(`"for":"${what}","at":"[^"]*:(\\d+)"`).exec(output)?.[1]);
  for (let i = 0; i < 200 && !(portOf('http') > 0); i++) await pause(100);
  if (!(portOf('http') > 0)) throw new Error(`the daemon does not listen:\n${output.slice(-2_000)}`);
  const rss = () =>
    1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]);
  const atFirst = rss();
  return {
    target: { tcp: { host, port: portOf('sip tcp') }, tls: { host, port: portOf('sip tls') }, calls: [] },
    rss,
    connections: () => Math.round((rss() - atFirst) / 1024),
  };
}

/** Has a child do something and gives what it says. */
function asking(child, children) {
  children.push(child);
  const waiting = new Map();
  child.on('message', ({ id, output, error }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) resolve(output);
    else reject(new Error(error));
  });
  let last = 0;
  return (what, input) =>
    new Promise((resolve, reject) => {
      const id = ++last;
      waiting.set(id, { resolve, reject });
      child.send({ id, what, input });
    });
}

function pause(ms) {
  return new Promise(resolve => setTimeout(resolve, ms));
}
