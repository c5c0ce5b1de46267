// The three programs of a load run: the stand-in agent, the daemon, and SIPp; and what is measured of them.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeAlaw, encodeUlaw } from '../../dist/codecs/g711.js';
import { sine } from '../../dist/codecs/tones.js';
import { BenchChild } from '../../dist/src/sim/load/child.js';
import { daemonFlags } from '../../dist/src/sim/load/daemon-flags.js';
import { inWords, pidsOf } from '../../dist/src/sim/load/made.js';
import { cpuOfAll, usageOf } from '../../dist/src/sim/load/usage.js';
import * as measuring from './measure.mjs';
import { configuration, sippMediaPort } from './plan.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const host = '127.0.0.1';
const progressMs = 2000;
const startMs = 15_000;
const stopMs = 10_000;
/** New calls a second before those that are counted, at most: they all have to go through. */
const mostWarmRate = 200;

/** The three programs of a run. */
export class Run {
  folder = mkdtempSync(join(tmpdir(), 'trunkbridge-load-'));
  #plan;
  #children = [];
  #agent;
  #apiKey = randomBytes(16).toString('hex');

  constructor(plan, raised) {
    this.#plan = plan;
    writeFileSync(join(this.folder, 'trunkbridge.yaml'), configuration(plan, raised));
  }

  async execute(json) {
    const agent = await this.#startAgent();
    const daemon = await this.#startDaemon(agent.environment);
    await this.#warmUp(daemon.sipPort);
    this.#writeSound(this.folder);
    const sipp = this.#startSipp(daemon.sipPort, this.folder, this.#plan);
    const begun = performance.now();
    const usageNow = child => usageOf(child.pid, performance.now());
    const before = { daemon: usageNow(daemon.child), agentMs: cpuOfAll(agent.pids) };
    const workers =
      this.#plan.workers === 'auto' ? Math.max(1, availableParallelism() - 1) : this.#plan.workers;
    const peak = { calls: 0, mb: 0 };
    let generatorMs = 0;
    const report = async () => {
      const text = await this.#metrics(daemon.httpPort);
      const { residentMb } = usageNow(daemon.child);
      // What it has used is gone when it has ended: the last two seconds are not counted.
      if (sipp.process.exitCode === null) generatorMs = usageNow(sipp.process).cpuMs;
      const up = measuring.sum(text, 'calls_active');
      peak.calls = Math.max(peak.calls, up);
      peak.mb = Math.max(peak.mb, residentMb);
      const seconds = (performance.now() - begun) / 1000;
      const ended = measuring.sum(text, 'calls_total');
      console.log(`${seconds.toFixed(0)} s: ${up} calls up, ${ended} over, ${residentMb.toFixed(0)} MB`);
    };
    while (!(await settledWithin(sipp.exited, progressMs))) await report();
    const code = await sipp.exited;
    const seconds = (performance.now() - begun) / 1000;
    const cpu = {
      ...measuring.cpuSince(before.daemon, usageNow(daemon.child), workers),
      agent: cpuOfAll(agent.pids) - before.agentMs,
      generator: generatorMs,
    };
    // Workers send their totals once a second.
    await new Promise(resolve => setTimeout(resolve, 1500));
    const text = await this.#metrics(daemon.httpPort);
    const measured = { ...this.#measure(text, { cpu, peak, seconds }), agent: agent.made };
    this.#print(measured);
    if (json) console.log(JSON.stringify(measured));
    return this.#judge(measured, code);
  }

  /** Calls that are not counted: what runs for the first time is compiled for the first time. */
  async #warmUp(port) {
    const { warm, rate } = this.#plan;
    if (warm === 0) return;
    const slow = Math.min(rate / 2, mostWarmRate);
    const folder = join(this.folder, 'warm');
    mkdirSync(folder);
    this.#writeSound(folder);
    const total = Math.ceil(slow * warm);
    const sipp = this.#startSipp(port, folder, { ...this.#plan, rate: slow, total });
    const code = await sipp.exited;
    // 1: not every call was made. A daemon that has only just started may turn some away, and they are not what is measured.
    if (code !== 0 && code !== 1) throw new Error(`the calls to warm up failed: SIPp ended with ${code}`);
    console.log(`warmed up with ${total} calls in ${warm} s${code === 1 ? ', some of which failed' : ''}`);
  }

  async stop() {
    for (const child of this.#children.reverse()) {
      child.process.kill('SIGTERM');
      if (!(await settledWithin(child.exited, stopMs))) child.process.kill('SIGKILL');
      await child.exited;
    }
    await this.#agent?.stop();
  }

