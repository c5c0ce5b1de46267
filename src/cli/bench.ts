import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loopbackCertificate } from '../sim/certificate.ts';
import { type Figures, median, type Ratio, ratioOf } from '../sim/load/figures.ts';
import { type ProfileName, profileNames } from '../sim/load/profile.ts';
import { type RoundOptions, runRound } from '../sim/load/round.ts';
import { flatWithin, growthOf, type Sample } from '../sim/load/soak.ts';
import { tableOf } from '../sim/load/table.ts';
import { type Arguments, type Command, type ExitCode, exitCodes, type Io } from './command.ts';
import { version } from './version.ts';

/** What is run unless the command line says otherwise. */
const defaults = { calls: '50,200', seconds: 20, soakCalls: '100', soakSeconds: 3600, rounds: 1, workers: 1 };
/** How long a call of a soak lives, and how often its memory is looked at, ms. */
const soakHoldMs = 60_000;
const soakSampleMs = 10_000;
/** How long a call lives when what records cost is measured, ms: short, so that many end. */
const recordsHoldMs = 30_000;
const mostCalls = 2000;

export const command: Command = {
  usage:
    '[--calls 50,200] [--seconds 20] [--profile pcmu] [--wss] [--recording] [--rounds N] [--json] [--records | --soak]',
  options: {
    calls: { type: 'string' },
    seconds: { type: 'string' },
    profile: { type: 'string', default: 'pcmu' },
    rounds: { type: 'string' },
    workers: { type: 'string' },
    wss: { type: 'boolean' },
    recording: { type: 'boolean' },
    json: { type: 'boolean' },
    save: { type: 'string' },
    records: { type: 'boolean' },
    soak: { type: 'boolean' },
    'cpu-prof': { type: 'string' },
  },
  help: () => `Measures what calls cost, on loopback of a Linux machine: the bridge, a stand-in agent and a load generator each in a
process of its own, and in the same run the floor, a bare program that moves the same datagrams and messages and does
nothing else. agent.settle_ms is 0. What the figures mean: docs/bench/README.md.

Options:
      --calls LIST      numbers of calls, one run each (default: ${defaults.calls}; soak: ${defaults.soakCalls})
      --seconds N       length of the window that is measured (default: ${defaults.seconds}; soak: ${defaults.soakSeconds})
      --profile NAME    ${profileNames.join(', ')} (default: pcmu, which passes through)
      --rounds N        pairs of bridge and floor for each number of calls; ratios are medians (default: ${defaults.rounds})
      --workers N       threads for media (default: ${defaults.workers})
      --wss             TLS to the agent
      --recording       the bridge records every call (recording.enabled); the floor does not
      --json            one line of JSON with everything at the end; progress goes to standard error
      --save FOLDER     also write <version>.json and <version>.md (of a soak: <version>-soak) there
      --records         instead of the floor, the bridge without records and webhooks; calls of ${recordsHoldMs / 1000} s are replaced all the time
      --soak            no floor; calls of one minute each are replaced all the time, memory must stay flat
      --cpu-prof FOLDER CPU profiles of the bridge's threads go there; the figures are then not to be trusted
  -h, --help            this text

Examples:
  npm run bench
  npm run bench -- --calls 200 --profile g722 --rounds 5 --json
  npm run bench -- --soak --seconds 600`,
  async run(args, io) {
    const plan = readPlan(args);
    if (typeof plan === 'string') {
      io.err(`trunkbridge bench: ${plan}`);
      return exitCodes.wrong;
    }
    const bench = new Bench(plan, io);
    return bench.run();
  },
};

const remembering = { holdMs: recordsHoldMs, keeps: 'records and webhooks' } as const;
const forgetting = { holdMs: recordsHoldMs, keeps: 'nothing' } as const;

interface Plan {
  readonly calls: readonly number[];
  readonly seconds: number;
  readonly profile: ProfileName;
  readonly rounds: number;
  readonly workers: number;
  readonly wss: boolean;
  readonly recording: boolean;
  readonly json: boolean;
  readonly records: boolean;
  readonly soak: boolean;
  readonly save: string | undefined;
  readonly profileFolder: string | undefined;
}

