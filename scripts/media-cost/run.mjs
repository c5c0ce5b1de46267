// Runs one subject against a peer, and tells what a packet of it took.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loopbackCertificate } from '../../dist/src/sim/certificate.js';

const file = name => fileURLToPath(new URL(`${name}.mjs`, import.meta.url));
/** Rounds before anything is counted: V8 has optimised what it will by then, and buffers have grown to their sizes. */
const warmUpRounds = 500;
/** System calls that carry sound, and the waits between them; locks and memory are the collector's. */
const counted = ['epoll_pwait', 'epoll_wait', 'read', 'recvmsg', 'sendmsg', 'sendto', 'write', 'writev'];
const patienceMs = 120_000;

/** Room enough that the collector seldom runs in between: a round in which it does says nothing of bytes. */
const roomy = ['--max-semi-space-size=64', '--min-semi-space-size=64'];

/** Bytes of V8's heap and CPU time of a packet, both ways and with its message to the agent. */
export async function costOf(subject, options) {
  const { calls, rounds } = options;
  return withPair(subject, options, [], async ({ run, ask }) => {
    await run(warmUpRounds);
    await ask('mark', 'marked');
    await run(rounds);
    const { bytesPerRound, user, system } = await ask('report', 'report');
    return {
      bytes: bytesPerRound / calls,
      userMicros: user / (calls * rounds),
      systemMicros: system / (calls * rounds),
    };
  });
}

/** System calls of a packet by their names: what a longer run made more of them than a shorter one. */
export async function systemCallsOf(subject, options) {
  const short = await traced(subject, { ...options, rounds: Math.ceil(options.rounds / 4) });
  const long = await traced(subject, options);
  const packets = options.calls * (options.rounds - Math.ceil(options.rounds / 4));
  const each = Object.fromEntries(
    counted.map(name => [name, ((long[name] ?? 0) - (short[name] ?? 0)) / packets]),
  );
  return { all: Object.values(each).reduce((sum, share) => sum + share, 0), each };
}

async function traced(subject, options) {
  const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-cost-'));
  const out = join(folder, 'strace');
  try {
    const wrap = ['strace', '-f', '-c', '-U', 'calls,name', '-o', out];
    await withPair(subject, options, wrap, ({ run }) => run(options.rounds));
    const lines = readFileSync(out, 'utf8').matchAll(/^\s*(\d+)\s+(\w+)\s*$/gm);
    return Object.fromEntries([...lines].map(([, count, name]) => [name, Number(count)]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function withPair(subject, { calls, profile, wss = false, srtp = false, chunkMs = 20 }, wrap, work) {
  const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-cost-'));
  const certificate = wss ? await loopbackCertificate() : undefined;
  const caFile = join(folder, 'agent.pem');
  if (certificate !== undefined) writeFileSync(caFile, certificate.cert);
  const trust = certificate === undefined ? {} : { NODE_EXTRA_CA_CERTS: caFile };
  const peer = new Program('peer', [profile, wss ? 'wss' : 'ws', JSON.stringify(certificate ?? null)]);
  const tested = new Program(subject, [], { wrap, nodeArgs: roomy, env: trust });
  try {
    const { url, mediaPort, controlPort } = await peer.hear('ready');
    await tested.hear('ready');
    const how = { number: calls, url, profile, mediaPort, controlPort, srtp, chunkMs };
    const opened = await tested.ask({ type: 'start', ...how }, 'opened');
    await peer.ask({ type: 'calls', calls: opened.calls, controlPort: opened.controlPort }, 'set');
    return await work({
      run: async rounds => {
        const { heard } = await peer.ask({ type: 'run', rounds }, 'ran');
        // The last packets of a round may still be on their way.
        if (heard < calls * (rounds - 1))
          throw new Error(`only ${heard} packets of ${calls * rounds} came back`);
      },
      ask: (type, answer) => tested.ask({ type }, answer),
    });
  } finally {
    await Promise.all([peer.end(), tested.end()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A program of the measurement, and what it has said. */
class Program {
  #name;
  #process;
  #heard = new Map();
  #wanted = new Map();

  constructor(name, args, { wrap = [], nodeArgs = [], env = {} } = {}) {
    this.#name = name;
    this.#process = fork(file(name), args, {
      execPath: wrap[0] ?? process.execPath,
      execArgv: wrap.length === 0 ? nodeArgs : [...wrap.slice(1), process.execPath, ...nodeArgs],
      serialization: 'advanced',
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#process.on('message', message => {
      const wanted = this.#wanted.get(message.type);
      this.#wanted.delete(message.type);
      if (wanted === undefined) this.#heard.set(message.type, message);
      else wanted(message);
    });
  }

  ask(message, answer) {
    this.#process.send(message);
    return this.hear(answer);
  }

  /** The next message of a type; fails when the program ends first, or has not said it in a long time. */
  async hear(type) {
    if (this.#heard.has(type)) {
      const message = this.#heard.get(type);
      this.#heard.delete(type);
      return message;
    }
    const stop = new AbortController();
    const { signal } = stop;
    const failure = why => new Error(`${this.#name} of the measurement ${why} "${type}"`);
    const gone = once(this.#process, 'exit', { signal }).then(() => Promise.reject(failure('ended before')));
    const late = rest(patienceMs, undefined, { signal }).then(() => Promise.reject(failure('did not say')));
    try {
      return await Promise.race([new Promise(resolve => this.#wanted.set(type, resolve)), gone, late]);
    } finally {
      stop.abort();
      gone.catch(() => undefined);
      late.catch(() => undefined);
    }
  }

  async end() {
    const { exitCode, signalCode } = this.#process;
    if (exitCode !== null || signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    if (this.#process.connected) this.#process.disconnect();
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), 5000);
    await exited;
    clearTimeout(timer);
  }
}