  #measure(text, { cpu, peak, seconds }) {
    const setup = measuring.responseTimes(this.folder, 'setup');
    const refused = measuring.responseTimes(this.folder, 'refused');
    const counts = measuring.sippCounts(this.folder);
    const received = measuring.sum(text, 'rtp_packets_total', 'direction="received"');
    const lost = measuring.sum(text, 'rtp_packets_lost_total');
    return {
      // To SIPp a call that was refused as it should be ended well.
      ok: counts.ok - refused.length,
      failed: counts.failed,
      refused: refused.length,
      refusals: measuring.labelled(text, 'invites_refused_total', 'reason'),
      seconds,
      peakCalls: peak.calls,
      setupMs: spread(setup),
      refusedMs: spread(refused),
      packets: { received, sent: measuring.sum(text, 'rtp_packets_total', 'direction="sent"'), lost },
      lossPercent: lossOf(received, lost),
      concealedFrames: measuring.sum(text, 'frames_concealed_total'),
      latenessP99Seconds: measuring.quantile(text, 'rtp_send_lateness_seconds', 0.99),
      cpuPercent: cpu.whole / seconds / 10,
      /** CPU of each call, ms. */
      callMs: Object.fromEntries(
        Object.entries(cpu).map(([who, ms]) => [who, ms / (counts.ok + counts.failed)]),
      ),
      peakMb: peak.mb,
    };
  }

  #print(m) {
    const ms = value => (value === undefined ? '-' : `${value} ms`);
    const cost = who => `${m.callMs[who].toFixed(2)} ms`;
    const refusals = Object.entries(m.refusals).map(([reason, count]) => `${count} ${reason}`);
    console.log(`
calls          ${m.ok} ok, ${m.refused} refused, ${m.failed} failed, most at once ${m.peakCalls}
INVITE to 200  p50 ${ms(m.setupMs.p50)}, p99 ${ms(m.setupMs.p99)}, most ${ms(m.setupMs.max)} (settle ${this.#plan.settleMs} ms)
INVITE to 503  p50 ${ms(m.refusedMs.p50)}, p99 ${ms(m.refusedMs.p99)}, most ${ms(m.refusedMs.max)}; by reason: ${refusals.join(', ') || 'none'}
RTP            ${m.packets.received} in, ${m.packets.sent} out, ${m.packets.lost} lost (${m.lossPercent.toFixed(3)} %), ${m.concealedFrames} gaps filled
lateness       p99 at most ${m.latenessP99Seconds ?? '-'} s
daemon         ${m.cpuPercent.toFixed(1)} % of a core, ${m.peakMb.toFixed(0)} MB at most
CPU of a call  ${cost('whole')}: main thread ${cost('main')}, media ${cost('media')}, the rest ${cost('rest')}; beside it agent ${cost('agent')} (${m.agent}), SIPp ${cost('generator')}`);
  }

  #judge(measured, sippCode) {
    const { minP99 } = this.#plan;
    const faults = minP99 > 0 ? this.#tooGood(measured) : this.#faults(measured, sippCode);
    for (const fault of faults) console.error(`FAILED: ${fault}`);
    return faults.length === 0 ? 0 : 1;
  }

  /** What speaks against a run that was to show more than can be carried. */
  #tooGood({ setupMs }) {
    const { minP99 } = this.#plan;
    return setupMs.p99 >= minP99
      ? []
      : [`setting up took ${setupMs.p99 ?? 0} ms at p99, and not ${minP99} or more`];
  }

  #faults(measured, sippCode) {
    const faults = [];
    if (measured.failed > 0) faults.push(`${measured.failed} calls failed`);
    const { ok, refused, setupMs } = measured;
    const { total, mayRefuse, maxP99, media } = this.#plan;
    if (refused > 0 && !mayRefuse) faults.push(`${refused} calls were refused`);
    if (setupMs.p99 > maxP99) faults.push(`setting up took ${setupMs.p99} ms at p99, not ${maxP99}`);
    if (ok + refused < total) faults.push(`${ok + refused} of ${total} calls were made`);
    if (sippCode !== 0) faults.push(`SIPp ended with ${sippCode}: ${this.#sippErrors()}`);
    if (media === 'sound' && measured.lossPercent > this.#plan.maxLoss)
      faults.push(`more than ${this.#plan.maxLoss} % was lost`);
    return faults;
  }

  async #startAgent() {
    const agent = new BenchChild('agent', join(root, 'dist/src/sim/load/agent-process.js'));
    this.#agent = agent;
    const started = agent.hear('started', startMs);
    // What it says has nothing to do with setting up.
    agent.tell({ type: 'start', profile: this.#plan.agentProfile, silent: this.#plan.media === 'none' });
    const { baseUrl, made } = await started;
    const environment = {
      ELEVENLABS_BASE_URL: baseUrl,
      ELEVENLABS_API_KEY: 'load',
      ELEVENLABS_AGENT_ID: 'load',
    };
    return { pids: pidsOf(agent.pid, made), made: inWords(made), environment };
  }

  async #startDaemon(environment) {
    const env = {
      ...environment,
      SIP_LISTEN: `tcp://${host}:0`,
      HTTP_LISTEN: `${host}:0`,
      API_KEYS: `load:read:${this.#apiKey}`,
    };
    const args = ['serve', '--config', join(this.folder, 'trunkbridge.yaml')];
    const child = await this.#start(args, env, text => /"for":"http"/.test(text));
    const portOf = what =>
      Number(new RegExp(`"for":"${what}","at":"[^"]*:(\\d+)"`).exec(child.output())?.[1]);
    return { child: child.process, sipPort: portOf('sip tcp'), httpPort: portOf('http') };
  }

  #startSipp(port, folder, plan) {
    const args = [
      `${host}:${port}`,
      '-sf',
      join(root, `scripts/sipp/${plan.media === 'none' ? 'setup' : 'call'}.xml`),
      '-inf',
      'calls.csv',
    ];
    args.push('-t', plan.connections === 'one' ? 't1' : 'tn', '-max_socket', '10000');
    args.push('-i', host, '-mi', host, '-mp', String(sippMediaPort), '-s', '+14155550199', '-nostdin');
    args.push('-m', String(plan.total), '-r', String(plan.rate), '-l', String(plan.calls));
    args.push(
      '-d',
      String(Math.round(plan.length * 1000)),
      '-timeout',
      `${Math.ceil(plan.duration * 2 + 60)}s`,
    );
    args.push('-trace_err', '-error_file', 'errors.log', '-trace_rtt', '-rtt_freq', '1');
    args.push('-trace_stat', '-stf', 'statistics.csv', '-fd', '1');
    return this.#spawn('sipp', args, { PATH: process.env.PATH, TERM: 'dumb' }, folder);
  }

  /** One second of a tone, repeated without a seam, in both laws; and the numbers that call. */
  #writeSound(folder) {
    const samples = new Int16Array(8000);
    sine(8000, 1000, -12).generate(samples, 0, samples.length);
    const bytes = Buffer.alloc(samples.length);
    encodeUlaw(samples, 0, samples.length, bytes, 0);
    writeFileSync(join(folder, 'tone.ulaw'), bytes);
    encodeAlaw(samples, 0, samples.length, bytes, 0);
    writeFileSync(join(folder, 'tone.alaw'), bytes);
    const lines = this.#plan.codecs.map((codec, i) => `1415555010${i};${codec === 'PCMU' ? 0 : 8};${codec};`);
    writeFileSync(join(folder, 'calls.csv'), `SEQUENTIAL\n${lines.join('\n')}\n`);
  }

  async #metrics(port) {
    const headers = { 'xi-api-key': this.#apiKey };
    const response = await fetch(`http://${host}:${port}/metrics`, { headers });
    return response.text();
  }

  async #start(args, env, ready) {
    const command = [join(root, 'dist/src/main.js'), ...args];
    const child = this.#spawn(
      process.execPath,
      [...this.#nodeOptions(args[0]), ...command],
      { PATH: process.env.PATH, ...env },
      this.folder,
    );
    const deadline = performance.now() + startMs;
    while (!ready(child.output())) {
      if (performance.now() > deadline || (await settledWithin(child.exited, 50))) {
        throw new Error(`${args[0]} did not start: ${child.output().slice(-2000)}`);
      }
    }
    return child;
  }

  /** With `--profile` the daemon writes one profile for each of its threads. */
  #nodeOptions(command) {
    const { profile } = this.#plan;
    if (command !== 'serve') return [];
    if (profile === undefined) return daemonFlags;
    return [...daemonFlags, '--cpu-prof', `--cpu-prof-dir=${resolve(profile)}`, '--cpu-prof-interval', '500'];
  }

  #spawn(program, args, env, cwd) {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = text => {
      output = (output + text).slice(0, 64 * 1024);
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    const exited = new Promise(resolve => {
      child.on('error', error => resolve(error.message));
      child.on('close', (code, signal) => resolve(code ?? signal));
    });
    const started = { process: child, exited, output: () => output };
    this.#children.push(started);
    return started;
  }

  #sippErrors() {
    try {
      return readFileSync(join(this.folder, 'errors.log'), 'latin1').slice(0, 500);
    } catch {
      return 'it wrote no errors';
    }
  }
}

/** Whether a promise settles within `ms`. */
async function settledWithin(promise, ms) {
  let timer;
  const late = new Promise(resolve => {
    timer = setTimeout(resolve, ms, false);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What is told of ascending times. */
function spread(ascending) {
  const [p50, p99] = [0.5, 0.99].map(share => measuring.percentile(ascending, share));
  return { p50, p99, max: ascending.at(-1) };
}

function lossOf(received, lost) {
  return received === 0 ? 100 : (100 * lost) / (received + lost);
}