/** The plan, or what is wrong with the command line. */
function readPlan(args: Arguments): Plan | string {
  const soak = args['soak'] === true;
  const calls = String(args['calls'] ?? (soak ? defaults.soakCalls : defaults.calls))
    .split(',')
    .map(Number);
  const seconds = Number(args['seconds'] ?? (soak ? defaults.soakSeconds : defaults.seconds));
  const rounds = Number(args['rounds'] ?? defaults.rounds);
  const workers = Number(args['workers'] ?? defaults.workers);
  const profile = profileNames.find(name => name === args['profile']);
  const whole = (value: number, most: number) => Number.isInteger(value) && value >= 1 && value <= most;
  if (!calls.every(number => whole(number, mostCalls)))
    return `--calls takes numbers from 1 to ${mostCalls}, with commas between them`;
  if (!whole(seconds, 86_400)) return '--seconds takes a number from 1 to 86400';
  if (!whole(rounds, 100)) return '--rounds takes a number from 1 to 100';
  if (!whole(workers, 64)) return '--workers takes a number from 1 to 64';
  if (profile === undefined) return `--profile takes one of ${profileNames.join(', ')}`;
  if (soak && args['records'] === true) return '--records and --soak are two measurements: give one of them';
  if (args['recording'] === true && args['records'] === true)
    return '--recording needs a disk, which --records takes away from one side: give one of them';
  if (soak && calls.length !== 1) return '--soak takes one number of calls';
  if (process.platform !== 'linux') return 'the bench reads /proc and runs on Linux only';
  const text = (name: string) => (typeof args[name] === 'string' ? args[name] : undefined);
  return {
    calls,
    seconds,
    profile,
    rounds,
    workers,
    records: args['records'] === true,
    soak,
    wss: args['wss'] === true,
    recording: args['recording'] === true,
    json: args['json'] === true,
    save: text('save'),
    profileFolder: text('cpu-prof'),
  };
}

class Bench {
  readonly #plan: Plan;
  readonly #io: Io;
  readonly #stop = new AbortController();

  constructor(plan: Plan, io: Io) {
    this.#plan = plan;
    this.#io = io;
  }

  async run(): Promise<ExitCode> {
    const release = this.#io.onSignal(() => this.#stop.abort());
    const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-bench-'));
    try {
      const tls = this.#plan.wss ? await agentCertificate(folder) : undefined;
      return this.#plan.soak ? await this.#soak(tls) : await this.#compare(tls);
    } catch (error) {
      this.#io.err(`trunkbridge bench: ${error instanceof Error ? error.message : String(error)}`);
      return exitCodes.failed;
    } finally {
      release();
      rmSync(folder, { recursive: true, force: true });
    }
  }

  async #compare(tls: RoundOptions['tls']): Promise<ExitCode> {
    const { calls, rounds, records } = this.#plan;
    const pairs: { readonly bridge: Figures; readonly other: Figures; readonly ratio: Ratio }[] = [];
    for (let round = 1; round <= rounds; round++) {
      for (const number of calls) {
        const bridge = await this.#round('bridge', number, tls, records ? remembering : {});
        const other = records
          ? await this.#round('forgetful', number, tls, forgetting)
          : await this.#round('floor', number, tls);
        pairs.push({ bridge, other, ratio: ratioOf(bridge, other) });
      }
    }
    const ratios = calls.map(number =>
      medianRatio(pairs.map(({ ratio }) => ratio).filter(r => r.calls === number)),
    );
    const text = [
      ...Array.from({ length: rounds }, (_, round) =>
        tableOf(
          pairs.slice(round * calls.length, (round + 1) * calls.length).flatMap(p => [p.bridge, p.other]),
        ),
      ),
      ratios.map(line => this.#inWords(line)).join('\n'),
    ].join('\n\n');
    const runs = pairs.map(({ bridge, other, ratio }) => ({ bridge, [other.subject]: other, ratio }));
    this.#tell({ ratios, runs }, text);
    for (const { bridge } of pairs) this.#complain(bridge);
    // Where calls are replaced, more are answered than are up at once.
    const failed = pairs.some(({ bridge }) => (bridge.calling?.answered ?? 0) < bridge.calls);
    return failed ? exitCodes.failed : exitCodes.ok;
  }

  async #soak(tls: RoundOptions['tls']): Promise<ExitCode> {
    const samples: Sample[] = [];
    let begun: number | undefined;
    const figures = await this.#round('bridge', this.#plan.calls[0] ?? 1, tls, {
      holdMs: soakHoldMs,
      sampleMs: soakSampleMs,
      onSample: ({ at, residentMb }) => {
        begun ??= at;
        const minute = (at - begun) / 60_000;
        samples.push({ minute, residentMb });
        this.#note(`minute ${minute.toFixed(1)}: ${residentMb.toFixed(1)} MB`);
      },
    });
    const growth = growthOf(samples);
    const flat = growth !== undefined && growth <= flatWithin;
    const verdict =
      growth === undefined
        ? 'Too short to say anything of memory.'
        : `Memory grew by ${(growth * 100).toFixed(1)} % after the warm-up: ${flat ? 'flat' : 'not flat'}.`;
    this.#complain(figures);
    this.#tell(
      { soak: { growth, flat, samples }, runs: [{ bridge: figures }] },
      `${tableOf([figures])}\n\n${verdict}`,
    );
    return growth === undefined || flat ? exitCodes.ok : exitCodes.failed;
  }

  #round(
    subject: Figures['subject'],
    calls: number,
    tls: RoundOptions['tls'],
    more: Partial<RoundOptions> = {},
  ): Promise<Figures> {
    const { profile, seconds, workers, recording, profileFolder } = this.#plan;
    return runRound({
      subject,
      profile,
      calls,
      seconds,
      workers,
      recording,
      programs,
      note: what => this.#note(`${subject}, ${calls} calls: ${what}`),
      stopped: this.#stop.signal,
      ...(tls === undefined ? {} : { tls }),
      ...(profileFolder === undefined ? {} : { nodeArgs: ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`] }),
      ...more,
    });
  }

  #tell(result: object, text: string): void {
    const { calls: _calls, save, json, profileFolder: _folder, ...run } = this.#plan;
    const machine = { cores: cpus().length, cpu: cpus()[0]?.model.trim(), node: process.version };
    const all = { version: version(), date: new Date().toISOString(), machine, run, settleMs: 0, ...result };
    if (save !== undefined) {
      mkdirSync(save, { recursive: true });
      const name = `${version()}${this.#plan.soak ? '-soak' : ''}`;
      writeFileSync(join(save, `${name}.json`), `${JSON.stringify(all, null, 2)}\n`);
      writeFileSync(join(save, `${name}.md`), `${this.#heading(machine)}\n\n${text}\n`);
    }
    this.#io.out(json ? JSON.stringify(all) : text);
  }

  #heading({ cores, cpu, node }: { cores: number; cpu: string | undefined; node: string }): string {
    const { profile, seconds, rounds, workers, wss, recording } = this.#plan;
    return `# Trunkbridge ${version()}

${new Date().toISOString().slice(0, 10)}, ${cores} cores of ${cpu}, Node ${node}. Profile ${profile} over ${wss ? 'wss' : 'ws'}${recording ? ', recorded' : ''}, ${workers} worker(s),
${rounds} round(s) with a window of ${seconds} s each, \`agent.settle_ms\` 0. Telephones and agent ran on the same cores.
What each line means: [README](README.md).`;
  }

  #inWords({ calls, cpu, memory, latenessP99, latenessMax }: Ratio): string {
    const sign = (ms: number) => `${ms < 0 ? '' : '+'}${ms} ms`;
    const against = this.#plan.records ? 'keeping nothing' : 'the floor';
    return `${calls} calls against ${against}: CPU x ${cpu}, memory x ${memory}, lateness p99 ${sign(latenessP99)}, max ${sign(latenessMax)}`;
  }

  /** Says what a table has no place for. */
  #complain({ calls, calling }: Figures): void {
    for (const status of new Set(calling?.failed))
      this.#note(`${calls} calls: a call was refused: ${status}`);
    for (const line of calling?.complaints ?? []) this.#note(`${calls} calls: the bridge wrote: ${line}`);
  }

  #note(text: string): void {
    this.#io.err(`bench: ${text}`);
  }
}

function medianRatio(ratios: readonly Ratio[]): Ratio {
  return {
    calls: ratios[0]?.calls ?? 0,
    cpu: median(ratios.map(({ cpu }) => cpu)),
    memory: median(ratios.map(({ memory }) => memory)),
    latenessP99: median(ratios.map(({ latenessP99 }) => latenessP99)),
    latenessMax: median(ratios.map(({ latenessMax }) => latenessMax)),
  };
}

async function agentCertificate(folder: string): Promise<NonNullable<RoundOptions['tls']>> {
  const { cert, key } = await loopbackCertificate();
  const caFile = join(folder, 'agent.pem');
  writeFileSync(caFile, cert);
  return { cert, key, caFile };
}

/** The programs of a run lie beside this one, built or not. */
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const file = (path: string) => fileURLToPath(new URL(`${path}.${extension}`, import.meta.url));
const programs: RoundOptions['programs'] = {
  bridge: file('../main'),
  agent: file('../sim/load/agent-process'),
  generator: file('../sim/load/generator-process'),
  floor: file('../sim/load/floor-process'),
};
